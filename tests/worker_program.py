"""A worker in a process of its own, which the tests kill: `python -m tests.worker_program URL FOLDER [DIE_AT]`.

Its work notes in FOLDER/<task id>.log when it begins and ends, and lasts until FOLDER/go is there.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from firecrest_gql.model.tasks import JobRef, Task, TaskKind, TaskResult
from firecrest_gql.settings import WorkerSettings
from firecrest_gql.tasks.connection import connect
from firecrest_gql.tasks.queue import SaqQueue, WorkQueue
from firecrest_gql.tasks.store import TaskStore
from firecrest_gql.tasks.worker import connections_of, run_worker

SETTINGS = WorkerSettings(heartbeat_seconds=2, concurrency=8)


class DyingQueue(SaqQueue):
    """Dies at a point that no outside kill can hit for sure."""

    die_at = ""

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Any:
        """The next job, which a worker that dies here takes along."""
        job = await super().dequeue(timeout, poll_interval)
        return job if job is None else await self._dying("dequeued", asyncio.sleep(0, job))

    async def finish(self, *args: Any, **kwargs: Any) -> None:
        """Forget a job; a worker that dies here has recorded the end and not told the queue."""
        await self._dying("recorded", super().finish(*args, **kwargs))

    async def _dying(self, point: str, otherwise: Awaitable[Any]) -> Any:
        if self.die_at == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return await otherwise


async def main(url: str, folder: Path, die_at: str) -> None:
    """Work until told to stop."""

    async def work(task: Task) -> TaskResult:
        note(folder / f"{task.id}.log", "began")
        while not await asyncio.to_thread((folder / "go").exists):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        note(folder / f"{task.id}.log", "ended")
        return JobRef("local", str(task.input["number"]))

    redis = connect(url, connections=connections_of(SETTINGS))
    store = TaskStore(redis, retention_seconds=3600, event_retention=1000)
    queue = WorkQueue(redis, store)
    queue.saq = DyingQueue(redis, store)
    queue.saq.die_at = die_at
    await run_worker(store, queue, {TaskKind.SUBMIT_JOB: work}, SETTINGS, grace_seconds=2)
    await redis.aclose()


def note(log: Path, what: str) -> None:
    """Append a line that names us."""
    with log.open("a") as lines:
        lines.write(f"{what} {os.getpid()}\n")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
