"""A job's output as it is written, by byte offset, until the job has ended and every byte is out."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from firecrest_gql.errors import InvalidInput, NotFound, PermissionDenied
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.tails import Tails
from firecrest_gql.jobs.watch import JobWatch
from firecrest_gql.model.array_tasks import several
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

        Raises where the job, or its file's name, cannot be had, `PermissionDenied` for a file of somebody else, and
        `InvalidInput` for an array, whose tasks have a file each.
        """
        if offset < 0:
            raise InvalidInput("offset: at least 0")
        caller = principal.caller(f"output-{secrets.token_hex(8)}")
        job = await self._job(caller, system, job_id)
        _require_one(job, job_id)
        async with self._life(principal, system, job, job_id) as life:
            if (path := await life.path(stream)) is None:
                return
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
    async def _life(self, principal: Principal, system: SystemSettings, job: Job, job_id: str) -> AsyncIterator["Life"]:
        life = Life(job)
        life.ended = asyncio.create_task(self._tell(principal, system, life, job_id))
        try:
            yield life
        finally:
            life.ended.cancel()
            await asyncio.wait([life.ended])

    async def _tell(self, principal: Principal, system: SystemSettings, life: "Life", job_id: str) -> None:
        if life.job.final:
            return
        async for event in self._watch.updates(principal, system, [life.job.job_id]):
            _require_one(event.job, job_id)  # which nobody knows of an array that was submitted just now
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

    async def path(self, stream: OutputStream) -> str | None:
        """Where the output goes, once the job has begun; None where it ends without, for what is there is older.

        Raises `NotFound` where nobody knows any more.
        """
        while (path := _path(self.job, stream)) is None and not self._never_began:
            if self.ended.done():
                self.ended.result()
                raise NotFound(f"the scheduler no longer tells where {self.job.job_id} has written its output")
            self._told.clear()
            telling = asyncio.create_task(self._told.wait())
            await asyncio.wait({telling, self.ended}, return_when=asyncio.FIRST_COMPLETED)
            telling.cancel()
        return None if self._never_began else path

    @property
    def _never_began(self) -> bool:
        return self.job.final and self.job.started_at is None


def _require_one(job: Job, job_id: str) -> None:
    if several(job_id) or job.array_job_id == job_id:
        raise InvalidInput(f"jobId: {job_id} is an array, whose tasks have a file each: name one task")


def _path(job: Job, stream: OutputStream) -> str | None:
    if job.state in NOT_BEGUN:
        return None
    return job.stderr_path or job.stdout_path if stream is OutputStream.STDERR else job.stdout_path
