"""A workload manager with accounting, whose queue and records are lists that the test writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import SystemUnavailable
from firecrest_gql.model.jobs import Job, JobFilter, JobState
from firecrest_gql.schedulers.direct.dialect import Direct

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def job(job_id: str, state: JobState = JobState.RUNNING, minutes: int = 0, **values: Any) -> Job:
    """A job submitted so many minutes after noon."""
    usual: dict[str, Any] = {"submitted_at": NOON + timedelta(minutes=minutes), "name": "a job", "user": "fireuser"}
    return Job(system="local", job_id=job_id, state=state, observed_at=datetime.now(UTC), **(usual | values))


@dataclass(frozen=True)
class Tells(Command[list[Job]]):
    """What `echo` cannot say: a scheduler's answer that was decided before."""

    jobs: tuple[Job, ...]
    down: bool = False

    @property
    def argv(self) -> list[str]:
        return ["true"]

    def parse(self, result: Result) -> list[Job]:
        if self.down:
            raise SystemUnavailable("slurmdbd does not answer")
        return list(self.jobs)


@dataclass
class Recorded(Direct):
    """A workload manager with accounting, whose queue and records are lists; `asked` tells the filters of both."""

    live: Sequence[Job] = ()
    records: Sequence[Job] = ()
    down: bool = False
    asked: list[tuple[str, JobFilter]] = field(default_factory=list)

    def queue(self, job_filter: JobFilter, username: str, system: str) -> Command[list[Job]]:
        Direct.queue(self, job_filter, username, system)
        self.asked.append(("queue", job_filter))
        return Tells(self._chosen(self.live, job_filter))

    def accounting(  # type: ignore[override]
        self, job_filter: JobFilter, username: str, system: str, usage: bool = False
    ) -> Command[list[Job]]:
        self.asked.append(("accounting", job_filter))
        return Tells(self._chosen(self.records, job_filter), self.down)

    @staticmethod
    def _chosen(jobs: Sequence[Job], job_filter: JobFilter) -> tuple[Job, ...]:
        states, wanted = job_filter.states, job_filter.job_ids
        return tuple(
            job for job in jobs if (states is None or job.state in states) and (wanted is None or job.ids & set(wanted))
        )
