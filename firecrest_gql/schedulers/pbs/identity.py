"""The ids of jobs: PBS Reference Guide, "Formats", Job Identifier."""

import re

# 123.server, the array 123[].server, its task 123[7].server: whole, for programs and people mean the same by no other.
JOB_ID = r"[1-9][0-9]{0,11}(\[[0-9]{0,9}\])?\.[A-Za-z0-9][A-Za-z0-9.-]{0,254}"
PARTS = re.compile(r"(\d+)\[(\d*)\](.*)", re.DOTALL)


def array_id(job_id: str) -> str | None:
    """The array's id out of a task's, or its own; None of a job that is no array's."""
    match = PARTS.fullmatch(job_id)
    return None if match is None else f"{match[1]}[]{match[3]}"


def array_task(job_id: str) -> str | None:
    """A task's index; None of anything else."""
    match = PARTS.fullmatch(job_id)
    return None if match is None else match[2] or None
