"""The direct dialect's jobs, as the records on disk and the process table tell of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from firecrest_gql.command import Command, Result
from firecrest_gql.model.jobs import Job, JobFilter, JobState
from firecrest_gql.schedulers.direct.failures import require_success
from firecrest_gql.schedulers.direct.programs import LIST
from firecrest_gql.schedulers.filtering import matches
from firecrest_gql.schedulers.specification import unescaped

PARTITION = "local"
LINES_PER_JOB = 12


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
        require_success(result, "the listing of jobs")
        if self.job_filter.job_ids == () or self.username not in (self.job_filter.users or (self.username,)):
            return []
        jobs = (job for job in self._jobs(result.stdout) if matches(job, self.job_filter))
        return sorted(jobs, key=lambda job: int(job.job_id))

    def _jobs(self, output: bytes) -> Iterator[Job]:
        now, *lines = output.decode("utf-8", "surrogateescape").split("\n")
        for start in range(0, len(lines) - LINES_PER_JOB, LINES_PER_JOB):
            yield self._job(int(now), [unescaped(line) for line in lines[start : start + LINES_PER_JOB]])

    def _job(self, now: int, values: Sequence[str]) -> Job:
        job_id, _, submitted, node, name, directory, stdin, stdout, stderr, limit, _, told = values
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
