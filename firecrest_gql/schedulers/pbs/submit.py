"""qsub, with the script on standard input and the job's own variables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import basename

from firecrest_gql.command import Result, SchedulerCommand, Stdin
from firecrest_gql.errors import CommandFailed, InvalidInput
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.pbs.failures import refusal, said_by
from firecrest_gql.schedulers.pbs.identity import JOB_ID
from firecrest_gql.schedulers.pbs.jobs import KEY_VARIABLE
from firecrest_gql.schedulers.pbs.request import placement
from firecrest_gql.schedulers.specification import READ_ENVIRONMENT, environment_lines

# The envelope's locale is not the job's. A relative path and PBS_O_WORKDIR mean the directory in which qsub starts.
PROGRAM = f'unset LC_ALL; cd -- "$1" || exit; shift; {READ_ENVIRONMENT}; exec "$@"'

# -f: qsub leaves no process behind. -V takes qsub's whole environment along and escapes it, which -v NAME=VALUE does
# not to the letter. -koed: outputs are written where they belong from the beginning, not copied there at the end.
FIXED = ("qsub", "-f", "-V", "-koed")

# https://github.com/openpbs/openpbs/blob/master/doc/man1/qsub.1B: a field of the specification, its option.
OPTIONS = {
    "account": "A",
    "stdout_path": "o",
    "stderr_path": "e",
    "array": "J",
}


@dataclass(frozen=True, slots=True)
class Submit(SchedulerCommand[str]):
    """Submit the job, the key as one of its variables."""

    spec: JobSpec = field(repr=False)
    key: str

    @property
    def argv(self) -> list[str]:
        """A shell that takes the variables in and becomes qsub."""
        directory = self.spec.working_directory or "."
        script = () if self.spec.script_path is None else (self.spec.script_path,)
        carried = ("-v", f"{KEY_VARIABLE}={self.key}")
        return ["sh", "-c", PROGRAM, "firecrest-submit", directory, *FIXED, *carried, *self._options(), *script]

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
        """The id, on the last line."""
        if result.exit_status != 0:
            raise refusal(result.exit_status, said_by(result), "qsub")
        words = result.stdout.decode("utf-8", "replace").split()
        if not words or not re.fullmatch(JOB_ID, words[-1]):
            raise CommandFailed(f"qsub gave no job id: {' '.join(words)[-300:]}")
        return words[-1]

    def _options(self) -> Iterator[str]:
        spec = self.spec
        if name := job_name(spec):
            yield from ("-N", name)
        for field_name, option in OPTIONS.items():
            if (value := getattr(spec, field_name)) is not None:
                yield from (f"-{option}", value.replace("%%", "%") if field_name.endswith("_path") else value)
        if destination := spec.partition or spec.reservation:
            yield from ("-q", destination)
        if spec.dependency is not None:
            yield from ("-W", f"depend={spec.dependency}")
        if spec.time_limit_seconds is not None:
            yield from ("-l", f"walltime={spec.time_limit_seconds}")
        yield from placement(spec)


# "Job Name": of a script's name PBS takes more beginnings, but no more characters.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]{0,229}")
SCRIPT_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,230}")


def job_name(spec: JobSpec) -> str | None:
    """The name to give; None where PBS takes the script's own, or STDIN."""
    if spec.name is not None or spec.script_path is None:
        return spec.name
    own = basename(spec.script_path)
    return None if SCRIPT_NAME.fullmatch(own) else "job_" + re.sub(r"[^A-Za-z0-9_.+-]", "_", own)[:200]


def require_name(name: str | None) -> None:
    """Raise `InvalidInput` for a name that PBS takes for no job's."""
    if name is not None and not NAME.fullmatch(name):
        raise InvalidInput(f"name: {name!r}: PBS takes a letter, then letters, digits and _ . + -, at most 230 in all")
