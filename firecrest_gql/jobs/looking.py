"""One look at a system's jobs: the queue, and accounting for those that have left it before their end was seen."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
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
SLICE, SLICE_BYTES = 1_000, 24 * 2**10
"""Ids of one question to accounting, and their bytes: a command line has 32 KiB."""


@dataclass
class Looking:
    """Looks as one identity; `everybody`: at the jobs of all users."""

    jobs: Jobs
    system: SystemSettings
    everybody: bool
    _sought_since: dict[str, float] = field(default_factory=dict)

    async def look(self, caller: Caller, before: Mapping[str, Job]) -> Changes:
        """What is different from before; raises where the queue cannot be read."""
        live = await self.jobs.live(caller, self.system, JobFilter(all_users=self.everybody))
        gone = vanished(before, live)
        ended = {job.job_id: job for job in await self._ended(caller, gone)}
        sought = {job_id for job_id in gone if job_id not in ended}
        lost = {job_id for job_id in sought if self._seconds(job_id) > LOST_SECONDS}
        self._sought_since = {job_id: at for job_id, at in self._sought_since.items() if job_id in sought}
        # In a thread: of ten thousand jobs it takes some milliseconds.
        return await asyncio.to_thread(changes, before, [*live, *ended.values()], lost, sought - lost)

    async def _ended(self, caller: Caller, job_ids: Sequence[str]) -> list[Job]:
        """Those whose end accounting knows; the time for which it has not known it begins when it has answered."""
        found: list[Job] = []
        for asked in _slices(job_ids):
            try:
                records = await self.jobs.accounted(caller, self.system, by_ids(asked))
            except FirecrestError as error:
                if error.retryable:
                    break  # asked again at the next look; the queue's answer must not wait for accounting's
                records = []
            self._sought_since = {**dict.fromkeys(asked, monotonic()), **self._sought_since}
            found += [job for job in records if job.final]
        wanted = frozenset(job_ids)
        return [job for job in found if job.job_id in wanted]

    def _seconds(self, job_id: str) -> float:
        return monotonic() - self._sought_since.get(job_id, monotonic())


def _slices(job_ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    asked: list[str] = []
    size = 0
    for job_id in job_ids:
        size += len(job_id) + 1
        if len(asked) == SLICE or size > SLICE_BYTES:
            yield tuple(asked)
            asked, size = [], len(job_id) + 1
        asked.append(job_id)
    if asked:
        yield tuple(asked)
