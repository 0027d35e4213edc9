"""Compute: submit, cancel, query and follow jobs on a system's workload manager."""
