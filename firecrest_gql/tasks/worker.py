"""Workers: they take tasks from the queue, one worker at a time on each, and die without harm."""

import signal
import time
from collections.abc import Mapping
from typing import Any

from saq.types import Context, PartialTimersDict, WorkerInfo
from saq.worker import Worker as SaqWorker

from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.settings import WorkerSettings
from firecrest_gql.tasks.attempt import SHORTEST_DELAY, Attempt, UndoFunction, WorkFunction
from firecrest_gql.tasks.lease import Leases
from firecrest_gql.tasks.queue import FUNCTION, WorkQueue
from firecrest_gql.tasks.shares import Shares
from firecrest_gql.tasks.store import TaskStore

RETRY_SECONDS = 900.0  # how long a task is tried again while what it needs is not there
GRACE_SECONDS = 10  # of running work when the worker is to stop
SAY_SECONDS, LIVE_SECONDS = 1, 6  # how often a worker says that it lives, and how long that holds

__all__ = ["WorkFunction", "Worker", "connections_of", "run_worker"]


class Worker:
    """Runs tasks until it is stopped; any number may run, in any number of processes."""

    def __init__(
        self,
        store: TaskStore,
        queue: WorkQueue,
        work: Mapping[TaskKind, WorkFunction],
        settings: WorkerSettings,
        *,
        retry_seconds: float = RETRY_SECONDS,
        grace_seconds: int = GRACE_SECONDS,
        undo: Mapping[TaskKind, UndoFunction] = {},
    ) -> None:
        self._store = store
        self._queue = queue.saq
        self._work = work
        self._undo = undo
        self._settings = settings
        self._retry_seconds = retry_seconds
        self._grace_seconds = grace_seconds
        self._leases = Leases(store.redis, settings.heartbeat_seconds)
        self._shares = Shares(max(1, settings.concurrency // 2))
        self._put_off: set[str] = set()

    async def run(self, *, signals: bool = False) -> None:
        """Work until cancelled or, with `signals`, until SIGTERM or SIGINT.

        Running work then has some seconds to end; what has not is left to another worker.
        """
        worker = _SaqWorker(
            self._queue,
            [(FUNCTION, self._perform)],
            concurrency=self._settings.concurrency,
            dequeue_timeout=1.0,
            timers=PartialTimersDict(  # also the longest that an idle worker takes to stop
                schedule=1, abort=1, worker_info=SAY_SECONDS, sweep=max(1, self._settings.heartbeat_seconds // 2)
            ),
            after_process=self._try_again,
            shutdown_grace_period_s=self._grace_seconds,
            cancellation_hard_deadline_s=5.0,
        )
        worker.SIGNALS = [signal.SIGTERM, signal.SIGINT] if signals else []
        await worker.start()
        await self._queue.sign_off(worker.id)

    async def _perform(self, _: Context, *, task_id: str, again: bool) -> float | None:
        """Try a task; in how many seconds to try again."""
        attempt = Attempt(
            self._store,
            self._work,
            task_id,
            again=again,
            retry_seconds=self._retry_seconds,
            shares=self._shares,
            undo=self._undo,
        )
        try:
            await self._leases.hold(task_id, attempt.run)
        except TasksUnavailable:
            return SHORTEST_DELAY
        if attempt.put_off and not again:
            self._put_off.add(task_id)
        return attempt.delay

    async def _try_again(self, context: Context) -> None:
        """After saq has forgotten the job: queue the task for later. Were we killed before it, the sweep does."""
        job = context["job"]
        if isinstance(job.result, float):
            again = job.key not in self._put_off
            self._put_off.discard(job.key)
            await self._queue.hand_over(job.key, again=again, scheduled=int(time.time() + job.result))


class _SaqWorker(SaqWorker[Any]):
    async def worker_info(self, ttl: int = LIVE_SECONDS) -> WorkerInfo:
        """Say that the worker lives."""
        return await super().worker_info(ttl=LIVE_SECONDS)


def connections_of(settings: WorkerSettings) -> int:
    """How many connections to Redis a worker takes: one for each place that waits, one for each task, and some."""
    return 2 * settings.concurrency + 10


async def run_worker(
    store: TaskStore,
    queue: WorkQueue,
    work: Mapping[TaskKind, WorkFunction],
    settings: WorkerSettings,
    *,
    retry_seconds: float = RETRY_SECONDS,
    grace_seconds: int = GRACE_SECONDS,
    undo: Mapping[TaskKind, UndoFunction] = {},
) -> None:
    """The life of a worker process: until SIGTERM or SIGINT."""
    worker = Worker(store, queue, work, settings, retry_seconds=retry_seconds, grace_seconds=grace_seconds, undo=undo)
    await worker.run(signals=True)
