"""One look at a system's jobs: the queue, and accounting for those that have left it before their end was seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from firecrest_gql.errors import FirecrestError
from firecrest_gql.jobs.changes import Changes, changes, vanished
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.rule import by_ids
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import Job, JobFilter
from firecrest_gql.settings import SystemSettings

LOST_SECONDS = 60
"""How long accounting is asked for the end of a job: it may lag by some seconds."""


@dataclass
class Looking:
    """Looks as one identity; `everybody`: at the jobs of all users."""

    jobs: Jobs
    system: SystemSettings
    everybody: bool
    _vanished_at: dict[str, float] = field(default_factory=dict)

    async def look(self, caller: Caller, before: Mapping[str, Job]) -> Changes:
        """What is different from before; raises where the queue cannot be read."""
        live = await self.jobs.live(caller, self.system, JobFilter(all_users=self.everybody))
        gone = vanished(before, live)
        self._vanished_at = {job_id: self._vanished_at.get(job_id, monotonic()) for job_id in gone}
        ended = await self._ended(caller, gone) if gone else []
        missing = set(gone) - {job.job_id for job in ended}
        lost = {job_id for job_id in missing if monotonic() - self._vanished_at[job_id] > LOST_SECONDS}
        # Those that are still looked for stand as they were.
        waiting = [before[job_id] for job_id in missing - lost]
        return changes(before, [*live, *ended, *waiting], lost)

    async def _ended(self, caller: Caller, job_ids: tuple[str, ...]) -> list[Job]:
        try:
            records = await self.jobs.accounted(caller, self.system, by_ids(job_ids))
        except FirecrestError:
            return []  # asked again at the next look; the queue's answer must not wait for accounting's
        return [job for job in records if job.final and job.job_id in job_ids]
