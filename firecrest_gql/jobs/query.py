"""Jobs and partitions as the scheduler tells of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from firecrest_gql.errors import FirecrestError, InvalidInput, NotFound
from firecrest_gql.jobs.page import JobOrder, page
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.rule import by_ids, for_accounting, for_queue
from firecrest_gql.model.cluster import ComputeNode, Reservation
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import Job, JobFilter, Partition
from firecrest_gql.model.page import Page
from firecrest_gql.schedulers.dialect import Scheduler, merge
from firecrest_gql.schedulers.filtering import matches
from firecrest_gql.settings import SystemSettings


class Jobs:
    """Reads jobs as the caller; `schedulers` holds one dialect of each kind."""

    def __init__(self, transport: Runs, schedulers: Mapping[str, Scheduler], recent: RecentJobs) -> None:
        self._transport = transport
        self._schedulers = schedulers
        self._recent = recent

    async def job(self, caller: Caller, system: SystemSettings, job_id: str) -> Job:
        """One job; raises `NotFound` where neither queue nor accounting shows it to the caller."""
        [found] = await self.jobs_by_id(caller, system, [job_id])
        if isinstance(found, FirecrestError):
            raise found
        return found

    async def jobs_by_id(
        self, caller: Caller, system: SystemSettings, job_ids: Sequence[str]
    ) -> list[Job | FirecrestError]:
        """Each job or why there is none, by at most one command to the queue and one to accounting."""
        scheduler = self._scheduler(system)
        faults = {job_id: fault for job_id in job_ids if (fault := _fault(scheduler, job_id, caller, system))}
        asked = tuple(dict.fromkeys(job_id for job_id in job_ids if job_id not in faults))
        try:
            found = await self._find(caller, system, asked) if asked else {}
        except FirecrestError as error:
            return [faults.get(job_id, error) for job_id in job_ids]
        return [faults.get(job_id) or found[job_id] for job_id in job_ids]

    async def jobs(
        self,
        caller: Caller,
        system: SystemSettings,
        job_filter: JobFilter,
        order: JobOrder = JobOrder.SUBMITTED_DESC,
        first: int = 50,
        after: str | None = None,
    ) -> Page[Job]:
        """One page of the jobs that the filter means; raises where the queue, or accounting if needed, is silent."""
        if first < 0:
            raise InvalidInput("first: at least 0")
        return page(await self.all_jobs(caller, system, job_filter), order, first, after)

    async def all_jobs(self, caller: Caller, system: SystemSettings, job_filter: JobFilter) -> list[Job]:
        """Every job that the filter means, in no order."""
        live, recent = await asyncio.gather(
            self.live(caller, system, for_queue(job_filter)), self._recent.of(system.name, caller.username)
        )
        rest = _unknown(job_filter, live)
        accounted = await self.accounted(caller, system, rest) if rest else []
        if _shows_own(job_filter, caller):
            accounted = merge(accounted, list(recent.values()))
        return [job for job in merge(live, accounted) if matches(job, job_filter)]

    async def live(self, caller: Caller, system: SystemSettings, job_filter: JobFilter) -> list[Job]:
        """What the queue tells, whatever accounting may know besides."""
        command = self._scheduler(system).queue(job_filter, caller.username, system.name)
        return await self._transport.run(system, caller, command)

    async def accounted(self, caller: Caller, system: SystemSettings, job_filter: JobFilter) -> list[Job]:
        """What accounting tells; nothing where there is none."""
        command = self._scheduler(system).accounting(job_filter, caller.username, system.name)
        return [] if command is None else await self._transport.run(system, caller, command)

    async def partitions(self, caller: Caller, system: SystemSettings, show_hidden: bool = False) -> list[Partition]:
        """The queues that jobs can be submitted to."""
        return await self._transport.run(system, caller, self._scheduler(system).partitions(show_hidden))

    async def nodes(self, caller: Caller, system: SystemSettings) -> list[ComputeNode]:
        """What jobs run on."""
        return await self._transport.run(system, caller, self._scheduler(system).nodes())

    async def reservations(self, caller: Caller, system: SystemSettings) -> list[Reservation]:
        """What is kept for some."""
        return await self._transport.run(system, caller, self._scheduler(system).reservations())

    async def script(self, caller: Caller, system: SystemSettings, job_id: str) -> str | None:
        """The job's script, as far as the scheduler still tells it to the caller."""
        return await self._transport.run(system, caller, self._scheduler(system).script(job_id))

    async def version(self, caller: Caller, system: SystemSettings) -> str:
        """The scheduler's version, as it says itself."""
        return await self._transport.run(system, caller, self._scheduler(system).version())

    async def _find(
        self, caller: Caller, system: SystemSettings, job_ids: tuple[str, ...]
    ) -> dict[str, Job | FirecrestError]:
        live = _by_id(job_ids, await self.live(caller, system, by_ids(job_ids)))
        missing = tuple(job_id for job_id in job_ids if job_id not in live)
        return {**live, **await self._find_missing(caller, system, missing)} if missing else {**live}

    async def _find_missing(
        self, caller: Caller, system: SystemSettings, job_ids: tuple[str, ...]
    ) -> dict[str, Job | FirecrestError]:
        """Those that the queue does not know: out of accounting, submitted just now, or not there."""
        absent: FirecrestError | None = None
        found: dict[str, Job] = {}
        try:
            found = _by_id(job_ids, await self.accounted(caller, system, by_ids(job_ids)))
        except FirecrestError as error:
            absent = error
        found = {**await self._recent.of(system.name, caller.username), **found}
        return {job_id: found.get(job_id) or absent or no_job(system, job_id) for job_id in job_ids}

    def _scheduler(self, system: SystemSettings) -> Scheduler:
        return self._schedulers[system.scheduler.kind]


def no_job(system: SystemSettings, job_id: str) -> NotFound:
    """The error for a job that neither queue nor accounting shows to the caller."""
    return NotFound(f"{system.name} has no job {job_id} that you may see")


def _fault(scheduler: Scheduler, job_id: str, caller: Caller, system: SystemSettings) -> InvalidInput | None:
    """Why this can be no job's id: the dialect refuses to ask for it."""
    try:
        scheduler.queue(by_ids((job_id,)), caller.username, system.name)
    except InvalidInput as error:
        return error
    return None


def _by_id(job_ids: Sequence[str], jobs: Sequence[Job]) -> dict[str, Job]:
    """The job that bears each id; an array's own id stands for the first of its tasks."""
    arrays = {job.array_job_id: job for job in reversed(jobs) if job.array_job_id}
    exact = {job.job_id: job for job in jobs}
    found = {job_id: exact.get(job_id) or arrays.get(job_id) for job_id in job_ids}
    return {job_id: job for job_id, job in found.items() if job is not None}


def _unknown(job_filter: JobFilter, live: Sequence[Job]) -> JobFilter | None:
    """What is left for accounting once the queue has answered."""
    rest = for_accounting(job_filter)
    if rest is None or rest.job_ids is None:
        return rest
    missing = tuple(job_id for job_id in rest.job_ids if job_id not in _by_id(rest.job_ids, live))
    return replace(rest, job_ids=missing) if missing else None


def _shows_own(job_filter: JobFilter, caller: Caller) -> bool:
    return job_filter.all_users or not job_filter.users or caller.username in job_filter.users
