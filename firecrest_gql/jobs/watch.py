"""Pushes what happens to jobs: one look at the scheduler for all who watch as the same identity, on all replicas."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from broadcaster import Broadcast
from redis.asyncio import Redis

from firecrest_gql.delegation.request import Purpose
from firecrest_gql.errors import FirecrestError, NotFound, SystemUnavailable, Unsupported
from firecrest_gql.jobs.board import Board, board_name
from firecrest_gql.jobs.check import check_ids
from firecrest_gql.jobs.following import Following, unanswered
from firecrest_gql.jobs.looking import Looking
from firecrest_gql.jobs.ports import Grants
from firecrest_gql.jobs.query import Jobs, no_job
from firecrest_gql.jobs.rule import by_ids
from firecrest_gql.jobs.shared import FIRST_PAUSE, LONGEST_PAUSE
from firecrest_gql.jobs.watching import Watch
from firecrest_gql.model.identity import Caller, Principal, ServiceProof
from firecrest_gql.model.jobs import FINAL_JOB_STATES, Job, JobEvent, JobFilter
from firecrest_gql.settings import SystemSettings


@dataclass
class _Running:
    """A watch, its task, and how many are told of it."""

    watch: Watch
    task: asyncio.Task[None]
    subscribers: int = 0


class JobWatch:
    """Looks while somebody watches: as the system's service account where it has one, else as each user.

    `jobs` answers what a viewer asks; `looks` has room for all jobs of a system.
    """

    def __init__(self, jobs: Jobs, looks: Jobs, authority: Grants, redis: Redis, broadcast: Broadcast) -> None:
        self._jobs = jobs
        self._looks = looks
        self._authority = authority
        self._redis = redis
        self._broadcast = broadcast
        self._running: dict[str, _Running] = {}

    async def updates(
        self,
        principal: Principal,
        system: SystemSettings,
        job_ids: Sequence[str] | None = None,
        since: datetime | None = None,
    ) -> AsyncIterator[JobEvent]:
        """The present state of each named job, or of each unfinished or changed since; then each change, once.

        Ends when all named jobs are final. Only jobs that the viewer could have queried are shown. Raises where the
        first state cannot be had; a system that goes away later is waited for.
        """
        if job_ids is not None:
            check_ids(job_ids)
        async with self._watch(principal, system) as watch:
            others = await self._others(principal, system, job_ids, since, watch.mirror.present())
            # From here to the first wait in one go: what is present and what is told behind it fit together.
            following = Following(principal.username, job_ids, others)
            position, first = watch.mirror.position, following.begin(watch.mirror.present(), since)
            for job in first:
                yield JobEvent(job=job)
            if following.done:
                return
            async for told in watch.told(position):
                for event in following.events(told):
                    yield event
                for event in await self._sought(principal, system, following):
                    yield event
                if following.done:
                    return

    async def hides(self, system: SystemSettings, job_id: str) -> bool:
        """Whether the service account's looks show this job: one that a viewer's query does not tell is another's."""
        return system.service_account is not None and await Board(self._redis, f"{system.name}:*").has(job_id)

    async def _others(
        self,
        principal: Principal,
        system: SystemSettings,
        job_ids: Sequence[str] | None,
        since: datetime | None,
        present: Iterable[Job],
    ) -> list[Job]:
        """What the looks do not tell, asked for as the viewer: ended long ago, submitted just now, somebody else's."""
        caller = principal.caller(_request_id())
        if job_ids is None:
            return await self._ended_since(caller, system, since) if since else []
        missing = unanswered(job_ids, (job for job in present if job.user == principal.username))
        found = await self._jobs.all_jobs(caller, system, by_ids(tuple(missing))) if missing else []
        for job_id in unanswered(missing, found):
            raise no_job(system, job_id)
        for job in found:
            if job.user != principal.username and not job.final and system.service_account is None:
                raise Unsupported(f"{job.job_id} is {job.user}'s job: {system.name} lets you watch your own")
        return found

    async def _sought(self, principal: Principal, system: SystemSettings, following: Following) -> list[JobEvent]:
        """What is told of the named jobs of which the looks show nothing any more: asked for as the viewer."""
        answers: dict[str, Job | FirecrestError] = {}
        pause = FIRST_PAUSE
        while rest := [job_id for job_id in following.missing if job_id not in answers]:
            found = await self._jobs.jobs_by_id(principal.caller(_request_id()), system, rest)
            for job_id, answer in zip(rest, found, strict=True):
                if isinstance(answer, Job | NotFound):
                    answers[job_id] = answer
                elif not answer.retryable:
                    raise answer
            if len(answers) < len(following.missing):
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        return following.found(answers)

    async def _ended_since(self, caller: Caller, system: SystemSettings, since: datetime) -> list[Job]:
        ended = JobFilter(states=tuple(FINAL_JOB_STATES), since=since)
        return await self._jobs.accounted(caller, system, ended)

    @asynccontextmanager
    async def _watch(self, principal: Principal, system: SystemSettings) -> AsyncIterator[Watch]:
        caller = await self._identity(principal, system)
        everybody = isinstance(caller.proof, ServiceProof)
        name = board_name(system, caller.username)
        running = self._running.get(name)
        if running is None or running.task.done():
            watch = Watch(Looking(self._looks, system, everybody), Board(self._redis, name), self._broadcast, caller)
            running = self._running[name] = _Running(watch, asyncio.create_task(watch.run()))
            running.task.add_done_callback(
                lambda _: watch.end(SystemUnavailable("watching has ended; subscribe again"))
            )
        running.subscribers += 1
        try:
            await running.watch.joined(caller)
            yield running.watch
        finally:
            running.subscribers -= 1
            if running.subscribers == 0:
                if self._running.get(name) is running:
                    del self._running[name]
                await _ended(running.task)

    async def _identity(self, principal: Principal, system: SystemSettings) -> Caller:
        if system.service_account is not None:
            return Caller(system.service_account, system.service_account, ServiceProof(), _request_id())
        grant = await self._authority.grant(principal.token, system.name, Purpose.WATCH)
        return Caller(principal.subject, principal.username, grant, _request_id())


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _request_id() -> str:
    return f"watch-{secrets.token_hex(8)}"
