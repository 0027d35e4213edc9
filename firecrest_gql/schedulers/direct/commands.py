"""The commands of the direct dialect: POSIX programs with GNU coreutils on a Linux without a workload manager."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from firecrest_gql.command import Command, Result, Stdin
from firecrest_gql.errors import CommandFailed, ErrorCode, InvalidInput, SchedulerRejected
from firecrest_gql.model.jobs import JobSpec, Partition
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.dialect import SUBMIT_SECONDS
from firecrest_gql.schedulers.direct.failures import require_success
from firecrest_gql.schedulers.direct.listing import PARTITION
from firecrest_gql.schedulers.direct.programs import CANCEL, FIND, RUN, SUBMIT, VERSION
from firecrest_gql.schedulers.specification import environment_lines, escaped


@dataclass(frozen=True, slots=True)
class Submit(Command[str]):
    """Start the job as a detached process, unless there is one with this key."""

    spec: JobSpec = field(repr=False)
    key: str

    @property
    def argv(self) -> list[str]:
        """The program and the job's fields, each escaped to one line."""
        spec = self.spec
        fields = (
            spec.script_path or "",
            spec.name or "job",
            spec.working_directory or "",
            spec.stdin_path or "",
            self._output(spec.stdout_path or "job-%j.out"),
            self._output(spec.stderr_path or ""),
            str(spec.time_limit_seconds or ""),
            *spec.arguments,
        )
        return ["sh", "-c", SUBMIT, "firecrest-submit", RUN, self.key, *map(escaped, fields)]

    @property
    def stdin(self) -> Stdin:
        """The variables, then the script."""
        script = (self.spec.script or "").encode("utf-8", "surrogateescape")
        return Stdin.of(environment_lines(self.spec) + script)

    @property
    def time_limit(self) -> float:
        """Generous."""
        return SUBMIT_SECONDS

    def parse(self, result: Result) -> str:
        """The id, or the words of the refusal."""
        require_success(result, "the submission")
        verdict, _, words = result.stdout.decode("utf-8", "replace").strip().partition(" ")
        if verdict == "rejected":
            raise SchedulerRejected(words)
        if verdict != "job" or not words.isdecimal():
            raise CommandFailed(f"the submission gave no job id: {verdict} {words}"[:300])
        return words

    def _output(self, path: str) -> str:
        if wrong := re.search(r"%(?![jx%])", path):
            raise InvalidInput(f"{path!r}: after the % at {wrong.start()} comes none of j (job id), x (name) and %")
        return path.replace("%x", (self.spec.name or "job").replace("%", "%%").replace("/", "_"))


@dataclass(frozen=True, slots=True)
class Find(Command[str | None]):
    """The id of the job that carries the key."""

    key: str

    @property
    def argv(self) -> list[str]:
        """One look at the key's folder."""
        return ["sh", "-c", FIND, "firecrest-find", self.key]

    def parse(self, result: Result) -> str | None:
        """A number, or nothing."""
        require_success(result, "the search for the job")
        return result.stdout.decode().strip() or None


@dataclass(frozen=True, slots=True)
class Cancel(Command[Mapping[str, TaskError | None]]):
    """End jobs (SIGTERM, SIGKILL after 5 s), or send their processes a signal."""

    job_ids: tuple[str, ...]
    signal: str | None = None

    @property
    def argv(self) -> list[str]:
        """The program, the signal or an empty word, the ids."""
        return ["sh", "-c", CANCEL, "firecrest-cancel", self.signal or "", *self.job_ids]

    def parse(self, result: Result) -> Mapping[str, TaskError | None]:
        """A line for each id."""
        require_success(result, "the cancellation")
        told = dict(line.split(" ", 1) for line in result.stdout.decode().splitlines())
        return {job_id: self._error(job_id, told.get(job_id, "")) for job_id in self.job_ids}

    def _error(self, job_id: str, told: str) -> TaskError | None:
        if told == "done" or (told == "ended" and self.signal is None):
            return None
        if told == "ended":
            return TaskError(ErrorCode.CONFLICT, f"the job {job_id} has ended: no signal can reach it", False)
        return TaskError(ErrorCode.NOT_FOUND, f"there is no job {job_id} of this user", False)


@dataclass(frozen=True, slots=True)
class Partitions(Command[list[Partition]]):
    """The one queue, and how many processors it has."""

    @property
    def argv(self) -> list[str]:
        """Coreutils' count of what this process may use."""
        return ["nproc"]

    def parse(self, result: Result) -> list[Partition]:
        """A number."""
        require_success(result, "nproc")
        return [Partition(name=PARTITION, default=True, state="UP", node_count=1, cpu_count=int(result.stdout))]


@dataclass(frozen=True, slots=True)
class Version(Command[str]):
    """The system's kernel, where it has what jobs need: setsid and /proc."""

    @property
    def argv(self) -> list[str]:
        """Two looks and uname."""
        return ["sh", "-c", VERSION, "firecrest-version"]

    def parse(self, result: Result) -> str:
        """Name and release."""
        require_success(result, "the search for setsid and /proc")
        return result.stdout.decode("utf-8", "replace").strip()
