"""One attempt of one worker at one task, and what becomes of the task by it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from firecrest_gql.errors import Cancelled, Conflict, ErrorCode, FirecrestError, TasksUnavailable, TooLarge
from firecrest_gql.model.tasks import Pause, Task, TaskError, TaskKind, TaskResult, TaskStatus
from firecrest_gql.tasks.shares import Shares
from firecrest_gql.tasks.store import BY_USER, TaskStore, new_step

logger = logging.getLogger(__name__)

WorkFunction = Callable[[Task], Awaitable[TaskResult | Pause | TaskError]]
"""Does a task's work; a `TaskError` is the end of it, whether or not its user may try again."""
UndoFunction = Callable[[Task], Awaitable[Pause | None]]
"""Ends what a cancelled task has begun elsewhere; a `Pause` where that takes time, and it is to be asked again."""

SHORTEST_DELAY, LONGEST_DELAY = 1.0, 15.0  # seconds
RETRY_SECONDS = 0.2
LOOKS = 100  # a second, after which a user's tasks that wait for a place come again, however many they are
LONGEST_LINE = 60.0  # seconds until they do
GLANCE_SECONDS = 0.5  # between two looks whether the user wants the task cancelled
MAX_INTERRUPTIONS = 20  # after which it is taken for the task's own doing that its workers die
INTERRUPTED = "Taken up again: the worker that was on it is gone."


class Attempt:
    """Runs the work function of a task's kind; `delay` then says in how many seconds to try again, None: never.

    `put_off`: nothing was tried, for the user's other tasks have all the places of a user.
    """

    def __init__(
        self,
        store: TaskStore,
        work: Mapping[TaskKind, WorkFunction],
        task_id: str,
        *,
        again: bool,
        retry_seconds: float,
        shares: Shares,
        undo: Mapping[TaskKind, UndoFunction] = {},
    ) -> None:
        self._store = store
        self._work = work
        self._shares = shares
        self._id = task_id
        self._again = again
        self._retry_seconds = retry_seconds
        self._undo = undo
        self.delay: float | None = None
        self.put_off = False

    async def run(self, owner: str) -> None:
        """Do the work as the task's owner and record its outcome."""
        task = await self._store.load(self._id)
        if task is None:
            return await self._store.forget(self._id)
        if task.final:
            return None
        with self._shares.place(task.subject) as free:
            if not free:
                waiting = await self._store.count_open(task.subject)
                self.delay, self.put_off = min(LONGEST_LINE, max(SHORTEST_DELAY, waiting / LOOKS)), True
                return None
            return await self._try(task, owner)

    async def _try(self, task: Task, owner: str) -> None:
        await self._store.woken(self._id)
        try:
            running = await self._begin(task, owner)
            outcome = await self._outcome(replace(running, input=task.input, grant=task.grant))
            if outcome:
                await self._end(owner, outcome)
            if self.delay is not None and await self._store.woken(self._id):
                self.delay = 0.0
        except Conflict as error:  # of the store's: the task was ended, or taken over, meanwhile
            logger.warning("task %s: the outcome of this attempt does not count: %s", self._id, error.message)

    async def _begin(self, task: Task, owner: str) -> Task:
        if task.status is TaskStatus.WAITING or (task.status is TaskStatus.RUNNING and self._again):
            return task
        message = INTERRUPTED if task.status is TaskStatus.RUNNING else None
        return await self._record(owner, status=TaskStatus.RUNNING, message=message)

    async def _outcome(self, task: Task) -> dict[str, Any]:
        """The change that ends the task, or says why it is not at its end; none where that has been said."""
        if sum(change.message == INTERRUPTED for change in task.history) > MAX_INTERRUPTIONS:
            logger.error("task %s: given up, since %d workers have died of it", task.id, MAX_INTERRUPTIONS)
            return _masked(task)
        try:
            done = await self._done(task)
            return self._paused(task, done) if isinstance(done, Pause) else _ended(task, done)
        except Cancelled as error:
            return {"status": TaskStatus.CANCELLED, "message": error.message}
        except FirecrestError as error:
            return self._postponed(task, error) if self._may_retry(task, error) else _failed(error)
        except Exception:  # the one place where anything at all becomes a failed task
            logger.exception("task %s failed unexpectedly, request %s", task.id, task.request_id)
            return _masked(task)

    async def _done(self, task: Task) -> TaskResult | Pause | TaskError:
        """The work's result; `Cancelled` where the user has wanted that, and nothing that was begun is left."""
        try:
            return await self._performed(task)
        except Cancelled:
            undo = self._undo.get(task.kind)
            if undo is not None and (pause := await undo(task)):
                return pause
            raise

    async def _performed(self, task: Task) -> TaskResult | Pause | TaskError:
        if await self._store.cancel_asked(task.id):
            raise Cancelled(BY_USER)
        work = asyncio.ensure_future(self._work[task.kind](task))
        wish = asyncio.create_task(self._wish(task.id))
        try:
            await asyncio.wait([work, wish], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                wish.result()
                await _cancelled(work)
            if work.cancelled():
                raise Cancelled(BY_USER)
            return work.result()
        finally:
            await _cancelled(work, wish)

    async def _wish(self, task_id: str) -> None:
        """Returns once the user wants the task cancelled."""
        while True:
            await asyncio.sleep(GLANCE_SECONDS)
            with suppress(TasksUnavailable):
                if await self._store.cancel_asked(task_id):
                    return

    async def _end(self, owner: str, outcome: dict[str, Any]) -> None:
        try:
            await self._record(owner, **outcome)
        except TooLarge as error:
            await self._record(owner, **_failed(error))

    def _may_retry(self, task: Task, error: FirecrestError) -> bool:
        # What waits has its own patience: it may have waited for longer than that already.
        waits = task.status is TaskStatus.WAITING
        return error.retryable and (waits or _seconds_on_it(task) < self._retry_seconds)

    def _postponed(self, task: Task, error: FirecrestError) -> dict[str, Any]:
        # Half as long again each time: no count has to be kept anywhere.
        self.delay = max(error.retry_after or 0, min(LONGEST_DELAY, max(SHORTEST_DELAY, _seconds_on_it(task) / 2)))
        return {} if task.message == error.message else {"status": task.status, "message": error.message}

    def _paused(self, task: Task, pause: Pause) -> dict[str, Any]:
        self.delay = pause.seconds
        told = {"message": pause.message, "progress": pause.progress or task.progress}
        if task.status is TaskStatus.WAITING and told == {"message": task.message, "progress": task.progress}:
            return {}
        return {"status": TaskStatus.WAITING, **told}

    async def _record(self, owner: str, **change: Any) -> Task:
        """Change the task as soon as Redis answers; were that too late, losing the lease ends the waiting."""
        step = new_step()
        while True:
            try:
                return await self._store.change(self._id, owner=owner, step=step, **change)
            except TasksUnavailable:
                await asyncio.sleep(RETRY_SECONDS)


async def _cancelled(*work: asyncio.Future[Any]) -> None:
    """Returns once this work has ended, however it does."""
    for each in work:
        each.cancel()
    await asyncio.wait(work)


def _seconds_on_it(task: Task) -> float:
    begun = next((change.at for change in task.history if change.status is TaskStatus.RUNNING), task.created_at)
    return (datetime.now(UTC) - begun).total_seconds()


def _ended(task: Task, result: TaskResult | TaskError) -> dict[str, Any]:
    if isinstance(result, TaskError):
        return {"status": TaskStatus.FAILED, "message": result.message, "error": result}
    told = task.progress
    whole = told and replace(told, done=told.done if told.total is None else told.total)
    return {"status": TaskStatus.SUCCEEDED, "result": result, "progress": whole}


def _failed(error: FirecrestError) -> dict[str, Any]:
    described = TaskError(error.code, error.message, error.retryable)
    return {"status": TaskStatus.FAILED, "message": error.message, "error": described}


def _masked(task: Task) -> dict[str, Any]:
    message = f"The task failed unexpectedly; the operators find the cause under request {task.request_id}."
    described = TaskError(ErrorCode.INTERNAL, message, retryable=False)
    return {"status": TaskStatus.FAILED, "message": message, "error": described}
