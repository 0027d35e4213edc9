"""The queue of tasks, on saq: it wakes workers; who may work say the leases, and what is open says the store."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

from redis.asyncio import Redis
from saq.job import Job, Status
from saq.queue.redis import RedisQueue
from saq.utils import now

from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.model.tasks import Task
from firecrest_gql.tasks import keys
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.store import TaskStore

logger = logging.getLogger(__name__)
T = TypeVar("T")

FUNCTION = "perform"
WAIT_SECONDS = 1.0  # between two questions to a Redis that is gone
SETTLE_SECONDS = 0.5  # in which a worker that lives has begun what it took, or queued again what it ended


class WorkQueue:
    """Hands tasks to the workers, and counts these."""

    def __init__(self, redis: Redis, store: TaskStore) -> None:
        self.saq = SaqQueue(redis, store)

    async def enqueue(self, task: Task) -> None:
        """Hand over a task that has been created; it never fails, for what is not handed over the workers find."""
        await self.saq.hand_over(task.id)

    async def wake(self, task: Task) -> None:
        """Have a waiting task looked at now, and not when its pause is over."""
        await self.saq.wake(task.id)

    async def live_workers(self) -> int:
        """How many workers have said within a few seconds that they live; `TasksUnavailable`."""
        with redis_answers():
            return int(await self.saq.redis.zcount(self.saq.namespace("stats"), now(), "inf"))


class SaqQueue(RedisQueue):
    """saq's queue, except that it outlives a Redis that goes and comes, and that its sweep knows our leases.

    saq's own sweep takes a job from a live worker that has not begun yet, and waits five seconds for each dead one.
    """

    def __init__(self, redis: Redis, store: TaskStore) -> None:
        super().__init__(redis, name=keys.QUEUE)
        self._store = store
        self._down = False

    async def hand_over(self, task_id: str, *, again: bool = False, scheduled: int = 0) -> None:
        """Put a task into the queue, unless it is there; `scheduled`: not before this time, in seconds since 1970."""
        job = Job(
            FUNCTION,
            key=task_id,
            kwargs={"task_id": task_id, "again": again},
            timeout=0,
            retries=2**31,
            ttl=-1,
            scheduled=scheduled,
        )
        await self._unless_down(super().enqueue(job), None)

    async def wake(self, task_id: str) -> None:
        """Let a task's time come, whether it waits in the queue, or is being looked at and would be put off again."""
        await self._unless_down(self._woken(task_id), None)

    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:
        """Queue again what is open, owned by no worker and not waiting; one worker does it in each `lock` seconds."""
        return await self._unless_down(self._swept(lock), [])

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Job | None:
        """The next job; None where there is none in time."""
        job = await self._unless_down(super().dequeue(timeout, poll_interval), None)
        if self._down:
            await asyncio.sleep(WAIT_SECONDS)
        return job

    async def schedule(self, lock: int = 1) -> list[str]:
        """Queue the jobs whose time has come."""
        return await self._unless_down(super().schedule(lock), [])

    async def jobs(self, job_keys: Iterable[str]) -> list[Job | None]:
        """The jobs with these keys."""
        names = [*job_keys]
        return await self._unless_down(super().jobs(names), [None] * len(names)) if names else []

    async def update(self, job: Job, **kwargs: Any) -> None:
        """Note what has become of a job; one that is not noted is swept."""
        await self._unless_down(super().update(job, **kwargs), None)

    async def retry(self, job: Job, error: str | None) -> None:
        """Queue a job again; one that is not is swept."""
        await self._unless_down(super().retry(job, error), None)

    async def finish(self, job: Job, status: Status, *, result: Any = None, error: str | None = None, **_: Any) -> None:
        """Forget a job; one that is not is swept."""
        await self._unless_down(super().finish(job, status, result=result, error=error), None)

    async def write_worker_info(self, worker_id: str, info: Any, ttl: int) -> None:
        """Say that this worker lives."""
        await self._unless_down(super().write_worker_info(worker_id, info, ttl), None)

    async def sign_off(self, worker_id: str) -> None:
        """No longer count a worker."""
        await self._unless_down(self.redis.zrem(self.namespace("stats"), self.namespace(f"worker_info:{worker_id}")), 0)

    async def _swept(self, lock: int) -> list[str]:
        if not await self.redis.set(self.namespace("sweep"), 1, nx=True, ex=lock):
            return []
        suspects = await self._lost()
        if not suspects:
            return []
        await asyncio.sleep(SETTLE_SECONDS)
        lost = {key: job for key, job in (await self._lost()).items() if key in suspects}
        for key, job in lost.items():
            if job is None:
                await self._forget(key)
                await self.hand_over(key)
            else:
                await self.retry(job, "its worker is gone")
        return [*lost]

    async def _lost(self) -> dict[str, Job | None]:
        """What no worker owns, and what does not wait in the queue either: the job, where there is a record of it."""
        active = {self.job_key_from_id(job_id.decode()) for job_id in await self._ids_of_active()}
        found = await self._without_owner([*active.union(await self._store.open_tasks())])
        return {key: job for key, job in found if job is None or key in active or job.status is Status.ACTIVE}

    async def _woken(self, task_id: str) -> None:
        await self._store.wake(task_id)
        # saq keeps there when a job is due, and 0 where it is queued already.
        await self.redis.zadd(self.namespace("incomplete"), {self.job_id(task_id): 1}, xx=True, lt=True)
        await self.hand_over(task_id, again=True)

    async def _ids_of_active(self) -> list[bytes]:
        found: list[bytes] = await self.redis.lrange(self.namespace("active"), 0, -1)  # type: ignore[misc]
        return found

    async def _without_owner(self, names: list[str]) -> list[tuple[str, Job | None]]:
        if not names:
            return []
        owners = await self.redis.mget([keys.owner(name) for name in names])
        free = [name for name, owner in zip(names, owners, strict=True) if owner is None]
        return list(zip(free, await super().jobs(free) if free else [], strict=True))

    async def _forget(self, key: str) -> None:
        """Remove what is left of a job without a record."""
        job_id = self.job_id(key)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.lrem(self.namespace("active"), 0, job_id)
            pipe.zrem(self.namespace("incomplete"), job_id)
            await pipe.execute()

    async def _unless_down(self, answer: Awaitable[T], otherwise: T) -> T:
        """The answer; where Redis does not give one, the other. Told once when it goes, and when it comes."""
        try:
            with redis_answers():
                found = await answer
        except TasksUnavailable as error:
            if not self._down:
                logger.warning("the queue has lost Redis and waits for it: %s", error.__cause__)
            self._down = True
            return otherwise
        if self._down:
            logger.warning("the queue has Redis again")
        self._down = False
        return found
