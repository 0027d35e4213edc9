"""Which options of sbatch can be given at all: none that has a field of its own, or that our command depends on."""

import re
from collections.abc import Sequence

from firecrest_gql.errors import InvalidInput
from firecrest_gql.schedulers.slurm.comment import is_comment

# https://slurm.schedmd.com/sbatch.html: a field of the specification, its option.
FIELDS = {
    "name": "job-name",
    "working_directory": "chdir",
    "partition": "partition",
    "account": "account",
    "qos": "qos",
    "reservation": "reservation",
    "constraint": "constraint",
    "stdin_path": "input",
    "stdout_path": "output",
    "stderr_path": "error",
    "node_count": "nodes",
    "task_count": "ntasks",
    "cpus_per_task": "cpus-per-task",
    "gpu_count": "gpus",
    "array": "array",
    "dependency": "dependency",
}
OWN_FIELD = frozenset({*FIELDS.values(), "time", "mem"})
OURS = frozenset(
    {
        *("parsable", "test-only", "wait", "wrap", "help", "usage", "version", "quiet", "verbose"),
        *("export", "export-file", "get-user-env", "uid", "gid", "clusters"),
    }
)
LONG = re.compile(r"--([a-z][a-z0-9-]*)(=[^\x00-\x1f\x7f]*)?")


def require_options(options: Sequence[str]) -> None:
    """Raise `InvalidInput` for the first that is no long option, or one that is not the user's to set."""
    for option in options:
        match = LONG.fullmatch(option)
        if match is None:
            raise InvalidInput(f"options: {option[:80]!r} must be written as --name or --name=value")
        if is_comment(option) and not match[2]:
            raise InvalidInput(f"options: {option} needs a value, as {option}=words")
        # getopt takes any beginning of a name that is nobody else's.
        if any(name.startswith(match[1]) for name in OURS):
            raise InvalidInput(f"options: {option[:80]!r} is not for jobs to set")
        if any(name.startswith(match[1]) for name in OWN_FIELD):
            raise InvalidInput(f"options: {option[:80]!r} has a field of its own: use that")
