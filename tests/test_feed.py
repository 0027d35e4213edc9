"""What subscribers are told: nothing lost, nothing doubled, whatever happens to Redis."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
import pytest_asyncio
from broadcaster import Broadcast

from firecrest_gql.errors import CursorExpired, NotFound, TasksUnavailable
from firecrest_gql.model.tasks import JobRef, Task, TaskEvent, TaskKind, TaskStatus
from firecrest_gql.tasks.bell import RING, RedisBell
from firecrest_gql.tasks.connection import connect
from firecrest_gql.tasks.feed import Feed
from firecrest_gql.tasks.store import TaskStore
from tests.redis import RealValkey, running_valkey

pytestmark = pytest.mark.redis
T = TypeVar("T")
PATIENCE = 60  # seconds, which only end a hang


@asynccontextmanager
async def feed_on(url: str) -> AsyncIterator[tuple[TaskStore, Feed]]:
    redis = connect(url)
    store = TaskStore(redis, retention_seconds=3600, event_retention=100)
    async with Broadcast(backend=RedisBell(url)) as broadcast:
        yield store, Feed(store, broadcast)
    await redis.aclose()


@pytest_asyncio.fixture
async def parts(valkey: RealValkey) -> AsyncIterator[tuple[TaskStore, Feed]]:
    async with feed_on(valkey.url) as found:
        yield found


@pytest.fixture
def subject() -> str:
    """A user whom no other test knows."""
    return f"user-{uuid4()}"


async def made(store: TaskStore, subject: str) -> Task:
    return await store.create(
        kind=TaskKind.SUBMIT_JOB,
        system="local",
        subject=subject,
        username="fireuser",
        request_id="r-1",
        input={},
        grant="sealed",
    )


async def taken(stream: AsyncGenerator[T, None], count: int | None = None) -> list[T]:
    """The first so many items, or all until the end."""
    found: list[T] = []
    async with asyncio.timeout(PATIENCE), aclosing(stream):
        async for item in stream:
            found.append(item)
            if len(found) == count:
                break
    return found


async def insist(store: TaskStore, task: Task, step: str, message: str) -> None:
    """Change a task, as a worker does it: until Redis is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await store.change(task.id, status=TaskStatus.RUNNING, message=message, step=step)
            except TasksUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


def versions(updates: list[Task]) -> list[int]:
    return [update.version for update in updates]


def told(events: list[TaskEvent]) -> list[tuple[str, int]]:
    return [(event.task.id, event.change.version) for event in events]


async def test_updates_begin_with_the_present_state_and_end_behind_a_final_one(
    parts: tuple[TaskStore, Feed], subject: str
) -> None:
    store, feed = parts
    task = await made(store, subject)
    seen: list[Task] = []
    async with asyncio.timeout(PATIENCE):
        async for update in feed.updates(task.id, subject):
            seen.append(update)
            if update.status is TaskStatus.QUEUED:
                await store.change(task.id, status=TaskStatus.RUNNING)
            elif update.status is TaskStatus.RUNNING:
                await store.change(task.id, status=TaskStatus.SUCCEEDED, result=JobRef("local", "17"))
    assert [(update.version, update.status, update.result) for update in seen] == [
        (1, TaskStatus.QUEUED, None),
        (2, TaskStatus.RUNNING, None),
        (3, TaskStatus.SUCCEEDED, JobRef("local", "17")),
    ]


async def test_what_changed_before_anybody_looked_is_told_version_by_version(
    parts: tuple[TaskStore, Feed], subject: str
) -> None:
    store, feed = parts
    task = await made(store, subject)
    await store.change(task.id, status=TaskStatus.RUNNING, message="on its way")
    await store.change(task.id, status=TaskStatus.SUCCEEDED, result=JobRef("local", "17"))
    running, done = await taken(feed.updates(task.id, subject, since_version=1))
    assert (running.status, running.message, running.result, running.finished_at) == (
        TaskStatus.RUNNING,
        "on its way",
        None,
        None,
    )
    assert [change.version for change in running.history] == [1, 2]
    assert done == await store.get(task.id, subject)


@pytest.mark.parametrize(("since", "expected"), [(None, [3]), (0, [1, 2, 3]), (2, [3]), (3, []), (9, [3])])
async def test_since_a_version_only_what_is_newer_is_told(
    parts: tuple[TaskStore, Feed], subject: str, since: int | None, expected: list[int]
) -> None:
    store, feed = parts
    task = await made(store, subject)
    await store.change(task.id, status=TaskStatus.RUNNING)
    await store.change(task.id, status=TaskStatus.CANCELLED)
    assert versions(await taken(feed.updates(task.id, subject, since))) == expected


async def test_nobody_follows_the_tasks_of_others(parts: tuple[TaskStore, Feed], subject: str) -> None:
    store, feed = parts
    task = await made(store, subject)
    with pytest.raises(NotFound):
        await taken(feed.updates(task.id, "somebody-else"))


async def test_events_tell_each_change_from_now_on(parts: tuple[TaskStore, Feed], subject: str) -> None:
    store, feed = parts
    before = await made(store, subject)
    stream = feed.events(subject)
    first = asyncio.ensure_future(anext(stream))
    later = []
    async with asyncio.timeout(PATIENCE):
        while not first.done():  # when "now" is, only the stream knows
            later.append(await made(store, subject))
        events = [
            await first,
            *[await anext(stream) for _ in later[[task.id for task in later].index(first.result().task.id) + 1 :]],
        ]
    assert before.id not in {event.task.id for event in events}
    assert told(events) == [(task.id, 1) for task in later[-len(events) :]]
    await stream.aclose()


async def test_a_list_and_the_events_behind_its_cursor_lose_nothing(
    parts: tuple[TaskStore, Feed], subject: str
) -> None:
    store, feed = parts
    old = await made(store, subject)
    page = await store.list(subject)
    new = await made(store, subject)
    await store.change(old.id, status=TaskStatus.RUNNING)
    events = await taken(feed.events(subject, page.event_cursor), 2)
    assert told(events) == [(new.id, 1), (old.id, 2)]
    assert events[0].task.version == 1
    assert told(await taken(feed.events(subject, events[0].cursor), 1)) == [(old.id, 2)]


async def test_the_list_of_a_new_user_has_a_cursor_too(parts: tuple[TaskStore, Feed], subject: str) -> None:
    store, feed = parts
    page = await store.list(subject)
    task = await made(store, subject)
    assert told(await taken(feed.events(subject, page.event_cursor), 1)) == [(task.id, 1)]


async def test_more_events_than_are_read_at_once_come_in_order(parts: tuple[TaskStore, Feed], subject: str) -> None:
    store, feed = parts
    start = await store.event_cursor(subject)
    for batch in range(2):
        tasks = [await made(store, subject) for _ in range(45)]
        assert told(await taken(feed.events(subject, start), 45 * (batch + 1)))[-45:] == [
            (task.id, 1) for task in tasks
        ]


async def test_a_cursor_whose_events_are_no_longer_kept_is_expired(parts: tuple[TaskStore, Feed], subject: str) -> None:
    store, feed = parts
    early = await store.event_cursor(subject)
    task = await made(store, subject)
    for number in range(350):
        await store.change(task.id, message=str(number))
    with pytest.raises(CursorExpired):
        await taken(feed.events(subject, early), 1)
    with pytest.raises(CursorExpired):
        await taken(feed.events(subject, "99999999999999-0"), 1)


async def test_waiting_ends_with_the_task_or_with_the_time(parts: tuple[TaskStore, Feed], subject: str) -> None:
    store, feed = parts
    task = await made(store, subject)
    assert (await feed.wait(task.id, subject, 0)).status is TaskStatus.QUEUED
    assert (await feed.wait(task.id, subject, 0.05)).status is TaskStatus.QUEUED
    waiting = asyncio.create_task(feed.wait(task.id, subject, PATIENCE))
    await store.change(task.id, status=TaskStatus.CANCELLED)
    assert (await waiting).status is TaskStatus.CANCELLED


async def test_two_who_subscribe_to_one_channel_at_once_both_hear_it(valkey: RealValkey) -> None:
    async with Broadcast(backend=RedisBell(valkey.url)) as broadcast:

        async def heard(message: str) -> str:
            async with asyncio.timeout(PATIENCE), broadcast.subscribe("both") as subscriber:
                while (event := await subscriber.get()).message != message:
                    if event.message == RING:
                        await broadcast.publish("both", message)
                return str(event.message)

        assert [*await asyncio.gather(heard("x"), heard("x"))] == ["x", "x"]


async def test_twenty_subscribers_lose_and_double_nothing_while_valkey_is_killed_again_and_again(
    tmp_path: Path, subject: str
) -> None:
    steps = 40
    async with running_valkey(tmp_path) as server, feed_on(server.url) as (store, feed), asyncio.TaskGroup() as group:
        task = await made(store, subject)
        cursor = await store.event_cursor(subject)
        updates = [group.create_task(taken(feed.updates(task.id, subject, 1))) for _ in range(10)]
        events = [group.create_task(taken(feed.events(subject, cursor), steps + 1)) for _ in range(10)]
        for step in range(steps):
            if step % 13 == 5:
                await server.kill()
                restart = group.create_task(server.start())
            await insist(store, task, f"step-{step}", str(step))
        await restart
        await store.change(task.id, status=TaskStatus.SUCCEEDED)
        expected = list(range(2, steps + 3))
        for stream in await asyncio.gather(*updates):
            assert versions(stream) == expected
            assert [update.message for update in stream[:-1]] == [str(step) for step in range(steps)]
        for follower in await asyncio.gather(*events):
            assert told(follower) == [(task.id, version) for version in expected]


async def test_a_quiet_subscriber_hears_what_changes_after_a_restart(tmp_path: Path, subject: str) -> None:
    async with running_valkey(tmp_path) as server, feed_on(server.url) as (store, feed):
        task = await made(store, subject)
        stream = feed.updates(task.id, subject)
        async with asyncio.timeout(PATIENCE):
            assert (await anext(stream)).version == 1
            following = asyncio.create_task(anext(stream))
            await server.restart()
            await insist(store, task, "step", "after the restart")
            assert (await following).message == "after the restart"
        await stream.aclose()


async def test_who_subscribes_while_redis_is_down_is_told_as_soon_as_it_is_back(tmp_path: Path, subject: str) -> None:
    async with running_valkey(tmp_path) as server, feed_on(server.url) as (store, feed):
        task = await made(store, subject)
        await server.kill()
        following = asyncio.create_task(taken(feed.updates(task.id, subject), 1))
        with pytest.raises(TasksUnavailable):
            await store.get(task.id, subject)
        assert not following.done()
        await server.start()
        assert versions(await following) == [1]


async def test_patience_has_an_end(tmp_path: Path, subject: str) -> None:
    store = TaskStore(connect("redis://127.0.0.1:1"), retention_seconds=60, event_retention=100)
    async with Broadcast(backend=RedisBell("redis://127.0.0.1:1")) as broadcast:
        with pytest.raises(TasksUnavailable):
            await taken(Feed(store, broadcast, patience_seconds=0.1).events(subject))
