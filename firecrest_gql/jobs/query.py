"""Jobs and partitions as the scheduler tells of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from firecrest_gql.errors import FirecrestError, InvalidInput, NotFound
from firecrest_gql.jobs.flights import Flights
from firecrest_gql.jobs.page import JobOrder, page, sort_key
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.rule import by_ids, for_accounting, for_queue
from firecrest_gql.model.array_tasks import overlap, several
from firecrest_gql.model.cluster import ComputeNode, Project, Reservation
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import Job, JobFilter, JobUsage, Partition
from firecrest_gql.model.page import Page
from firecrest_gql.schedulers.dialect import Feature, Scheduler, merge, unsupported
from firecrest_gql.schedulers.filtering import matches
from firecrest_gql.settings import SystemSettings


class Jobs:
    """Reads jobs as the caller; `schedulers` holds one dialect of each kind."""

    def __init__(self, transport: Runs, schedulers: Mapping[str, Scheduler], recent: RecentJobs) -> None:
        self._transport = transport
        self._schedulers = schedulers
        self._recent = recent
        self._reads: Flights[list[Job]] = Flights()

    async def job(self, caller: Caller, system: SystemSettings, job_id: str) -> Job:
        """One job; raises `NotFound` where neither queue nor accounting shows it to the caller."""
        [found] = await self.jobs_by_id(caller, system, [job_id])
        if isinstance(found, FirecrestError):
            raise found
        return found

    async def jobs_by_id(
        self, caller: Caller, system: SystemSettings, job_ids: Sequence[str], usage: bool = False
    ) -> list[Job | FirecrestError]:
        """Each job or why there is none, by at most one command to the queue and one to accounting."""
        scheduler = self._scheduler(system)
        faults = {job_id: fault for job_id in job_ids if (fault := _fault(scheduler, job_id, caller, system))}
        asked = tuple(dict.fromkeys(job_id for job_id in job_ids if job_id not in faults))
        try:
            found = await self._find(caller, system, asked, usage) if asked else {}
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
        usage: bool = False,
    ) -> Page[Job]:
        """One page of the jobs that the filter means; raises where the queue, or accounting if needed, is silent."""
        if first < 0:
            raise InvalidInput("first: at least 0")
        return page(await self.all_jobs(caller, system, job_filter, usage), order, first, after)

    async def all_jobs(
        self, caller: Caller, system: SystemSettings, job_filter: JobFilter, usage: bool = False
    ) -> list[Job]:
        """Every job that the filter means, in no order; with their usage, if accounting had to be asked anyway.

        Ids that can be no job's here are as unknown as those of no job.
        """
        if job_filter.job_ids is not None:
            job_filter = replace(job_filter, job_ids=self._possible(caller, system, job_filter.job_ids))
        if job_filter.job_ids == ():
            return []
        live, recent = await asyncio.gather(
            self.live(caller, system, for_queue(job_filter)), self._recent.of(system.name, caller.username)
        )
        rest = _unknown(job_filter, live)
        if rest and usage:
            rest = for_queue(job_filter)  # of all jobs, so that it need not be asked once more for the live ones
        accounted = await self.accounted(caller, system, rest, usage) if rest else []
        if rest and usage and self._accounts(system):
            live = with_usage(live, accounted)
        if _shows_own(job_filter, caller):
            # What was just submitted is told of by its tasks or components as soon as these are.
            known = frozenset[str]().union(*(job.ids for job in (*live, *accounted)))
            accounted = [*accounted, *(job for job_id, job in recent.items() if job_id not in known)]
        return [job for job in merge(live, accounted) if matches(job, job_filter)]

    async def live(self, caller: Caller, system: SystemSettings, job_filter: JobFilter) -> list[Job]:
        """What the queue tells, whatever accounting may know; equal questions at the same time are asked once."""
        command = self._scheduler(system).queue(job_filter, caller.username, system.name)
        key = (system.name, replace(caller, request_id=""), "queue", job_filter)
        return await self._reads.shared(key, lambda: self._transport.run(system, caller, command))

    async def accounted(
        self, caller: Caller, system: SystemSettings, job_filter: JobFilter, usage: bool = False
    ) -> list[Job]:
        """What accounting tells; nothing where there is none. Equal questions at the same time are asked once."""
        command = self._scheduler(system).accounting(job_filter, caller.username, system.name, usage)
        if command is None:
            return []
        key = (system.name, replace(caller, request_id=""), "accounting", job_filter, usage)
        found = await self._reads.shared(key, lambda: self._transport.run(system, caller, command))
        return await self._recent.with_files(self._scheduler(system), system.name, found)

    async def partitions(self, caller: Caller, system: SystemSettings, show_hidden: bool = False) -> list[Partition]:
        """The queues that jobs can be submitted to."""
        return await self._transport.run(system, caller, self._scheduler(system).partitions(show_hidden))

    async def nodes(self, caller: Caller, system: SystemSettings) -> list[ComputeNode]:
        """What jobs run on."""
        return await self._transport.run(system, caller, self._scheduler(system).nodes())

    async def reservations(self, caller: Caller, system: SystemSettings) -> list[Reservation]:
        """What is kept for some."""
        return await self._transport.run(system, caller, self._scheduler(system).reservations())

    async def usages(self, caller: Caller, system: SystemSettings, job_ids: Sequence[str]) -> dict[str, JobUsage]:
        """What each job has used, by one command; nothing of a job that accounting does not know yet."""
        if not self._accounts(system):
            raise unsupported(system.scheduler.kind, Feature.ACCOUNTING)
        found = await self.accounted(caller, system, by_ids(tuple(job_ids)), usage=True)
        return dict.fromkeys(job_ids, JobUsage()) | {job.job_id: job.usage for job in found if job.usage}

    async def scripts(
        self, caller: Caller, system: SystemSettings, job_ids: Sequence[str]
    ) -> dict[str, str | FirecrestError | None]:
        """Each job's script, as far as the scheduler still tells it to the caller, by one command."""
        scripts = self._scheduler(system).scripts
        told = await self._transport.run(system, caller, scripts(job_ids))
        found: dict[str, str | FirecrestError | None] = {**told}
        for job_id in (job_id for job_id in job_ids if job_id not in found):
            try:
                found[job_id] = (await self._transport.run(system, caller, scripts([job_id])))[job_id]
            except FirecrestError as error:
                found[job_id] = error
        return found

    async def projects(self, caller: Caller, system: SystemSettings) -> list[Project]:
        """What the caller's jobs can be charged to."""
        return await self._transport.run(system, caller, self._scheduler(system).projects(caller.username))

    async def version(self, caller: Caller, system: SystemSettings) -> str:
        """The scheduler's version, as it says itself."""
        return await self._transport.run(system, caller, self._scheduler(system).version())

    async def _find(
        self, caller: Caller, system: SystemSettings, job_ids: tuple[str, ...], usage: bool
    ) -> dict[str, Job | FirecrestError]:
        live = await self.live(caller, system, by_ids(job_ids))
        usage = usage and self._accounts(system)
        wanted = job_ids if usage else not_alone(job_ids, live)
        if not wanted:
            return {**by_id(job_ids, live)}
        try:
            recorded = await self.accounted(caller, system, by_ids(wanted), usage)
        except FirecrestError as error:
            known = {**await self._just_submitted(caller, system, job_ids), **by_id(job_ids, live)}
            return {**dict.fromkeys(job_ids, error), **known}
        merged = merge(with_usage(live, recorded) if usage else live, recorded)
        found = {**await self._just_submitted(caller, system, job_ids), **by_id(job_ids, merged)}
        return {job_id: found.get(job_id) or no_job(system, job_id) for job_id in job_ids}

    def _possible(self, caller: Caller, system: SystemSettings, job_ids: Sequence[str]) -> tuple[str, ...]:
        scheduler = self._scheduler(system)
        return tuple(job_id for job_id in job_ids if not _fault(scheduler, job_id, caller, system))

    async def _just_submitted(self, caller: Caller, system: SystemSettings, job_ids: Sequence[str]) -> dict[str, Job]:
        recent = await self._recent.of(system.name, caller.username)
        return {job_id: recent[job_id] for job_id in job_ids if job_id in recent}

    def _accounts(self, system: SystemSettings) -> bool:
        return Feature.ACCOUNTING in self._scheduler(system).features

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


def by_id(job_ids: Sequence[str], jobs: Sequence[Job]) -> dict[str, Job]:
    """The job that bears each id; one that names several tasks of an array, or all, stands for the first of them."""
    ordered = sorted(jobs, key=sort_key)
    exact = {job.job_id: job for job in jobs}
    others = {job_id: job for job in reversed(ordered) for job_id in job.ids}
    rests = [job for job in ordered if several(job.job_id)]
    overlapping = {job_id: _overlapping(job_id, ordered if several(job_id) else rests) for job_id in job_ids}
    found = {job_id: exact.get(job_id) or others.get(job_id) or overlapping[job_id] for job_id in job_ids}
    return {job_id: job.narrowed(job_id) for job_id, job in found.items() if job is not None}


def _overlapping(job_id: str, jobs: Sequence[Job]) -> Job | None:
    return next((job for job in jobs if overlap(job_id, job.job_id)), None)


def with_usage(live: Sequence[Job], recorded: Sequence[Job]) -> list[Job]:
    """The jobs of the queue with what accounting has recorded of them: nothing yet of those that have just begun."""
    usages = {job.job_id: job.usage for job in recorded}
    return [replace(job, usage=usages.get(job.job_id) or JobUsage()) for job in live]


def _unknown(job_filter: JobFilter, live: Sequence[Job]) -> JobFilter | None:
    """What is left for accounting once the queue has answered."""
    rest = for_accounting(job_filter)
    if rest is None or rest.job_ids is None:
        return rest
    missing = not_alone(rest.job_ids, live)
    return replace(rest, job_ids=missing) if missing else None


def not_alone(job_ids: Sequence[str], live: Sequence[Job]) -> tuple[str, ...]:
    """The ids that may mean more than the queue tells: of an array it forgets the tasks that have ended."""
    told = {job.job_id for job in live}
    return tuple(job_id for job_id in job_ids if job_id not in told)


def _shows_own(job_filter: JobFilter, caller: Caller) -> bool:
    return job_filter.all_users or not job_filter.users or caller.username in job_filter.users
