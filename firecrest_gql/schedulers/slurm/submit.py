"""sbatch, with the script on standard input and the job's own variables."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from firecrest_gql.command import Result, SchedulerCommand, Stdin
from firecrest_gql.errors import CommandFailed
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.dialect import SUBMIT_SECONDS
from firecrest_gql.schedulers.slurm.comment import comment_of, is_comment
from firecrest_gql.schedulers.slurm.failures import rejection
from firecrest_gql.schedulers.slurm.options import FIELDS
from firecrest_gql.schedulers.specification import READ_ENVIRONMENT, environment_lines

# The envelope's locale is not the job's. Variables come on standard input: an argument list is everybody's to read,
# and in --export=ALL,NAME=VALUE a comma would begin another variable.
PROGRAM = f'unset LC_ALL; {READ_ENVIRONMENT}; exec "$@"'
# Arguments need a script with a name: /dev/stdin, which only a pipe, and no socket, can be opened by.
PROGRAM_WITH_ARGUMENTS = f'unset LC_ALL; {READ_ENVIRONMENT}; cat | "$@"'


def sbatch(spec: JobSpec, *command: str) -> list[str]:
    """A shell that takes the variables in and becomes this sbatch, told of everything that the specification says.

    What the user gave freely comes last, so that an option which lacks its value swallows none of ours.
    """
    program = PROGRAM_WITH_ARGUMENTS if spec.arguments else PROGRAM
    return ["sh", "-c", program, "firecrest-submit", *command, *_export(spec), *_options(spec), *_script(spec)]


def script_input(spec: JobSpec) -> Stdin:
    """The variables, then the script."""
    script = (spec.script or "").encode("utf-8", "surrogateescape")
    return Stdin.of(environment_lines(spec) + script)


@dataclass(frozen=True, slots=True)
class Submit(SchedulerCommand[str]):
    """Submit the job, the key behind its comment."""

    spec: JobSpec = field(repr=False)
    key: str

    @property
    def argv(self) -> list[str]:
        """sbatch, which prints the id alone."""
        return sbatch(self.spec, "sbatch", "--parsable", f"--comment={comment_of(self.spec, self.key)}")

    @property
    def stdin(self) -> Stdin:
        """The variables, then the script."""
        return script_input(self.spec)

    @property
    def time_limit(self) -> float:
        """Generous."""
        return SUBMIT_SECONDS

    def parse(self, result: Result) -> str:
        """The id, before the name of the cluster if one is told."""
        if result.exit_status != 0:
            raise rejection(result)
        words = result.stdout.decode("utf-8", "replace").split()
        if not words or not re.fullmatch(r"\d+(;.*)?", words[-1]):
            raise CommandFailed(f"sbatch gave no job id: {' '.join(words)[-300:]}")
        return words[-1].partition(";")[0]


def _export(spec: JobSpec) -> Iterator[str]:
    """Without variables of the job it is the script's to say, and sbatch's default where that says nothing: ALL."""
    if spec.environment:
        yield "--export=ALL"


def _options(spec: JobSpec) -> Iterator[str]:
    for name, option in FIELDS.items():
        value = getattr(spec, name)
        if value is not None:
            yield f"--{option}={value}"
    if spec.time_limit_seconds is not None:
        minutes, seconds = divmod(spec.time_limit_seconds, 60)
        yield f"--time={minutes}:{seconds:02}"
    if spec.memory is not None:
        yield f"--mem={math.ceil(spec.memory / 1024)}K"
    yield from (option for option in spec.options if not is_comment(option))


def _script(spec: JobSpec) -> Iterator[str]:
    """A file is named; text comes on standard input, which has to be named only before arguments."""
    if spec.script_path is not None:
        yield from ("--", spec.script_path)
    elif spec.arguments:
        yield from ("--", "/dev/stdin")
    yield from spec.arguments
