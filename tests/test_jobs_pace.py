"""How often the looks of a watch come: one a second while something changes, slower when quiet, soon after an act."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from time import monotonic
from typing import cast
from uuid import uuid4

import pytest
from broadcaster import Broadcast
from redis.asyncio import Redis

from firecrest_gql.errors import SystemUnavailable
from firecrest_gql.jobs.board import Board, board_name, hasten, pace, rest
from firecrest_gql.jobs.changes import Changes
from firecrest_gql.jobs.hastening import Hastening
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.model.identity import Principal
from firecrest_gql.model.jobs import JobEvent, JobState
from firecrest_gql.model.tasks import JobOutcomes, Task, TaskKind, TaskStatus
from firecrest_gql.settings import SystemSettings
from tests.jobs_recorded import Recorded, job
from tests.jobs_system import SYSTEM, ThisMachine, watching
from tests.waiting import until


def test_the_pace_slows_down_while_nothing_changes() -> None:
    assert [pace(quiet) for quiet in (0, 15, 100)] == [1, 1, 10]
    assert pace(16) < pace(17) < 3


@pytest.mark.redis
async def test_one_replica_at_a_time_looks_and_a_late_one_cannot_tell(redis: Redis) -> None:
    board = Board(redis, f"turns-{monotonic()}")
    assert await board.take("a") == 0
    assert await board.take("b") > 0
    assert not await board.tell("b", 1, 0, Changes((job("1"),)))
    assert await board.keep("a")
    assert await board.tell("a", 0.01, 0, Changes((job("1"),)))
    await until(lambda: taken(board, "b"))
    assert not await board.keep("a")
    jobs, cursor = await board.read()
    assert list(jobs) == ["1"]
    assert await board.after(cursor) == ([], cursor)


async def taken(board: Board, token: str) -> bool:
    return await board.take(token) == 0


def test_the_period_begins_with_a_look_and_a_slow_scheduler_has_some_rest_too() -> None:
    assert [rest(1, took) for took in (0, 0.25, 0.8, 4)] == [1000, 750, 200, 1000]
    assert [rest(10, took) for took in (0, 0.25)] == [10_000, 9_750]


@pytest.fixture
def quiet() -> SystemSettings:
    """A system that no other test has looked at."""
    return SYSTEM.model_copy(update={"name": f"s{uuid4().hex}"})


def task_on(system: SystemSettings, viewer: Principal) -> Task:
    """A task that cancels jobs."""
    now = datetime.now(UTC)
    return Task(
        id="t",
        kind=TaskKind.CANCEL_JOBS,
        status=TaskStatus.RUNNING,
        version=1,
        subject=viewer.subject,
        username=viewer.username,
        system=system.name,
        created_at=now,
        updated_at=now,
        request_id="r-1",
    )


async def rested(board: Board, seconds: float) -> None:
    """A look was made, and the next one is so far away."""
    await until(lambda: taken(board, "looks"))
    assert await board.tell("looks", seconds, 100, Changes())


@pytest.mark.redis
async def test_a_rest_is_cut_for_those_who_hasten_and_the_looks_behind_it_are_frequent(
    redis: Redis, quiet: SystemSettings
) -> None:
    board = Board(redis, board_name(quiet, "me"))
    await rested(board, 600)
    assert await board.take("b") > 500
    await hasten(redis, quiet, "me")
    await until(lambda: taken(board, "b"))
    assert (await board.look()).quiet == 0
    await board.tell("b", 600, 100, Changes())
    assert await board.take("a") <= 1
    assert (await board.look()).quiet == 0
    await rested(board, 600)
    assert await board.take("c") > 500


@pytest.mark.redis
async def test_who_hastens_while_a_look_is_under_way_has_another_one_soon(redis: Redis, quiet: SystemSettings) -> None:
    board = Board(redis, board_name(quiet, "me"))
    await rested(board, 0.01)
    await until(lambda: taken(board, "a"))
    await hasten(redis, quiet, "me")
    assert await board.tell("a", 600, 100, Changes())
    await until(lambda: taken(board, "b"))


@pytest.mark.redis
async def test_hastening_leaves_nothing_where_nobody_watches(redis: Redis, quiet: SystemSettings) -> None:
    await hasten(redis, quiet, "me")
    assert [key async for key in redis.scan_iter(f"*{quiet.name}*")] == []


@pytest.mark.redis
async def test_a_look_that_was_left_counts_for_the_pace(redis: Redis, quiet: SystemSettings) -> None:
    board = Board(redis, board_name(quiet, "me"))
    key = f"firecrest:watch:{board_name(quiet, 'me')}:look"
    await rested(board, 0.01)
    await until(lambda: taken(board, "a"))
    await cast("Awaitable[int]", redis.hset(key, "tried", "0"))
    await board.release("a", 600)
    assert (await board.look()).number == 1
    assert await cast("Awaitable[bytes]", redis.hget(key, "tried")) > b"0"


@pytest.mark.redis
@pytest.mark.parametrize("fails", [False, True])
async def test_what_a_task_did_is_told_although_the_watch_was_at_rest(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal, quiet: SystemSettings, fails: bool
) -> None:
    scheduler, seen = Recorded(live=[job("1", user=viewer.username)]), list[JobEvent]()
    watch = watching(Jobs(machine, {"direct": scheduler}, RecentJobs(redis)), redis, broadcast)

    async def follow() -> None:
        async for event in watch.updates(viewer, quiet, ["1"]):
            seen.append(event)

    async def cancel(task: Task) -> JobOutcomes:
        scheduler.live = [job("1", JobState.CANCELLED, user=viewer.username)]
        if fails:
            raise SystemUnavailable("the answer was lost")
        return JobOutcomes(())

    following = asyncio.create_task(follow())
    await until(lambda: bool(seen))
    # As after a long quiet time, only longer: the next look is ten minutes away.
    await redis.set(f"firecrest:watch:{board_name(quiet, viewer.username)}:turn", "rest", px=600_000)
    work = Hastening({TaskKind.CANCEL_JOBS: cancel}, redis, {quiet.name: quiet})
    asked = asyncio.gather(work.functions[TaskKind.CANCEL_JOBS](task_on(quiet, viewer)), return_exceptions=True)
    assert isinstance((await asked)[0], SystemUnavailable) is fails
    await following
    assert [event.job.state for event in seen] == [JobState.RUNNING, JobState.CANCELLED]
