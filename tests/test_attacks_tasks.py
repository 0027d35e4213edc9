"""A greedy user's tasks beside those of others, on a real Valkey."""

import asyncio

import pytest

from firecrest_gql.model.tasks import Task, TaskKind, TaskStatus
from tests.test_worker import DONE, SETTINGS, Parts, parts, working

__all__ = ["parts"]
pytestmark = pytest.mark.redis


async def test_the_slow_tasks_of_one_user_keep_no_workers_from_all_others(parts: Parts) -> None:
    go, begun = asyncio.Event(), list[str]()

    async def slow(task: Task) -> object:
        begun.append(task.id)
        if task.subject == "user":
            await go.wait()
        return DONE

    many = [await parts.made(number) for number in range(4 * SETTINGS.concurrency)]
    for task in many:
        await parts.queue.enqueue(task)
    other = await parts.store.create(
        kind=TaskKind.SUBMIT_JOB,
        system="local",
        subject="another",
        username="fireuser2",
        request_id="request-2",
        input={},
        grant="sealed",
    )
    await parts.queue.enqueue(other)
    async with working(parts, slow):  # type: ignore[arg-type]
        assert (await parts.end_of(other)).status is TaskStatus.SUCCEEDED
        assert len(begun) <= SETTINGS.concurrency
        go.set()
        for task in many:
            ended = await parts.end_of(task)
            assert (ended.status, ended.history[1].message) == (TaskStatus.SUCCEEDED, None)
    assert sorted(begun) == sorted(task.id for task in [*many, other])
