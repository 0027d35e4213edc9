"""What is remembered of jobs that were submitted here: that they are there, and where their files are.

For a moment neither queue nor accounting knows them; and accounting may not know their files.
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from redis.asyncio import Redis

from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.model.jobs import Job, JobState
from firecrest_gql.schedulers.dialect import Scheduler, Shown
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.keys import PREFIX

KNOWN_SECONDS = 60
FILES_SECONDS = 14 * 86_400


class RecentJobs:
    """Each user's jobs of the last minute, by system; of each job of the last two weeks how its files were shown."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, system: str, username: str, job_id: str, name: str) -> None:
        """Remember that the scheduler has accepted this job now."""
        key = _key(system, username)
        with redis_answers():
            async with self._redis.pipeline() as pipe:
                pipe.xadd(key, {"id": job_id, "name": name}, minid=_a_minute_ago(), approximate=False)
                pipe.expire(key, KNOWN_SECONDS)
                await pipe.execute()

    async def of(self, system: str, username: str) -> dict[str, Job]:
        """The user's jobs of the last minute by id, as PENDING."""
        with redis_answers():
            entries = await self._redis.xrange(_key(system, username), min=_a_minute_ago())
        jobs = [_read(system, username, entry, values) for entry, values in entries]
        return {job.job_id: job for job in jobs}

    async def keep_files(self, system: str, username: str, job_id: str, shown: Shown) -> None:
        """Remember the files of this user's job."""
        value = json.dumps([username, shown.stdin, shown.stdout, shown.stderr])
        with redis_answers():
            await self._redis.set(_files_key(system, job_id), value, ex=FILES_SECONDS)

    async def with_files(self, scheduler: Scheduler, system: str, jobs: Sequence[Job]) -> list[Job]:
        """The jobs, those out of the record with the files that were kept; without them while Redis is silent."""
        names = dict.fromkeys(_files_key(system, _whole(job)) for job in jobs if job.stdout_path is None)
        if not names:
            return [*jobs]
        try:
            with redis_answers():
                kept = dict(zip(names, await self._redis.mget([*names]), strict=True))
        except TasksUnavailable:
            return [*jobs]
        return [_with_files(scheduler, job, kept.get(_files_key(system, _whole(job)))) for job in jobs]


def _whole(job: Job) -> str:
    """The id by which it was submitted: of an array's task the array's."""
    return job.array_job_id or job.job_id.partition("+")[0]


def _with_files(scheduler: Scheduler, job: Job, kept: bytes | None) -> Job:
    username, *names = json.loads(kept) if kept and job.stdout_path is None else ("",)
    return scheduler.with_files(job, Shown(*names)) if names and username == job.user else job


def _files_key(system: str, job_id: str) -> str:
    return f"{PREFIX}job-files:{system}:{job_id}"


def _key(system: str, username: str) -> str:
    return f"{PREFIX}recent-jobs:{system}:{username}"


def _a_minute_ago() -> str:
    return str(int((time.time() - KNOWN_SECONDS) * 1000))


def _read(system: str, username: str, entry: bytes, values: Mapping[bytes, bytes]) -> Job:
    accepted = datetime.fromtimestamp(int(entry.split(b"-")[0]) / 1000, UTC)
    return Job(
        system=system,
        job_id=values[b"id"].decode(),
        name=values[b"name"].decode("utf-8", "surrogateescape"),
        user=username,
        state=JobState.PENDING,
        submitted_at=accepted.replace(microsecond=0),
        observed_at=accepted,
    )
