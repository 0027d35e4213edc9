"""Jobs that were just submitted: for a moment neither queue nor accounting knows them."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from redis.asyncio import Redis

from firecrest_gql.model.jobs import Job, JobState
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.keys import PREFIX

KNOWN_SECONDS = 60


class RecentJobs:
    """For each user and system a Redis stream of the jobs whose acceptance we saw in the last minute."""

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
