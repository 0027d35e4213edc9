"""The file names that sbatch's patterns become: https://slurm.schedmd.com/sbatch.html#SECTION_%3CB%3Efilename-pattern%3C/B%3E.

squeue shows patterns as they were given, though absolute, and for the default of an array's tasks a wrong name.
"""

import re
from dataclasses import dataclass

# What stands between % and the letter is the width of a number, of at most ten digits.
PATTERN = re.compile(r"%(\d*)([%AaJjNnstux])")
NO_TASK = 4294967294  # NO_VAL of slurm.h: what a job that is no array's has for its task


@dataclass(frozen=True, slots=True)
class Identity:
    """What patterns are made of."""

    raw_id: str
    array_id: str
    task_id: str | None
    name: str
    user: str
    node: str | None
    directory: str


def default_of_array(directory: str) -> str:
    """The pattern of the files of an array's tasks where none was given."""
    return f"{directory}/slurm-%A_%a.out"


def output_path(shown: str, job: Identity) -> str | None:
    """The file behind what squeue shows; None where it cannot be known yet, such as the node of a pending job."""
    if shown in ("", "(null)"):
        return None
    if shown == f"{job.directory}/slurm-{job.raw_id}.out" and job.task_id is not None:
        return f"{job.directory}/slurm-{job.array_id}_{job.task_id}.out" if job.task_id.isdecimal() else None
    if "\\" in shown:  # nothing is replaced then; the backslashes go
        return re.sub(r"\\(.?)", r"\1", shown)
    numbers = {
        "A": job.array_id,
        "a": job.task_id or str(NO_TASK),
        "J": job.raw_id,
        "j": job.raw_id,
        "n": "0",
        "t": "0",
    }
    words = {"N": _short(job.node), "s": "batch", "u": job.user, "x": job.name, "%": "%"}
    wanted = {match[2] for match in PATTERN.finditer(shown)}
    unknown = ("N" in wanted and not job.node) or ("a" in wanted and not numbers["a"].isdecimal())
    return None if unknown else PATTERN.sub(lambda match: _replaced(match, numbers, words), shown)


def _replaced(match: re.Match[str], numbers: dict[str, str], words: dict[str, str]) -> str:
    width, letter = match.groups()
    if letter in numbers:
        return numbers[letter].zfill(min(int(width or 0), 10))
    return words[letter]


def _short(node: str | None) -> str:
    return (node or "").partition(".")[0]
