"""One look at a queue of which much has gone: what accounting is asked, and what of it is told meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from firecrest_gql.jobs import looking
from firecrest_gql.jobs.board import Board
from firecrest_gql.jobs.looking import SLICE, SLICE_BYTES, Looking
from firecrest_gql.jobs.mirror import Mirror
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.model.jobs import Job, JobState
from tests.jobs_recorded import NOON, Recorded, job
from tests.jobs_system import SYSTEM, ThisMachine, caller
from tests.waiting import until

pytestmark = pytest.mark.redis


def looks_at(machine: ThisMachine, redis: Redis, scheduler: Recorded) -> Looking:
    return Looking(Jobs(machine, {"direct": scheduler}, RecentJobs(redis)), SYSTEM, True)


def running(job_ids: Sequence[str]) -> Mapping[str, Job]:
    return {job_id: job(job_id) for job_id in job_ids}


async def taken(board: Board) -> bool:
    return await board.take("a") == 0


def asked(scheduler: Recorded) -> list[tuple[str, ...]]:
    """The ids of each question to accounting."""
    return [wanted.job_ids or () for whom, wanted in scheduler.asked if whom == "accounting"]


async def test_thousands_of_jobs_that_have_gone_at_once_are_asked_for_in_slices(
    machine: ThisMachine, redis: Redis
) -> None:
    before = running([str(n) for n in range(1, 2 * SLICE + 2)])
    scheduler = Recorded(records=[replace(one, state=JobState.COMPLETED) for one in before.values()])
    found = await looks_at(machine, redis, scheduler).look(caller(), before)
    assert [len(ids) for ids in asked(scheduler)] == [SLICE, SLICE, 1]
    assert {one.job_id: one.state for one in found.changed} == dict.fromkeys(before, JobState.COMPLETED)
    assert (found.removed, found.sought) == ((), frozenset())


async def test_a_question_of_long_ids_fits_a_command_line(machine: ThisMachine, redis: Redis) -> None:
    names = [f"{n}.{'server' * 20}" for n in range(1, SLICE + 1)]
    scheduler = Recorded()
    await looks_at(machine, redis, scheduler).look(caller(), running(names))
    assert all(len(",".join(ids)) <= SLICE_BYTES for ids in asked(scheduler))
    assert [job_id for ids in asked(scheduler) for job_id in ids] == names


async def test_jobs_are_not_given_up_while_accounting_does_not_answer(
    machine: ThisMachine, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOST_SECONDS", 0)
    before, scheduler = running(["1"]), Recorded(down=True)
    looks = looks_at(machine, redis, scheduler)
    for _ in range(2):
        found = await looks.look(caller(), before)
        assert (found.changed, found.removed, found.sought) == ((), (), frozenset({"1"}))
    scheduler.down = False
    found = await looks.look(caller(), before)
    found = found if found.removed else await looks.look(caller(), before)
    assert [(one.job_id, one.state) for one in found.removed] == [("1", JobState.UNKNOWN)]


async def test_a_job_whose_end_is_looked_for_is_not_told_as_just_seen(machine: ThisMachine, redis: Redis) -> None:
    board, scheduler = Board(redis, f"sought-{id(machine)}"), Recorded(live=[job("2")])
    before = {job_id: replace(one, observed_at=NOON) for job_id, one in running(["1", "2"]).items()}
    await board.take("a")
    await board.tell("a", 0, 0, await looks_at(machine, redis, Recorded(live=[*before.values()])).look(caller(), {}))
    found = await looks_at(machine, redis, scheduler).look(caller(), before)
    await until(lambda: taken(board))
    await board.tell("a", 0, 0, found)
    mirror = Mirror(board)
    await mirror.refresh()
    seen = {one.job_id: one.observed_at > NOON for one in mirror.present()}
    assert seen == {"1": False, "2": True}
