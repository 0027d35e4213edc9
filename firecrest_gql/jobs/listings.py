"""The answers of long queries, kept in Redis beside their tasks, in order of submission, and read by the page."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from redis.asyncio import Redis

from firecrest_gql.errors import NotFound
from firecrest_gql.jobs.codec import dump_job, load_job
from firecrest_gql.jobs.page import Key, cursor, read_cursor, sort_key
from firecrest_gql.model.jobs import Job
from firecrest_gql.model.page import Edge, Page
from firecrest_gql.model.tasks import RecordedJobs, Task
from firecrest_gql.tasks import keys
from firecrest_gql.tasks.connection import redis_answers

MAX_JOBS = 5_000
MAX_BYTES = 4 * 2**20
KEPT_SECONDS = 86_400
KEPT_OF_A_USER = 5
AT_ONCE = 500


class Listings:
    """Keeps each answer for a day, and of each user the last five: a stranger can make no more of Redis grow."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def keep(self, task: Task, jobs: Iterable[Job]) -> RecordedJobs:
        """Keep the jobs as the task's answer, the latest ones where there are too many."""
        ordered = sorted(jobs, key=sort_key, reverse=True)
        members = [*_bounded(ordered)]
        name = keys.listing(task.id)
        with redis_answers():
            await self._redis.delete(name)
            for start in range(0, len(members), AT_ONCE):
                await self._redis.zadd(name, dict.fromkeys(members[start : start + AT_ONCE], 0))
            await self._redis.expire(name, KEPT_SECONDS)
            await self._forget_older(task)
        return RecordedJobs(task.id, len(members), len(ordered))

    async def page(self, of: RecordedJobs, first: int, after: str | None) -> Page[Job]:
        """The `first` jobs behind `after`; `NotFound` once the answer is no longer kept."""
        name, behind = keys.listing(of.task_id), b"+" if after is None else b"(" + _position(read_cursor(after))
        with redis_answers():
            kept = not of.count or await self._redis.exists(name)
            found = await self._redis.zrevrangebylex(name, behind, b"-", 0, first + 1)
        if not kept:
            raise NotFound(f"the jobs of {of.task_id} are no longer kept: a day, of each user the last five answers")
        jobs = [load_job(member.partition(b" ")[2]) for member in found[:first]]
        return Page(
            edges=tuple(Edge(job, cursor(job)) for job in jobs),
            has_next_page=len(found) > first,
            has_previous_page=after is not None,
            total_count=of.count,
        )

    async def _forget_older(self, task: Task) -> None:
        user = keys.listings(task.subject)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zadd(user, {task.id: datetime.now(UTC).timestamp()})
            pipe.expire(user, KEPT_SECONDS)
            pipe.zrange(user, 0, -1 - KEPT_OF_A_USER)
            pipe.zremrangebyrank(user, 0, -1 - KEPT_OF_A_USER)
            *_, older, _ = await pipe.execute()
        for task_id in older:
            await self._redis.delete(keys.listing(task_id.decode()))


def _bounded(jobs: Iterable[Job]) -> Iterator[bytes]:
    """The members, as many as are kept."""
    size = 0
    for number, job in enumerate(jobs):
        member = _position(sort_key(job)) + b" " + dump_job(job).encode()
        size += len(member)
        if number >= MAX_JOBS or size > MAX_BYTES:
            return
        yield member


def _position(key: Key) -> bytes:
    """The sort key so that bytes are ordered as it is; of a position nothing behind the blank counts."""
    submitted, length, job_id = key
    return f"{int(submitted * 1000):015d}:{length:05d}:{job_id}".encode("utf-8", "surrogateescape")
