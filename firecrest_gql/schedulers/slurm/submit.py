"""sbatch, with the script on standard input and the job's own variables."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from firecrest_gql.command import Command, Result, Stdin
from firecrest_gql.errors import CommandFailed
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.slurm.failures import rejection
from firecrest_gql.schedulers.specification import READ_ENVIRONMENT, environment_lines

# The envelope's locale is not the job's. Variables come on standard input: an argument list is everybody's to read,
# and in --export=ALL,NAME=VALUE a comma would begin another variable.
PROGRAM = f'unset LC_ALL; {READ_ENVIRONMENT}; exec "$@"'
# Arguments need a script with a name: /dev/stdin, which only a pipe, and no socket, can be opened by.
PROGRAM_WITH_ARGUMENTS = f'unset LC_ALL; {READ_ENVIRONMENT}; cat | "$@"'

# https://slurm.schedmd.com/sbatch.html: a field of the specification, its option.
OPTIONS = {
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


@dataclass(frozen=True, slots=True)
class Submit(Command[str]):
    """Submit the job, the key as its comment."""

    spec: JobSpec = field(repr=False)
    key: str

    @property
    def argv(self) -> list[str]:
        """A shell that takes the variables in and becomes sbatch."""
        fixed = ("sbatch", "--parsable", "--export=ALL", f"--comment={self.key}")
        program = PROGRAM_WITH_ARGUMENTS if self.spec.arguments else PROGRAM
        return ["sh", "-c", program, "firecrest-submit", *fixed, *self._options(), *self._script()]

    @property
    def stdin(self) -> Stdin:
        """The variables, then the script."""
        script = (self.spec.script or "").encode("utf-8", "surrogateescape")
        return Stdin.of(environment_lines(self.spec) + script)

    @property
    def time_limit(self) -> float:
        """Generous: a job may exist although nobody has waited for the answer."""
        return 60

    def parse(self, result: Result) -> str:
        """The id, before the name of the cluster if one is told."""
        if result.exit_status != 0:
            raise rejection(result)
        words = result.stdout.decode("utf-8", "replace").split()
        if not words or not re.fullmatch(r"\d+(;.*)?", words[-1]):
            raise CommandFailed(f"sbatch gave no job id: {' '.join(words)[-300:]}")
        return words[-1].partition(";")[0]

    def _options(self) -> Iterator[str]:
        for name, option in OPTIONS.items():
            value = getattr(self.spec, name)
            if value is not None:
                yield f"--{option}={value}"
        if self.spec.time_limit_seconds is not None:
            minutes, seconds = divmod(self.spec.time_limit_seconds, 60)
            yield f"--time={minutes}:{seconds:02}"
        if self.spec.memory is not None:
            yield f"--mem={math.ceil(self.spec.memory / 1024)}K"

    def _script(self) -> Iterator[str]:
        """A file is named; text comes on standard input, which has to be named only before arguments."""
        if self.spec.script_path is not None:
            yield from ("--", self.spec.script_path)
        elif self.spec.arguments:
            yield from ("--", "/dev/stdin")
        yield from self.spec.arguments
