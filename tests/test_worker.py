"""Workers on a real Valkey: what they make of a task, and what becomes of it when they die."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from broadcaster import Broadcast
from saq.job import Job

from firecrest_gql.errors import Cancelled, ErrorCode, SchedulerRejected, SystemUnavailable
from firecrest_gql.model.tasks import JobRef, Task, TaskKind, TaskResult, TaskStatus
from firecrest_gql.settings import WorkerSettings
from firecrest_gql.tasks import attempt, keys
from firecrest_gql.tasks.bell import RedisBell
from firecrest_gql.tasks.connection import connect
from firecrest_gql.tasks.feed import Feed
from firecrest_gql.tasks.lease import Leases
from firecrest_gql.tasks.queue import FUNCTION, WorkQueue
from firecrest_gql.tasks.store import TaskStore
from firecrest_gql.tasks.worker import Worker, WorkFunction
from tests.redis import RealValkey, running_valkey
from tests.waiting import until

pytestmark = pytest.mark.redis
PATIENCE = 60  # seconds, which only end a hang
SETTINGS = WorkerSettings(heartbeat_seconds=2, concurrency=5)
ROOT = Path(__file__).parent.parent
DONE = JobRef("local", "17")


@dataclass
class Parts:
    """All that a test of workers needs, on a Valkey of its own: a queue is shared by all who know its server."""

    valkey: RealValkey
    store: TaskStore
    feed: Feed
    queue: WorkQueue
    folder: Path

    async def made(self, number: int = 17, kind: TaskKind = TaskKind.SUBMIT_JOB) -> Task:
        return await self.store.create(
            kind=kind,
            system="local",
            subject="user",
            username="fireuser",
            request_id="request-1",
            input={"number": number},
            grant="sealed",
        )

    async def end_of(self, task: Task) -> Task:
        ended = await self.feed.wait(task.id, task.subject, PATIENCE)
        assert ended.final, ended
        return ended

    def notes(self, task: Task) -> list[str]:
        """What the workers in processes of their own have noted."""
        log = self.folder / f"{task.id}.log"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def go(self) -> None:
        (self.folder / "go").touch()


@pytest_asyncio.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with running_valkey(tmp_path) as server, Broadcast(backend=RedisBell(server.url)) as broadcast:
        redis = connect(server.url)
        store = TaskStore(redis, retention_seconds=3600, event_retention=1000)
        yield Parts(server, store, Feed(store, broadcast), WorkQueue(redis, store), tmp_path)
        await redis.aclose()


@asynccontextmanager
async def working(parts: Parts, work: WorkFunction, **options: Any) -> AsyncIterator[None]:
    """A worker in this process."""
    worker = Worker(parts.store, parts.queue, {TaskKind.SUBMIT_JOB: work}, SETTINGS, **options)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def worker_process(parts: Parts, die_at: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process of its own."""
    with (parts.folder / "worker.out").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.worker_program", parts.valkey.url, str(parts.folder), die_at),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def steps(task: Task) -> list[TaskStatus]:
    return [change.status for change in task.history]


async def test_a_task_is_queued_then_runs_then_succeeds(parts: Parts) -> None:
    seen: list[Task] = []

    async def work(task: Task) -> TaskResult:
        seen.append(task)
        return DONE

    task = await parts.made()
    async with working(parts, work):
        await parts.queue.enqueue(task)
        done = await parts.end_of(task)
    assert (steps(done), done.result) == ([TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.SUCCEEDED], DONE)
    assert [(task.input, task.grant) for task in seen] == [({"number": 17}, "sealed")]


async def test_an_error_of_ours_fails_the_task_in_its_own_words(parts: Parts) -> None:
    async def work(_: Task) -> TaskResult:
        raise SchedulerRejected("sbatch: error: invalid partition specified: nope")

    task = await parts.made()
    async with working(parts, work):
        await parts.queue.enqueue(task)
        failed = await parts.end_of(task)
    assert failed.status is TaskStatus.FAILED
    assert failed.error is not None
    assert (failed.error.code, failed.error.retryable) == (ErrorCode.SCHEDULER_REJECTED, False)
    assert failed.error.message == failed.message == "sbatch: error: invalid partition specified: nope"


async def test_anything_unforeseen_is_masked_and_logged_with_the_request(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(_: Task) -> TaskResult:
        raise KeyError("a secret detail")

    task = await parts.made()
    with caplog.at_level(logging.ERROR):
        async with working(parts, work):
            await parts.queue.enqueue(task)
            failed = await parts.end_of(task)
    assert failed.error is not None
    assert failed.error.code is ErrorCode.INTERNAL
    assert "secret" not in f"{failed}"
    assert "request-1" in failed.error.message
    assert "request-1" in caplog.text


async def test_a_kind_of_task_that_nobody_works_on_fails(parts: Parts) -> None:
    async def work(_: Task) -> TaskResult:
        return DONE

    task = await parts.made(kind=TaskKind.CANCEL_JOBS)
    async with working(parts, work):
        await parts.queue.enqueue(task)
        assert (await parts.end_of(task)).status is TaskStatus.FAILED


async def test_cancelled_work_makes_a_cancelled_task(parts: Parts) -> None:
    async def work(_: Task) -> TaskResult:
        raise Cancelled("You cancelled the task.")

    task = await parts.made()
    async with working(parts, work):
        await parts.queue.enqueue(task)
        assert (await parts.end_of(task)).status is TaskStatus.CANCELLED


async def test_what_a_retry_may_cure_is_tried_again_and_says_so_once(parts: Parts) -> None:
    tries = 0

    async def work(_: Task) -> TaskResult:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise SystemUnavailable("No login node of local answers.")
        return DONE

    task = await parts.made()
    async with working(parts, work):
        await parts.queue.enqueue(task)
        done = await parts.end_of(task)
    assert tries == 3
    assert [(change.status, change.message) for change in done.history] == [
        (TaskStatus.QUEUED, None),
        (TaskStatus.RUNNING, None),
        (TaskStatus.RUNNING, "No login node of local answers."),
        (TaskStatus.SUCCEEDED, None),
    ]


async def test_retrying_ends_with_the_error(parts: Parts) -> None:
    async def work(_: Task) -> TaskResult:
        raise SystemUnavailable("No login node of local answers.")

    task = await parts.made()
    async with working(parts, work, retry_seconds=0.5):
        await parts.queue.enqueue(task)
        failed = await parts.end_of(task)
    assert failed.error is not None
    assert (failed.error.code, failed.error.retryable) == (ErrorCode.SYSTEM_UNAVAILABLE, True)


async def test_a_task_that_never_reached_the_queue_is_found(parts: Parts) -> None:
    async def work(_: Task) -> TaskResult:
        return DONE

    task = await parts.made()
    async with working(parts, work):
        assert (await parts.end_of(task)).status is TaskStatus.SUCCEEDED


async def test_a_task_is_accepted_though_the_queue_does_not_answer(parts: Parts) -> None:
    task = await parts.made()
    await parts.valkey.kill()
    await parts.queue.enqueue(task)
    await parts.valkey.start()

    async def work(_: Task) -> TaskResult:
        return DONE

    async with working(parts, work):
        assert (await parts.end_of(task)).status is TaskStatus.SUCCEEDED


async def test_a_task_that_is_queued_twice_is_worked_on_once(parts: Parts) -> None:
    at_once = most = begun = 0

    async def work(_: Task) -> TaskResult:
        nonlocal at_once, most, begun
        begun += 1
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.5)
        at_once -= 1
        return DONE

    task = await parts.made()
    async with working(parts, work), working(parts, work):
        await parts.queue.enqueue(task)
        await until(lambda: begun > 0)
        again = Job(FUNCTION, key=task.id, kwargs={"task_id": task.id, "again": False}, queue=parts.queue.saq, ttl=-1)
        await parts.queue.saq.retry(again, "as a sweep at the wrong moment does")
        await parts.end_of(task)
    assert (begun, most) == (1, 1)


async def test_work_ends_when_its_worker_can_no_longer_say_that_it_lives(parts: Parts) -> None:
    leases = Leases(parts.store.redis, 1)
    ended = asyncio.Event()
    held = asyncio.Event()

    async def work(_: str) -> None:
        held.set()
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            ended.set()

    holding = asyncio.create_task(leases.hold("a task", work))
    await held.wait()
    await parts.store.redis.set(keys.owner("a task"), "another")
    await asyncio.wait_for(holding, PATIENCE)
    assert ended.is_set()
    assert await parts.store.redis.get(keys.owner("a task")) == b"another"


async def test_a_task_outlives_a_restart_of_redis_while_it_runs(parts: Parts) -> None:
    held, released = asyncio.Event(), asyncio.Event()

    async def work(_: Task) -> TaskResult:
        held.set()
        await released.wait()
        return DONE

    task = await parts.made()
    async with working(parts, work):
        await parts.queue.enqueue(task)
        await held.wait()
        await parts.valkey.kill()
        released.set()
        await parts.valkey.start()
        assert (await parts.end_of(task)).result == DONE


@pytest.mark.parametrize("die_at", ["dequeued", "recorded"])
async def test_a_worker_that_dies_at_a_bad_moment_is_replaced_by_another(parts: Parts, die_at: str) -> None:
    parts.go()
    task = await parts.made()
    await parts.queue.enqueue(task)
    async with worker_process(parts, die_at) as dying:
        assert await asyncio.wait_for(dying.wait(), PATIENCE) == -signal.SIGKILL
    async with worker_process(parts):
        done = await parts.end_of(task)
        await until(lambda: nothing_is_queued(parts))
    assert done.result == JobRef("local", "17")
    assert parts.notes(task) == ["began", "ended"]


async def test_the_tasks_of_a_killed_worker_are_taken_over(parts: Parts) -> None:
    tasks = [await parts.made(number) for number in range(4)]
    async with worker_process(parts) as first, worker_process(parts):
        for task in tasks:
            await parts.queue.enqueue(task)
        await until(lambda: all(parts.notes(task) for task in tasks))
        first.kill()
        await first.wait()
        taken = {task.id for task in tasks if begun_by(parts, task) == first.pid}
        await until(lambda: all(len(parts.notes(task)) == 1 + (task.id in taken) for task in tasks))
        parts.go()
        ended = [await parts.end_of(task) for task in tasks]
    assert [task.result for task in ended] == [JobRef("local", str(number)) for number in range(4)]
    for task in ended:
        assert parts.notes(task).count("ended") == 1
        assert any(change.message == attempt.INTERRUPTED for change in task.history) is (task.id in taken)


async def test_a_worker_that_is_told_to_stop_leaves_its_work_to_the_next(parts: Parts) -> None:
    task = await parts.made()
    async with worker_process(parts) as first:
        await until(lambda: parts.notes(task) == ["began"])
        first.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(first.wait(), PATIENCE) == 0
    parts.go()
    async with worker_process(parts):
        assert (await parts.end_of(task)).status is TaskStatus.SUCCEEDED
    assert parts.notes(task) == ["began", "began", "ended"]


async def test_a_worker_that_is_told_to_stop_ends_what_ends_in_time(parts: Parts) -> None:
    task = await parts.made()
    async with worker_process(parts) as only:
        await until(lambda: parts.notes(task) == ["began"])
        only.send_signal(signal.SIGTERM)
        parts.go()
        assert await asyncio.wait_for(only.wait(), PATIENCE) == 0
    assert (await parts.end_of(task)).status is TaskStatus.SUCCEEDED
    assert parts.notes(task) == ["began", "ended"]


async def test_the_living_workers_are_counted(parts: Parts) -> None:
    async def work(_: Task) -> TaskResult:
        return DONE

    async def count(wanted: int) -> bool:
        return await parts.queue.live_workers() == wanted

    assert await count(0)
    async with working(parts, work), worker_process(parts) as other:
        await until(lambda: count(2))
        other.kill()
        await until(lambda: count(1))
    await until(lambda: count(0))


async def test_a_task_of_which_workers_die_is_given_up(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "MAX_INTERRUPTIONS", 2)

    async def work(_: Task) -> TaskResult:
        raise AssertionError("not a fourth time")

    task = await parts.made()
    await parts.store.change(task.id, status=TaskStatus.RUNNING)
    for _ in range(2):
        await parts.store.change(task.id, status=TaskStatus.RUNNING, message=attempt.INTERRUPTED)
    async with working(parts, work):
        failed = await parts.end_of(task)
    assert failed.error is not None
    assert failed.error.code is ErrorCode.INTERNAL


async def test_a_task_of_which_nothing_is_left_is_no_longer_open(parts: Parts) -> None:
    async def work(_: Task) -> TaskResult:
        return DONE

    task = await parts.made()
    await parts.store.redis.delete(keys.task(task.id))

    async def none_is_open() -> bool:
        return await parts.store.open_tasks() == ()

    async with working(parts, work):
        await until(none_is_open)


async def nothing_is_queued(parts: Parts) -> bool:
    saq = parts.queue.saq
    return [await saq.count(kind) for kind in ("queued", "active", "incomplete")] == [0, 0, 0]


def begun_by(parts: Parts, task: Task) -> int:
    return int((parts.folder / f"{task.id}.log").read_text().split()[1])
