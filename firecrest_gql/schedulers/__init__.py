"""One dialect for each workload manager: what to run and how to read it; no I/O."""
