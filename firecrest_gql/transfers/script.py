"""A command as the script of a job: what it says and how it ends is kept in a folder, to be read like any answer."""

from collections.abc import Sequence
from importlib.resources import files

from firecrest_gql.envelope import DECODE, words

# A transfer is not begun anew behind our back, and does not wait for what can no longer come.
HEAD = ("#!/bin/sh", "#SBATCH --no-requeue", "#SBATCH --kill-on-invalid-dep=yes", "#PBS -r n")
RUN = files(__package__).joinpath("run.sh").read_text(encoding="utf-8")


def job_script(argv: Sequence[str], folder: str, path: str, directives: Sequence[str] = ()) -> str:
    """The script that runs the program with this PATH; all of it is ASCII, whatever the arguments hold."""
    return "\n".join((*HEAD, *directives, f"set -- {words((folder, path, *argv))}", DECODE, RUN))
