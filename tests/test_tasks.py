"""Tasks in a real Valkey: their life, their idempotency, their lists."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from firecrest_gql.errors import Conflict, ErrorCode, InvalidInput, NotFound, Overloaded, TasksUnavailable, TooLarge
from firecrest_gql.model.tasks import JobRef, Task, TaskError, TaskFilter, TaskKind, TaskStatus
from firecrest_gql.tasks import documents, keys, steps, transitions
from firecrest_gql.tasks.connection import connect
from firecrest_gql.tasks.store import ID_PATTERN, TaskStore
from tests.redis import RealValkey

pytestmark = pytest.mark.redis


@pytest_asyncio.fixture
async def store(valkey: RealValkey) -> AsyncIterator[TaskStore]:
    redis = connect(valkey.url)
    yield TaskStore(redis, retention_seconds=3600, event_retention=100)
    await redis.aclose()


@pytest.fixture
def subject() -> str:
    """A user whom no other test knows."""
    return f"user-{uuid4()}"


async def made(store: TaskStore, subject: str, **changes: Any) -> Task:
    asked: dict[str, Any] = {
        "kind": TaskKind.SUBMIT_JOB,
        "system": "local",
        "subject": subject,
        "username": "fireuser",
        "request_id": "r-1",
        "input": {"script": "#!/bin/sh\necho hé\n"},
        "grant": "sealed",
    }
    return await store.create(**asked | changes)


async def test_a_new_task_is_queued_and_of_version_1(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    assert ID_PATTERN.fullmatch(task.id)
    assert (task.status, task.version, task.final) == (TaskStatus.QUEUED, 1, False)
    assert [(change.version, change.status) for change in task.history] == [(1, TaskStatus.QUEUED)]
    assert task.id in await store.open_tasks()


async def test_a_task_is_read_as_it_was_written_and_only_a_worker_sees_input_and_grant(
    store: TaskStore, subject: str
) -> None:
    task = await made(store, subject)
    assert await store.load(task.id) == task
    seen = await store.get(task.id, subject)
    assert seen is not None
    assert (seen.id, seen.created_at, seen.input, seen.grant) == (task.id, task.created_at, {}, "")


async def test_the_tasks_of_others_are_invisible(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    assert await store.get(task.id, "somebody-else") is None
    assert await store.get("task_" + "a" * 28, subject) is None
    assert await store.get("task_*", subject) is None
    assert (await store.list("somebody-else")).nodes == ()


async def test_each_change_raises_the_version_and_is_kept_in_the_history(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    await store.change(task.id, status=TaskStatus.RUNNING)
    await store.change(task.id, message="the system does not answer; trying again")
    done = await store.change(task.id, status=TaskStatus.SUCCEEDED, result=JobRef("local", "17"))
    assert done == await store.get(task.id, subject)
    assert done.result == JobRef("local", "17")
    assert done.message is None
    assert done.finished_at == done.updated_at
    assert [(step.version, step.status, step.message) for step in done.history] == [
        (1, TaskStatus.QUEUED, None),
        (2, TaskStatus.RUNNING, None),
        (3, TaskStatus.RUNNING, "the system does not answer; trying again"),
        (4, TaskStatus.SUCCEEDED, None),
    ]


@pytest.mark.parametrize("final", [TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELLED])
async def test_a_final_task_never_changes(store: TaskStore, subject: str, final: TaskStatus) -> None:
    task = await made(store, subject)
    await store.change(task.id, status=TaskStatus.RUNNING)
    done = await store.change(task.id, status=final)
    for status in [None, *TaskStatus]:
        with pytest.raises(Conflict):
            await store.change(task.id, status=status)
    assert await store.get(task.id, subject) == done


async def test_a_final_task_keeps_no_grant_and_no_input_and_goes_after_its_time(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    assert await store.redis.ttl(keys.task(task.id)) == -1
    await store.change(task.id, status=TaskStatus.CANCELLED)
    loaded = await store.load(task.id)
    assert loaded is not None
    assert (loaded.grant, loaded.input) == ("", {})
    assert 0 < await store.redis.ttl(keys.task(task.id)) <= 3600
    assert task.id not in await store.open_tasks()


async def test_a_task_that_is_gone_cannot_be_changed(store: TaskStore) -> None:
    with pytest.raises(NotFound):
        await store.change("task_" + "z" * 28, status=TaskStatus.RUNNING)


async def test_changes_at_once_all_count_and_none_is_lost(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    await asyncio.gather(*(store.change(task.id, message=f"step {number}") for number in range(8)))
    now = await store.get(task.id, subject)
    assert now is not None
    assert [step.version for step in now.history] == list(range(1, 10))
    assert {step.message for step in now.history[1:]} == {f"step {number}" for number in range(8)}


async def test_a_step_that_is_repeated_by_name_is_carried_out_once(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    first = await store.change(task.id, status=TaskStatus.RUNNING, step="begin")
    assert await store.change(task.id, status=TaskStatus.RUNNING, step="begin") == first


async def test_a_worker_that_lost_its_task_to_another_changes_nothing(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    await store.redis.set(keys.owner(task.id), "the other")
    with pytest.raises(Conflict):
        await store.change(task.id, status=TaskStatus.RUNNING, owner="the first")
    assert (await store.change(task.id, status=TaskStatus.RUNNING, owner="the other")).version == 2


async def test_the_same_key_with_the_same_input_gives_the_first_task_again(store: TaskStore, subject: str) -> None:
    first = await made(store, subject, idempotency_key="k", input={"a": 1, "b": [2]})
    again = await made(store, subject, idempotency_key="k", input={"b": [2], "a": 1})
    assert again.id == first.id
    assert len((await store.list(subject)).nodes) == 1


async def test_requests_at_once_with_one_key_make_one_task(store: TaskStore, subject: str) -> None:
    tasks = await asyncio.gather(*(made(store, subject, idempotency_key="k") for _ in range(10)))
    assert len({task.id for task in tasks}) == 1


@pytest.mark.parametrize("other", [{"input": {"script": "other"}}, {"input": {}}])
async def test_the_same_key_with_another_input_is_a_conflict(
    store: TaskStore, subject: str, other: dict[str, Any]
) -> None:
    await made(store, subject, idempotency_key="k")
    with pytest.raises(Conflict):
        await made(store, subject, idempotency_key="k", **other)


async def test_a_key_counts_per_user_system_and_mutation(store: TaskStore, subject: str) -> None:
    tasks = [
        await made(store, subject, idempotency_key="k"),
        await made(store, subject, idempotency_key="k", kind=TaskKind.CANCEL_JOBS),
        await made(store, f"{subject}-other", idempotency_key="k"),
        await made(store, subject, idempotency_key="K"),
        await made(store, subject, idempotency_key="k", system="daint"),
    ]
    assert len({task.id for task in tasks}) == 5


async def test_the_key_of_a_task_that_is_no_longer_kept_makes_no_second_one(store: TaskStore, subject: str) -> None:
    task = await made(store, subject, idempotency_key="k")
    await store.redis.delete(keys.task(task.id))
    with pytest.raises(Conflict):
        await made(store, subject, idempotency_key="k")


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_a_length(store: TaskStore, subject: str, key: str) -> None:
    with pytest.raises(InvalidInput):
        await made(store, subject, idempotency_key=key)


async def test_what_a_stranger_can_make_grow_has_a_bound(
    store: TaskStore, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_INPUT_SIZE", 1000)
    with pytest.raises(TooLarge):
        await made(store, subject, input={"script": "x" * 1000})
    with pytest.raises(InvalidInput):
        await made(store, subject, input={"script": b"bytes"})
    monkeypatch.setattr(steps, "MAX_OPEN_TASKS", 2)
    task, _ = await made(store, subject), await made(store, subject)
    with pytest.raises(Overloaded):
        await made(store, subject)
    await store.change(task.id, status=TaskStatus.CANCELLED)
    await made(store, subject)


async def test_a_long_history_keeps_its_first_and_its_last_changes_and_says_so(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    for _ in range(transitions.MAX_HISTORY_LENGTH + 5):
        task = await store.change(task.id, message="m" * 5000)
    assert len(task.history) == transitions.MAX_HISTORY_LENGTH
    assert task.history[0].message == "(6 changes after this one are no longer kept)"
    assert [step.version for step in task.history[1:]] == list(range(8, 107))
    assert all(len(step.message or "") <= transitions.MAX_MESSAGE_LENGTH for step in task.history)


async def test_a_message_that_is_no_unicode_is_kept_as_near_as_can_be(store: TaskStore, subject: str) -> None:
    task = await made(store, subject)
    error = TaskError(ErrorCode.COMMAND_FAILED, "bad \udcff name", retryable=False)
    failed = await store.change(task.id, status=TaskStatus.FAILED, message="bad \udcff name", error=error)
    assert failed == await store.get(task.id, subject)
    assert failed.message == "bad ? name"


async def test_a_list_is_newest_first_and_its_pages_neither_repeat_nor_hide(store: TaskStore, subject: str) -> None:
    tasks = [await made(store, subject) for _ in range(5)]
    first = await store.list(subject, first=2, count=True)
    newer = await made(store, subject)
    second = await store.list(subject, first=2, after=first.end_cursor)
    third = await store.list(subject, first=2, after=second.end_cursor)
    assert [task.id for page in (first, second, third) for task in page.nodes] == [task.id for task in reversed(tasks)]
    assert [page.has_next_page for page in (first, second, third)] == [True, True, False]
    assert first.total_count == 5
    assert (await store.list(subject)).nodes[0].id == newer.id


async def test_a_list_is_filtered(store: TaskStore, subject: str) -> None:
    submit = await made(store, subject)
    cancel = await made(store, subject, kind=TaskKind.CANCEL_JOBS, system="daint")
    await store.change(submit.id, status=TaskStatus.RUNNING)

    async def found(**conditions: Any) -> set[str]:
        return {task.id for task in (await store.list(subject, TaskFilter(**conditions))).nodes}

    assert await found(statuses=(TaskStatus.RUNNING,)) == {submit.id}
    assert await found(kinds=(TaskKind.CANCEL_JOBS,)) == {cancel.id}
    assert await found(system="daint") == {cancel.id}
    assert await found(since=cancel.created_at) == {cancel.id}
    assert await found(since=datetime.now(UTC) + timedelta(hours=1)) == set()
    assert await found(statuses=()) == set()


async def test_a_task_whose_time_is_over_leaves_the_list(store: TaskStore, subject: str) -> None:
    kept, gone = await made(store, subject), await made(store, subject)
    await store.redis.delete(keys.task(gone.id))
    assert [task.id for task in (await store.list(subject)).nodes] == [kept.id]
    assert await store.redis.zcard(keys.index(subject)) == 1


async def test_a_cursor_that_is_none_is_refused(store: TaskStore, subject: str) -> None:
    with pytest.raises(InvalidInput):
        await store.list(subject, after="nonsense")
    with pytest.raises(InvalidInput):
        await store.events_after(subject, "nonsense")


async def test_a_redis_that_is_not_there_is_told_as_such() -> None:
    store = TaskStore(connect("redis://127.0.0.1:1"), retention_seconds=60, event_retention=100)
    with pytest.raises(TasksUnavailable):
        await store.list("anybody")
