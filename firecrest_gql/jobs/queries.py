"""Long queries of jobs, as a worker does them for a task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from firecrest_gql.errors import NotFound
from firecrest_gql.jobs.listings import Listings
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.turns import Turns
from firecrest_gql.model.identity import Caller, Grant
from firecrest_gql.model.jobs import JobFilter
from firecrest_gql.model.tasks import Pause, RecordedJobs, Task, TaskKind
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.attempt import WorkFunction

LOOK_AGAIN_SECONDS = 1.0

_FILTER = TypeAdapter(JobFilter)


def filter_input(job_filter: JobFilter) -> dict[str, Any]:
    """The filter as a task keeps it."""
    kept: dict[str, Any] = _FILTER.dump_python(job_filter, mode="json")
    return kept


@dataclass(frozen=True, slots=True)
class JobQueries:
    """The work function of queries; `jobs` reads by a transport that is patient."""

    jobs: Jobs
    systems: Mapping[str, SystemSettings]
    turns: Turns
    listings: Listings

    @property
    def functions(self) -> Mapping[TaskKind, WorkFunction]:
        """By the kind of task."""
        return {TaskKind.QUERY_JOBS: self.query}

    async def query(self, task: Task) -> RecordedJobs | Pause:
        """Ask, one query of a user at a time, and record the answer; asked again it does no harm."""
        system = self.systems.get(task.system or "")
        if system is None:
            raise NotFound(f"the system {task.system} is no longer among the settings")
        caller = Caller(task.subject, task.username, Grant(task.grant), task.request_id)
        async with self.turns.turn(task.subject, task.id) as ours:
            if not ours:
                return Pause(LOOK_AGAIN_SECONDS, "Another of your queries runs: this one waits for its end.")
            found = await self.jobs.all_jobs(caller, system, _FILTER.validate_python(task.input))
            return await self.listings.keep(task, found)
