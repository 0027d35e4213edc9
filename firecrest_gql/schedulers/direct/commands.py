"""The commands of the direct dialect: POSIX programs with GNU coreutils on a Linux without a workload manager."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from firecrest_gql.command import Command, Result, Stdin
from firecrest_gql.errors import CommandFailed, ErrorCode, InvalidInput, NoSpace, SchedulerRejected
from firecrest_gql.model.jobs import Job, JobFilter, JobSpec, JobState, Partition
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.direct.programs import CANCEL, FIND, LIST, RUN, SUBMIT, VERSION
from firecrest_gql.schedulers.filtering import matches
from firecrest_gql.schedulers.specification import environment_lines, escaped, unescaped

PARTITION = "local"
LINES_PER_JOB = 12


def _require_success(result: Result, what: str) -> None:
    if result.exit_status == 0:
        return
    words = result.stderr.decode("utf-8", "replace").strip()[-300:]
    if "No space left on device" in words or "Disk quota exceeded" in words:
        raise NoSpace(f"{what}: there is no room in the home: {words}")
    raise CommandFailed(f"{what} ended with status {result.exit_status}: {words or 'no message'}")


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
        """Generous: a job may exist although nobody has waited for the answer."""
        return 60

    def parse(self, result: Result) -> str:
        """The id, or the words of the refusal."""
        _require_success(result, "the submission")
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
        _require_success(result, "the search for the job")
        return result.stdout.decode().strip() or None


@dataclass(frozen=True, slots=True)
class Queue(Command[list[Job]]):
    """This user's jobs, running and ended."""

    system: str
    username: str
    job_filter: JobFilter

    @property
    def argv(self) -> list[str]:
        """The program and the ids; without ids it tells of all."""
        return ["sh", "-c", LIST, "firecrest-jobs", *(self.job_filter.job_ids or ())]

    def parse(self, result: Result) -> list[Job]:
        """Twelve lines of each job after the time of the system's clock."""
        _require_success(result, "the listing of jobs")
        if self.job_filter.job_ids == () or self.username not in (self.job_filter.users or (self.username,)):
            return []
        jobs = (job for job in self._jobs(result.stdout) if matches(job, self.job_filter))
        return sorted(jobs, key=lambda job: int(job.job_id))

    def _jobs(self, output: bytes) -> Iterator[Job]:
        now, *lines = output.decode("utf-8", "surrogateescape").split("\n")
        for start in range(0, len(lines) - LINES_PER_JOB, LINES_PER_JOB):
            yield self._job(int(now), [unescaped(line) for line in lines[start : start + LINES_PER_JOB]])

    def _job(self, now: int, values: Sequence[str]) -> Job:
        job_id, _, submitted, node, name, directory, stdin, stdout, stderr, limit, key, told = values
        state, status, ended = _state(told)
        return Job(
            system=self.system,
            job_id=job_id,
            name=name,
            user=self.username,
            state=state,
            raw_state=told.split()[0],
            reason="the runner is gone without a record" if state is JobState.NODE_FAIL else None,
            observed_at=datetime.now(UTC),
            partition=PARTITION,
            exit_code=status if status is not None and not _signal(status) else None,
            signal=_signal(status),
            submitted_at=_time(submitted),
            started_at=_time(submitted),
            ended_at=_time(ended),
            elapsed_seconds=None if state is JobState.NODE_FAIL else max(0, int(ended or now) - int(submitted)),
            time_limit_seconds=int(limit) if limit else None,
            node_count=1,
            node_list=node,
            working_directory=directory,
            stdin_path=stdin or None,
            stdout_path=stdout,
            stderr_path=stderr,
            comment=key,
        )


def _state(told: str) -> tuple[JobState, int | None, str]:
    """The state alone while it runs; with exit status and time once it has ended."""
    words = [*told.split(), "", ""]
    return JobState(words[0]), int(words[1]) if words[1] else None, words[2]


def _signal(status: int | None) -> int | None:
    """The shell gives 128 + n for signal n; a script that exits with such a number by itself looks the same."""
    return status - 128 if status is not None and 128 < status <= 192 else None


def _time(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


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
        _require_success(result, "the cancellation")
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
        _require_success(result, "nproc")
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
        _require_success(result, "the search for setsid and /proc")
        return result.stdout.decode("utf-8", "replace").strip()
