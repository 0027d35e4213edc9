"""A job's output as it is written, by byte offset, until the job has ended and every byte is out."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from firecrest_gql.errors import InvalidInput, NotFound, PermissionDenied
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.tails import Tails
from firecrest_gql.jobs.watch import JobWatch
from firecrest_gql.model.identity import Caller, Principal
from firecrest_gql.model.jobs import NOT_BEGUN, Job, OutputChunk, OutputStream
from firecrest_gql.settings import SystemSettings


class JobOutput:
    """Follows what jobs write, as the viewer."""

    def __init__(self, jobs: Jobs, tails: Tails, watch: JobWatch) -> None:
        self._jobs = jobs
        self._tails = tails
        self._watch = watch

    async def output(
        self,
        principal: Principal,
        system: SystemSettings,
        job_id: str,
        stream: OutputStream = OutputStream.STDOUT,
        offset: int = 0,
    ) -> AsyncIterator[OutputChunk]:
        """Each byte of the job's output from `offset` on, once; a reset where the file was truncated or replaced.

        Raises where the job, or its file's name, cannot be had, and `PermissionDenied` for a file of somebody else.
        """
        if offset < 0:
            raise InvalidInput("offset: at least 0")
        caller = principal.caller(f"output-{secrets.token_hex(8)}")
        job = await self._job(caller, system, job_id)
        async with self._life(principal, system, job) as life:
            path = await life.path(stream)
            async with aclosing(self._tails.follow(system, caller, path, offset, life.ended)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _job(self, caller: Caller, system: SystemSettings, job_id: str) -> Job:
        try:
            return await self._jobs.job(caller, system, job_id)
        except NotFound:
            if await self._watch.hides(system, job_id):
                raise PermissionDenied(f"{job_id} is no job of {system.name} whose output you may read") from None
            raise

    @asynccontextmanager
    async def _life(self, principal: Principal, system: SystemSettings, job: Job) -> AsyncIterator["Life"]:
        life = Life(job)
        life.ended = asyncio.create_task(self._tell(principal, system, life))
        try:
            yield life
        finally:
            life.ended.cancel()
            await asyncio.wait([life.ended])

    async def _tell(self, principal: Principal, system: SystemSettings, life: "Life") -> None:
        if life.job.final:
            return
        async for event in self._watch.updates(principal, system, [life.job.job_id]):
            life.tell(event.job)


class Life:
    """A job as it was last told of; `ended` is done once it is final, or raises why that cannot be told."""

    ended: asyncio.Task[None]

    def __init__(self, job: Job) -> None:
        self.job = job
        self._told = asyncio.Event()

    def tell(self, job: Job) -> None:
        """The job is now so."""
        self.job = job
        self._told.set()

    async def path(self, stream: OutputStream) -> str:
        """Where the output goes, once the job has begun: before that the file is an older job's; or `NotFound`."""
        while (path := _path(self.job, stream)) is None or self.job.state in NOT_BEGUN:
            if self.ended.done():
                self.ended.result()
                raise NotFound(f"the scheduler no longer tells where {self.job.job_id} has written its output")
            self._told.clear()
            telling = asyncio.create_task(self._told.wait())
            await asyncio.wait({telling, self.ended}, return_when=asyncio.FIRST_COMPLETED)
            telling.cancel()
        return path


def _path(job: Job, stream: OutputStream) -> str | None:
    return job.stderr_path or job.stdout_path if stream is OutputStream.STDERR else job.stdout_path
