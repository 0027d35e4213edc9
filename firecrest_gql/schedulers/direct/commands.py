"""The commands of the direct dialect: POSIX programs with GNU coreutils on a Linux without a workload manager."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from firecrest_gql.command import Result, SchedulerCommand, Stdin
from firecrest_gql.errors import CommandFailed, InvalidInput, SchedulerRejected
from firecrest_gql.model.jobs import JobSpec, Partition, SubmitEstimate
from firecrest_gql.schedulers.dialect import SUBMIT_SECONDS
from firecrest_gql.schedulers.direct.arrays import array, dependencies
from firecrest_gql.schedulers.direct.failures import require_success
from firecrest_gql.schedulers.direct.listing import PARTITION
from firecrest_gql.schedulers.direct.programs import FIND, PROGRAM, SCRIPTS, SUBMIT, VERSION
from firecrest_gql.schedulers.specification import environment_lines, escaped


@dataclass(frozen=True, slots=True)
class Submit(SchedulerCommand[str]):
    """Start the job as a detached process, unless there is one with this key."""

    spec: JobSpec = field(repr=False)
    key: str

    @property
    def argv(self) -> list[str]:
        """The program and the job's fields, each escaped to one line."""
        spec, tasks = self.spec, array(self.spec.array)
        fields = (
            spec.script_path or "",
            spec.name or "job",
            spec.working_directory or "",
            spec.stdin_path or "",
            self._output(spec.stdout_path or "job-%j.out"),
            self._output(spec.stderr_path or ""),
            str(spec.time_limit_seconds or ""),
            tasks.ranges,
            str(len(tasks.tasks) or 1),
            str(tasks.most),
            dependencies(spec.dependency),
        )
        return ["sh", "-c", SUBMIT, "firecrest-submit", PROGRAM, self.key, *map(escaped, fields)]

    @property
    def stdin(self) -> Stdin:
        """The variables, the arguments, then the script."""
        arguments = "".join(f"={escaped(argument)}\n" for argument in self.spec.arguments)
        text = f"{arguments}\n{self.spec.script or ''}"
        return Stdin.of(environment_lines(self.spec) + text.encode("utf-8", "surrogateescape"))

    @property
    def time_limit(self) -> float:
        """Generous."""
        return SUBMIT_SECONDS

    def parse(self, result: Result) -> str:
        """The id, or the words of the refusal."""
        return _answer(result, "job")

    def _output(self, path: str) -> str:
        known = "jxAa%" if self.spec.array else "jxA%"
        if wrong := re.search(rf"%(%|[^{known}]|$)", re.sub("%%", "", path)):
            raise InvalidInput(f"{path!r}: {wrong[0]} is none of {', '.join(f'%{each}' for each in known)}")
        return path.replace("%x", (self.spec.name or "job").replace("%", "%%").replace("/", "_"))


@dataclass(frozen=True, slots=True)
class Estimate(SchedulerCommand[SubmitEstimate]):
    """Make every check of a submission, and submit nothing."""

    spec: JobSpec = field(repr=False)

    @property
    def argv(self) -> list[str]:
        """A submission without a key."""
        return Submit(self.spec, "").argv

    @property
    def stdin(self) -> Stdin:
        """As a submission's."""
        return Submit(self.spec, "").stdin

    def parse(self, result: Result) -> SubmitEstimate:
        """It would start now unless it is to wait for others; or the words of the refusal."""
        node, now = _answer(result, "accepted").split()
        start = None if self.spec.dependency else datetime.fromtimestamp(int(now), UTC)
        return SubmitEstimate(estimated_start_at=start, partition=PARTITION, node_count=1, node_list=node)


def _answer(result: Result, expected: str) -> str:
    """What follows the expected word; raises `SchedulerRejected` for a refusal."""
    require_success(result, "the submission")
    verdict, _, words = result.stdout.decode("utf-8", "replace").strip().partition(" ")
    if verdict == "rejected":
        raise SchedulerRejected(words)
    if verdict != expected:
        raise CommandFailed(f"the submission gave no answer that is known: {verdict} {words}"[:300])
    return words


@dataclass(frozen=True, slots=True)
class Find(SchedulerCommand[str | None]):
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
class Scripts(SchedulerCommand[Mapping[str, str | None]]):
    """The scripts of jobs, as long as their records are kept; None of a job that is not there."""

    job_ids: tuple[str, ...]

    @property
    def argv(self) -> list[str]:
        """An array's tasks share the array's script."""
        numbers = dict.fromkeys(job_id.partition("_")[0] for job_id in self.job_ids)
        return ["sh", "-c", SCRIPTS, "firecrest-scripts", *numbers]

    def parse(self, result: Result) -> Mapping[str, str | None]:
        """Of each job that is there its number and the size of its script, then so many bytes."""
        require_success(result, "the reading of scripts")
        found: dict[str, str] = {}
        rest = result.stdout
        while rest:
            head, _, rest = rest.partition(b"\n")
            number, size = head.decode().split()
            found[number], rest = rest[: int(size)].decode("utf-8", "replace"), rest[int(size) :]
        return {job_id: found.get(job_id.partition("_")[0]) for job_id in self.job_ids}


@dataclass(frozen=True, slots=True)
class Partitions(SchedulerCommand[list[Partition]]):
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
class Version(SchedulerCommand[str]):
    """The system's kernel, where it has what jobs need: util-linux and /proc."""

    @property
    def argv(self) -> list[str]:
        """The programs that jobs need, a look at /proc, and uname."""
        return ["sh", "-c", VERSION, "firecrest-version"]

    def parse(self, result: Result) -> str:
        """Name and release."""
        require_success(result, "the search for setsid, prlimit, flock and /proc")
        return result.stdout.decode("utf-8", "replace").strip()
