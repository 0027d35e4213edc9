"""What a long query has found is bounded, and one user's queries go one at a time."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from firecrest_gql.errors import NotFound
from firecrest_gql.jobs import listings, turns
from firecrest_gql.jobs.listings import Listings
from firecrest_gql.jobs.page import JobOrder, page
from firecrest_gql.jobs.turns import Turns
from firecrest_gql.model.tasks import RecordedJobs, Task, TaskKind, TaskStatus
from firecrest_gql.tasks import keys
from tests.jobs_recorded import job
from tests.waiting import until

pytestmark = pytest.mark.redis


def task(number: int, subject: str = "somebody") -> Task:
    now = datetime.now(UTC)
    asked = {"kind": TaskKind.QUERY_JOBS, "status": TaskStatus.RUNNING, "version": 2, "request_id": "r"}
    times = {"created_at": now, "updated_at": now}
    return Task(id=f"task_{subject}_{number}", subject=subject, username=subject, system="local", **asked, **times)  # type: ignore[arg-type]


async def test_a_recorded_list_has_the_order_and_the_cursors_of_the_live_one(redis: Redis) -> None:
    kept, store = (
        [job(str(n), minutes=n % 3) for n in (9, 10, 11, 100)] + [job("7", submitted_at=None)],
        Listings(redis),
    )
    recorded = await store.keep(task(1, "order"), kept)
    live = page(kept, JobOrder.SUBMITTED_DESC, 2, None)
    first = await store.page(recorded, 2, None)
    assert [one.job_id for one in first.nodes] == [one.job_id for one in live.nodes]
    assert first.end_cursor == live.end_cursor
    rest = await store.page(recorded, 9, live.end_cursor)
    assert [one.job_id for one in rest.nodes] == [
        one.job_id for one in page(kept, JobOrder.SUBMITTED_DESC, 9, live.end_cursor).nodes
    ]


async def test_of_too_many_jobs_the_latest_are_kept_and_the_list_says_so(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "MAX_JOBS", 3)
    recorded = await Listings(redis).keep(task(1, "many"), [job(str(n), minutes=n) for n in range(1, 6)])
    assert (recorded.count, recorded.found, "latest 3 of 5" in (recorded.message or "")) == (3, 5, True)
    kept = await Listings(redis).page(recorded, 50, None)
    assert [one.job_id for one in kept.nodes] == ["5", "4", "3"]
    monkeypatch.setattr(listings, "MAX_BYTES", 1000)
    long = await Listings(redis).keep(task(2, "many"), [job(str(n), name="x" * 600) for n in range(1, 4)])
    assert (long.count, long.found) == (1, 3)


async def test_of_each_user_the_last_five_lists_are_kept(redis: Redis) -> None:
    store = Listings(redis)
    recorded = [await store.keep(task(n, "reader"), [job(str(n))]) for n in range(1, 7)]
    with pytest.raises(NotFound, match="no longer kept"):
        await store.page(recorded[0], 1, None)
    assert [(await store.page(one, 1, None)).nodes[0].job_id for one in recorded[1:]] == list("23456")


async def test_an_empty_list_is_there(redis: Redis) -> None:
    assert (await Listings(redis).page(RecordedJobs("task_empty", 0, 0), 5, None)).nodes == ()


async def test_a_user_has_one_turn_and_a_task_that_is_taken_up_again_keeps_it(redis: Redis) -> None:
    everybody, another = Turns(redis), Turns(redis)
    async with everybody.turn("ada", "task_1") as ours:
        assert ours
        async with another.turn("ada", "task_2") as ours, another.turn("bob", "task_3") as bobs:
            assert (ours, bobs) == (False, True)
        async with another.turn("ada", "task_1") as ours:
            assert ours, "another worker's, after the death of the first"
    async with another.turn("ada", "task_2") as ours:
        assert ours


async def test_a_turn_is_held_as_long_as_its_worker_lives_and_then_let_go(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "HELD_SECONDS", 1)
    left = [2000]

    async def renewed() -> bool:
        left.append(await redis.pttl(keys.turn("eve")))
        return left[-1] > left[-2]

    async with Turns(redis).turn("eve", "task_1"):
        await until(renewed)
    assert await redis.exists(keys.turn("eve")) == 0
