"""Tasks that their user cancels: before they begin, while they work, and when it is too late."""

import asyncio

import pytest

from firecrest_gql.errors import Cancelled, Conflict, NotFound, SystemUnavailable
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.model.tasks import Task, TaskResult, TaskStatus
from tests.client import Client
from tests.test_worker import DONE, Parts, working
from tests.test_worker import parts as parts
from tests.waiting import until

pytestmark = pytest.mark.redis

CANCEL = "mutation($id: ID!) { cancelTask(input: {id: $id}) { task { id status message } } }"
CANCEL_NOTHING = (
    """mutation { cancelJobs(input: {system: "local", jobIds: ["987654"]}, waitSeconds: 30) { task { id status } } }"""
)


async def test_a_queued_task_is_cancelled_at_once_and_no_worker_does_it(parts: Parts) -> None:
    done: list[str] = []

    async def work(task: Task) -> TaskResult:
        done.append(task.id)
        return DONE

    cancelled, other = await parts.made(), await parts.made()
    assert (await parts.store.cancel(cancelled.id, "user")).status is TaskStatus.CANCELLED
    for task in (cancelled, other):
        await parts.queue.enqueue(task)
    async with working(parts, work):
        await parts.end_of(other)
    assert done == [other.id]
    with pytest.raises(Conflict, match="CANCELLED"):
        await parts.store.cancel(cancelled.id, "user")
    with pytest.raises(NotFound):
        await parts.store.cancel(other.id, "somebody else")


async def test_the_work_of_a_running_task_is_ended_by_its_worker(parts: Parts) -> None:
    ended = asyncio.Event()

    async def work(task: Task) -> TaskResult:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return DONE

    task = await parts.made()
    await parts.queue.enqueue(task)
    async with working(parts, work):
        await until(lambda: _is(parts, task, TaskStatus.RUNNING))
        assert (await parts.store.cancel(task.id, "user")).status is TaskStatus.RUNNING
        last = await parts.end_of(task)
    assert (last.status, last.message) == (TaskStatus.CANCELLED, "Cancelled by its user.")
    assert ended.is_set()


async def test_a_task_that_waits_for_its_system_is_cancelled_before_the_next_attempt(parts: Parts) -> None:
    async def work(task: Task) -> TaskResult:
        raise SystemUnavailable("not there")

    task = await parts.made()
    await parts.queue.enqueue(task)
    async with working(parts, work):
        await until(lambda: _is(parts, task, TaskStatus.RUNNING))
        await parts.store.cancel(task.id, "user")
        assert (await parts.end_of(task)).status is TaskStatus.CANCELLED


async def test_what_must_happen_once_is_not_cut_off_after_it_has_begun_and_never_begins_after_the_wish(
    parts: Parts,
) -> None:
    attempts = Attempts(parts.store.redis)
    begun, wished = await parts.made(), await parts.made()
    assert not await attempts.begin(begun.id)
    with pytest.raises(Conflict, match="finished"):
        await parts.store.cancel(begun.id, "user")
    await parts.store.cancel(wished.id, "user")
    for _ in range(2):
        with pytest.raises(Cancelled):
            await attempts.begin(wished.id)


async def test_a_user_cancels_no_task_that_has_ended_and_none_of_another(user: Client, other_user: Client) -> None:
    task = (await user.ask(CANCEL_NOTHING))["cancelJobs"]["task"]
    assert task["status"] == "SUCCEEDED"
    assert await user.code(CANCEL, id=task["id"]) == "CONFLICT"
    assert await other_user.code(CANCEL, id=task["id"]) == "NOT_FOUND"
    assert await user.code(CANCEL, id="nonsense") == "NOT_FOUND"


async def _is(parts: Parts, task: Task, status: TaskStatus) -> bool:
    found = await parts.store.get(task.id, "user")
    return found is not None and found.status is status
