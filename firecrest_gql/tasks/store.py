"""The record of all tasks, in Redis: each change is one atomic step, whatever dies."""

import hashlib
import re
import secrets
import string
from collections.abc import Awaitable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from redis.asyncio import Redis

from firecrest_gql.errors import Conflict, CursorExpired, InvalidInput, NotFound, Overloaded, TasksUnavailable
from firecrest_gql.model.tasks import (
    Task,
    TaskChange,
    TaskError,
    TaskEvent,
    TaskFilter,
    TaskKind,
    TaskPage,
    TaskProgress,
    TaskResult,
    TaskStatus,
)
from firecrest_gql.tasks import documents, keys, listing
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.steps import Steps
from firecrest_gql.tasks.transitions import changed

ID_ALPHABET = string.ascii_lowercase + string.digits
ID_LENGTH = 28  # 144 bits: nobody guesses one
ID_PATTERN = re.compile(r"task_[a-z0-9]{28}")
CURSOR_PATTERN = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")

MAX_IDEMPOTENCY_KEY_LENGTH = 255
EVENTS_AT_ONCE = 200
BY_USER = "Cancelled by its user."
WAKE_SECONDS = 3600  # longer than any pause
ATTEMPTS = 20  # to be faster than everybody else who changes the same task


class TaskStore:
    """Makes, changes and reads tasks; `TasksUnavailable` from any method where Redis does not answer."""

    def __init__(self, redis: Redis, *, retention_seconds: int, event_retention: int) -> None:
        self.redis = redis
        self._steps = Steps(redis, retention_seconds=retention_seconds, event_retention=event_retention)

    async def create(
        self,
        *,
        kind: TaskKind,
        system: str | None,
        subject: str,
        username: str,
        request_id: str,
        input: dict[str, Any],  # noqa: A002
        grant: str,
        idempotency_key: str | None = None,
    ) -> Task:
        """A new task, QUEUED, of version 1; or the one that this user's same key made before on the same system.

        `Conflict` where the key came with another input, `Overloaded` where too many of the user's tasks are open.
        """
        now = datetime.now(UTC)
        task = Task(
            id=f"task_{''.join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))}",
            kind=kind,
            status=TaskStatus.QUEUED,
            version=1,
            subject=subject,
            username=username,
            system=system,
            created_at=now,
            updated_at=now,
            request_id=request_id,
            history=(TaskChange(1, TaskStatus.QUEUED, now),),
            input=input,
            grant=grant,
        )
        asked = _digest(system, input)
        match await self._steps.create(task, _checked(idempotency_key), asked):
            case [b"known", known, digest]:
                return await self._first(subject, known.decode(), digest.decode(), asked)
            case [b"full", count]:
                raise Overloaded(f"{count} of your tasks are not finished yet; try again when some are.")
        return task

    async def made_before(
        self, kind: TaskKind, system: str | None, subject: str, asked: dict[str, Any], idempotency_key: str | None
    ) -> Task | None:
        """The task that this user's same key has made; `Conflict` where it came with another input."""
        key = _checked(idempotency_key)
        if key is None:
            return None
        with redis_answers():
            name = keys.idempotency(subject, kind, system, key)
            known = await cast("Awaitable[list[bytes | None]]", self.redis.hmget(name, ["task", "digest"]))
        if known[0] is None or known[1] is None:
            return None
        return await self._first(subject, known[0].decode(), known[1].decode(), _digest(system, asked))

    async def change(
        self,
        task_id: str,
        *,
        status: TaskStatus | None = None,
        message: str | None = None,
        progress: TaskProgress | None = None,
        result: TaskResult | None = None,
        error: TaskError | None = None,
        owner: str | None = None,
        step: str | None = None,
    ) -> Task:
        """The task after one more step; `Conflict` for a final one, and where `owner` no longer owns it.

        A caller that repeats itself after `TasksUnavailable` names the `step`: it is then carried out once.
        """
        step = step or new_step()
        for _ in range(ATTEMPTS):
            *fields, done = await self._fields(task_id, (*documents.VISIBLE_FIELDS, "step"))
            task = documents.load_task(fields)
            if task is None:
                raise NotFound(f"There is no task {task_id}.")
            if done == step.encode():
                return task
            new = changed(
                task,
                at=datetime.now(UTC),
                status=status,
                message=message,
                progress=progress,
                result=result,
                error=error,
            )
            match await self._steps.change(new, step, owner or ""):
                case b"done":
                    return new
                case b"fenced":
                    raise Conflict(f"Another worker has taken over task {task_id}.")
        raise TasksUnavailable(f"Task {task_id} is being changed by too many at once; try again in a moment.")

    async def cancel(self, task_id: str, subject: str) -> Task:
        """This user's task, CANCELLED where no worker has begun it; else a worker ends its work, and what that left.

        `Conflict` for a final task, and for one that has begun what must happen once: that is finished.
        """
        task = await self.get(task_id, subject)
        if task is None:
            raise NotFound(f"you have no task {task_id[:80]!r}; `tasks` lists them")
        if task.final:
            raise Conflict(f"Task {task_id} is {task.status}: there is nothing left to cancel.")
        if not await self._steps.cancel(task_id):
            raise Conflict(f"Task {task_id} has begun what cannot be cut off: it is finished.")
        if task.status in (TaskStatus.RUNNING, TaskStatus.WAITING):
            return task
        return await self.change(task_id, status=TaskStatus.CANCELLED, message=BY_USER)

    async def cancel_asked(self, task_id: str) -> bool:
        """Whether its user wants the task cancelled."""
        with redis_answers():
            return bool(await self.redis.exists(keys.cancel(task_id)))

    async def wake(self, task_id: str) -> None:
        """Note that what a waiting task waits for may have come."""
        with redis_answers():
            await self.redis.set(keys.woken(task_id), "1", ex=WAKE_SECONDS)

    async def woken(self, task_id: str) -> bool:
        """Whether that was noted since the last time of asking."""
        with redis_answers():
            return bool(await self.redis.delete(keys.woken(task_id)))

    async def get(self, task_id: str, subject: str) -> Task | None:
        """This user's task, without its input and grant; None where there is none that the user may see."""
        task = documents.load_task(await self._fields(task_id, documents.VISIBLE_FIELDS))
        return task if task is not None and task.subject == subject else None

    async def load(self, task_id: str) -> Task | None:
        """Anybody's task; with its input and grant, which a final task no longer has. For workers."""
        return documents.load_task(await self._fields(task_id, documents.ALL_FIELDS))

    async def list(
        self,
        subject: str,
        filter: TaskFilter | None = None,  # noqa: A002
        first: int = 50,
        after: str | None = None,
        *,
        count: bool = False,
    ) -> TaskPage:
        """This user's tasks, newest first; `count` counts all of them where no other condition than `since` is set."""
        event_cursor = await self.event_cursor(subject)  # first: what changes while we read is then behind it
        with redis_answers():
            return await listing.page(self.redis, subject, filter or TaskFilter(), first, after, count, event_cursor)

    async def count_open(self, subject: str) -> int:
        """How many of this user's tasks are not final."""
        with redis_answers():
            return int(await cast("Awaitable[int]", self.redis.scard(keys.open_of(subject))))

    async def open_tasks(self) -> tuple[str, ...]:
        """The ids of all tasks that are not final, of all users, oldest first."""
        with redis_answers():
            return tuple(found.decode() for found in await self.redis.zrange(keys.OPEN, 0, -1))

    async def forget(self, task_id: str) -> None:
        """No longer count a task as open of which nothing else is left."""
        with redis_answers():
            await self.redis.zrem(keys.OPEN, task_id)

    async def event_cursor(self, subject: str) -> str:
        """The cursor of the user's latest event."""
        return await self._steps.tail(subject)

    async def events_after(self, subject: str, cursor: str) -> tuple[str, tuple[TaskEvent, ...]]:
        """The next events, at most 200, and the cursor behind them; `CursorExpired` where one may have been lost."""
        if not CURSOR_PATTERN.fullmatch(cursor):
            raise InvalidInput(f"after: {cursor[:50]!r} is no cursor of task events.")
        with redis_answers():
            # From the cursor's own entry on: where that is still kept, none behind it is gone.
            entries = await self.redis.xrange(keys.events(subject), min=cursor, count=EVENTS_AT_ONCE + 1)
        if not entries or entries[0][0] != cursor.encode():
            raise CursorExpired("The events behind this cursor are no longer kept: query your tasks again.")
        tasks = await self._tasks({entry[b"task"] for _, entry in entries[1:] if b"task" in entry})
        events = tuple(
            TaskEvent(entry_id.decode(), documents.load_change(entry[b"change"]), tasks[entry[b"task"]])
            for entry_id, entry in entries[1:]
            if entry.get(b"task") in tasks  # not of one whose time is over: there is no task left to show
        )
        return entries[-1][0].decode(), events

    async def _first(self, subject: str, known: str, digest: str, asked: str) -> Task:
        """The task that the key made before, were the same thing asked for."""
        if digest != asked:
            raise Conflict("This idempotency key was used for another input; take a new key for new work.")
        first = await self.get(known, subject)
        if first is None:
            raise Conflict(f"This idempotency key made task {known}, which is no longer kept; take a new key.")
        return first

    async def _fields(self, task_id: str, fields: Iterable[str]) -> Sequence[bytes | None]:
        names = [*fields]
        if not ID_PATTERN.fullmatch(task_id):
            return [None] * len(names)
        with redis_answers():
            return await cast("Awaitable[list[bytes | None]]", self.redis.hmget(keys.task(task_id), names))

    async def _tasks(self, ids: Iterable[bytes]) -> dict[bytes, Task]:
        """Those of these tasks that are still kept."""
        names = [*ids]
        with redis_answers():
            found = await listing.load_all(self.redis, [name.decode() for name in names])
        return {name: task for name, task in zip(names, found, strict=True) if task is not None}


def new_step() -> str:
    """A name for one change, which no other has."""
    return secrets.token_hex(8)


def _digest(system: str | None, asked: dict[str, Any]) -> str:
    """Tells one request from another."""
    return hashlib.sha256(documents.canonical({"system": system, "input": asked})).hexdigest()


def _checked(key: str | None) -> str | None:
    """The idempotency key; `InvalidInput` for an empty or overlong one."""
    if key is not None and not 0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise InvalidInput(f"idempotencyKey: has {len(key)} characters, needs 1 to {MAX_IDEMPOTENCY_KEY_LENGTH}.")
    return key
