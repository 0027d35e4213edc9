"""A user's tasks, newest first: the index holds sort keys, and a cursor is one of them."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from redis.asyncio import Redis

from firecrest_gql.errors import InvalidInput
from firecrest_gql.model.page import Edge
from firecrest_gql.model.tasks import Task, TaskFilter, TaskPage
from firecrest_gql.tasks import documents, keys

SORT_KEY = re.compile(r"[0-9]{16}:[a-z]+_[a-z0-9]{28}")
BATCH = 200

T = TypeVar("T")


def sort_key(task: Task) -> str:
    """Orders tasks by their creation, and those of the same microsecond by id."""
    return sort_key_of(task.created_at, task.id)


def sort_key_of(created_at: datetime, name: str) -> str:
    """The same, for whatever has such an id."""
    return f"{_microseconds(created_at):016d}:{name}"


async def page(
    redis: Redis,
    subject: str,
    filter: TaskFilter,  # noqa: A002
    first: int,
    after: str | None,
    count: bool,
    event_cursor: str,
) -> TaskPage:
    """At most `first` tasks behind the cursor `after`; `InvalidInput` for a cursor that is none."""
    lowest = "-" if filter.since is None else f"[{_microseconds(filter.since):016d}"
    found, more = await newest(
        redis, keys.index(subject), partial(load_all, redis), lambda task: _matches(task, filter), first, after, lowest
    )
    return TaskPage(
        edges=tuple(Edge(task, sort_key(task)) for task in found),
        has_next_page=more,
        has_previous_page=after is not None,
        total_count=await _count(redis, subject, filter, lowest) if count else None,
        event_cursor=event_cursor,
    )


async def load_all(redis: Redis, ids: Sequence[str]) -> list[Task | None]:
    """These tasks in this order, None for each that is no longer kept; one round trip."""
    pipeline = redis.pipeline(transaction=False)
    for task_id in ids:
        pipeline.hmget(keys.task(task_id), list(documents.VISIBLE_FIELDS))
    return [documents.load_task(fields) for fields in await pipeline.execute()]


async def newest(
    redis: Redis,
    index: str,
    load: Callable[[Sequence[str]], Awaitable[list[T | None]]],
    matches: Callable[[T], bool],
    first: int,
    after: str | None,
    lowest: str = "-",
) -> tuple[list[T], bool]:
    """The first of the index that match, and whether there is one more; `InvalidInput` for a cursor that is none."""
    found: list[T] = []
    upper = _upper(after)
    while len(found) <= first:
        members = [member.decode() for member in await redis.zrevrangebylex(index, upper, lowest, 0, BATCH)]
        loaded = await load([member.partition(":")[2] for member in members])
        if gone := [member for member, each in zip(members, loaded, strict=True) if each is None]:
            await redis.zrem(index, *gone)
        found += [each for each in loaded if each is not None and matches(each)]
        if len(members) < BATCH:
            break
        upper = f"({members[-1]}"
    return found[:first], len(found) > first


def _matches(task: Task, conditions: TaskFilter) -> bool:
    return (
        (conditions.statuses is None or task.status in conditions.statuses)
        and (conditions.kinds is None or task.kind in conditions.kinds)
        and (conditions.system is None or task.system == conditions.system)
    )


async def _count(redis: Redis, subject: str, conditions: TaskFilter, lowest: str) -> int | None:
    if (conditions.statuses, conditions.kinds, conditions.system) != (None, None, None):
        return None
    return int(await redis.zlexcount(keys.index(subject), lowest, "+"))  # type: ignore[no-untyped-call]


def _upper(after: str | None) -> str:
    if after is None:
        return "+"
    if not SORT_KEY.fullmatch(after):
        raise InvalidInput(f"after: {after[:80]!r} is no cursor of this list.")
    return f"({after}"


def _microseconds(at: datetime) -> int:
    return max(0, round(at.timestamp() * 1_000_000))
