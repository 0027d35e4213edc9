"""What subscribers are told: each change once and in order, whatever the bell has missed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from broadcaster import Broadcast

from firecrest_gql.errors import NotFound, TasksUnavailable
from firecrest_gql.model.tasks import Task, TaskEvent
from firecrest_gql.tasks import keys
from firecrest_gql.tasks.store import TaskStore
from firecrest_gql.tasks.transitions import as_of

T = TypeVar("T")

PATIENCE_SECONDS = 600.0  # how long a subscriber waits for a Redis that is gone, before TASKS_UNAVAILABLE
RETRY_SECONDS = 0.5
GLANCE_SECONDS = 60.0  # the longest without a look, were a ring ever lost


class Feed:
    """Streams of changes; the bell only wakes, what is told comes from the store.

    Each subscriber listens first, then reads, then waits: what changes between is read after the next ring.
    """

    def __init__(self, store: TaskStore, broadcast: Broadcast, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._store = store
        self._broadcast = broadcast
        self._patience_seconds = patience_seconds

    async def updates(self, task_id: str, subject: str, since_version: int | None = None) -> AsyncGenerator[Task, None]:
        """The task now, unless of `since_version`; then at each newer version, each once; ends behind a final one.

        With an older `since_version` all versions behind it are told. `NotFound` where the user has no such task.
        """
        seen = since_version
        async with self._bell(keys.task_bell(task_id)) as rung:
            while True:
                rung.clear()
                task = await self._patiently(partial(self._required, task_id, subject))
                for version in _newer(task, seen):
                    yield version
                if task.final:
                    return
                seen = task.version
                await _wait(rung)

    async def events(self, subject: str, after: str | None = None) -> AsyncGenerator[TaskEvent, None]:
        """All changes of the user's tasks behind the cursor `after`, or from now on; never ends.

        `CursorExpired` where events behind the cursor, or behind a subscriber that is too slow, are no longer kept.
        """
        async with self._bell(keys.user_bell(subject)) as rung:
            begin = partial(self._store.event_cursor, subject)
            cursor = await self._patiently(begin) if after is None else after
            while True:
                rung.clear()
                latest, events = await self._patiently(partial(self._store.events_after, subject, cursor))
                for event in events:
                    yield event
                if latest == cursor:
                    await _wait(rung)
                cursor = latest

    async def wait(self, task_id: str, subject: str, seconds: float) -> Task:
        """The task as soon as it is final, or as it is when the time is over."""
        last: Task | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(self.updates(task_id, subject)) as updates:
                async for update in updates:
                    last = update
        return last or await self._required(task_id, subject)

    async def _required(self, task_id: str, subject: str) -> Task:
        task = await self._store.get(task_id, subject)
        if task is None:
            raise NotFound(f"You have no task {task_id[:80]}.")
        return task

    async def _patiently(self, read: Callable[[], Awaitable[T]]) -> T:
        """What is read as soon as Redis answers; `TasksUnavailable` when patience ends."""
        clock = asyncio.get_running_loop().time
        end = clock() + self._patience_seconds
        while True:
            try:
                return await read()
            except TasksUnavailable:
                if clock() >= end:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    @asynccontextmanager
    async def _bell(self, channel: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set at each ring: rings that nobody has waited for become one, and take no memory."""
        rung = asyncio.Event()
        async with self._broadcast.subscribe(channel) as rings:
            ear = asyncio.create_task(_hear(rings.get, rung))
            try:
                yield rung
            finally:
                ear.cancel()


async def _hear(next_ring: Callable[[], Awaitable[object]], rung: asyncio.Event) -> None:
    while True:
        await next_ring()
        rung.set()


async def _wait(rung: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(GLANCE_SECONDS):  # wait_for swallows a cancellation on Python 3.11
            await rung.wait()


def _newer(task: Task, seen: int | None) -> list[Task]:
    """The versions behind the one that was seen: the present one alone where none was."""
    if seen is None or seen > task.version:
        return [task]
    return [as_of(task, change) for change in task.history if change.version > seen]
