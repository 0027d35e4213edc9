"""Which of queue and accounting is asked for what, and how a list goes on behind a cursor."""

from dataclasses import dataclass, replace

import pytest
from redis.asyncio import Redis

from firecrest_gql.command import Command
from firecrest_gql.errors import FirecrestError, InvalidInput, SystemUnavailable
from firecrest_gql.jobs.page import JobOrder, page
from firecrest_gql.jobs.query import Jobs, by_id
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.rule import for_accounting, for_queue
from firecrest_gql.model.jobs import Job, JobFilter, JobState
from firecrest_gql.schedulers.direct.dialect import Direct
from firecrest_gql.schedulers.filtering import matches
from tests.jobs_recorded import NOON, Recorded, Tells, job
from tests.jobs_system import SYSTEM, ThisMachine, caller


def reader(machine: ThisMachine, redis: Redis, scheduler: Direct) -> Jobs:
    return Jobs(machine, {"direct": scheduler}, RecentJobs(redis))


@pytest.mark.redis
async def test_the_queue_wins_for_a_job_that_it_knows(machine: ThisMachine, redis: Redis) -> None:
    recorded = Recorded(live=[job("1", JobState.COMPLETED)], records=[job("1"), job("2", JobState.FAILED)])
    found = await reader(machine, redis, recorded).jobs(caller(), SYSTEM, JobFilter(since=NOON))
    assert {one.job_id: one.state for one in found.nodes} == {"1": JobState.COMPLETED, "2": JobState.FAILED}


@pytest.mark.redis
async def test_an_ended_job_is_not_shown_as_running_because_accounting_lags(machine: ThisMachine, redis: Redis) -> None:
    recorded = Recorded(live=[job("1", JobState.COMPLETED)], records=[job("1")])
    running = JobFilter(states=(JobState.RUNNING, JobState.COMPLETED), since=NOON)
    found = await reader(machine, redis, recorded).jobs(caller(), SYSTEM, running)
    assert [one.state for one in found.nodes] == [JobState.COMPLETED]


@pytest.mark.redis
async def test_accounting_is_not_asked_for_jobs_that_have_not_ended(machine: ThisMachine, redis: Redis) -> None:
    recorded = Recorded(live=[job("1")])
    await reader(machine, redis, recorded).jobs(caller(), SYSTEM, JobFilter(states=(JobState.RUNNING,)))
    assert [whom for whom, _ in recorded.asked] == ["queue"]


def test_the_queue_is_asked_for_all_states_and_accounting_for_final_ones() -> None:
    asked = JobFilter(name="a", states=(JobState.RUNNING, JobState.FAILED))
    assert for_queue(asked) == JobFilter(name="a")
    assert for_accounting(asked) == JobFilter(name="a", states=(JobState.FAILED,))
    assert for_accounting(JobFilter(states=(JobState.PENDING,))) is None


@pytest.mark.redis
async def test_fifty_jobs_by_id_take_one_queue_and_one_accounting_command(machine: ThisMachine, redis: Redis) -> None:
    recorded = Recorded(
        live=[job(str(n)) for n in range(1, 31)], records=[job(str(n), JobState.FAILED) for n in range(20, 51)]
    )
    jobs = reader(machine, redis, recorded)
    found = await jobs.jobs_by_id(caller(), SYSTEM, [str(n) for n in range(1, 51)])
    assert [one.state for one in found if isinstance(one, Job)] == [JobState.RUNNING] * 30 + [JobState.FAILED] * 20
    assert machine.count(Tells) == 2
    assert recorded.asked[-1][1].job_ids == tuple(str(n) for n in range(31, 51))


@pytest.mark.redis
async def test_jobs_that_the_queue_knows_stand_when_accounting_is_down(machine: ThisMachine, redis: Redis) -> None:
    jobs = reader(machine, redis, Recorded(live=[job("1")], down=True))
    known, unknown = await jobs.jobs_by_id(caller(), SYSTEM, ["1", "2"])
    assert isinstance(known, Job)
    assert isinstance(unknown, SystemUnavailable)


@pytest.mark.redis
async def test_a_job_just_submitted_is_pending_for_its_user_alone(machine: ThisMachine, redis: Redis) -> None:
    await RecentJobs(redis).add("local", "newcomer", "31", "hé")
    jobs = reader(machine, redis, Recorded())
    found = await jobs.job(caller("newcomer"), SYSTEM, "31")
    assert (found.state, found.name, found.user) == (JobState.PENDING, "hé", "newcomer")
    assert [one.job_id for one in (await jobs.jobs(caller("newcomer"), SYSTEM, JobFilter())).nodes] == ["31"]
    [foreign] = await jobs.jobs_by_id(caller("other"), SYSTEM, ["31"])
    assert isinstance(foreign, FirecrestError)


@pytest.mark.redis
async def test_an_id_that_can_be_no_jobs_is_left_out_of_a_list(machine: ThisMachine, redis: Redis) -> None:
    recorded = Recorded(live=[job("1")], records=[job("2", JobState.FAILED)])
    jobs = reader(machine, redis, recorded)
    found = await jobs.jobs(caller(), SYSTEM, JobFilter(job_ids=("x; y", "1", "", "2", "1_["), all_users=True))
    assert {one.job_id for one in found.nodes} == {"1", "2"}
    ran = len(machine.ran)
    assert (await jobs.jobs(caller(), SYSTEM, JobFilter(job_ids=("x; y",)))).total_count == 0
    assert len(machine.ran) == ran


@dataclass
class Unchecked(Recorded):
    """The same, whose ids may be those of any scheduler."""

    def queue(self, job_filter: JobFilter, username: str, system: str) -> Command[list[Job]]:
        self.asked.append(("queue", job_filter))
        return Tells(self._chosen(self.live, job_filter))


def task(of: str, state: JobState = JobState.RUNNING, array: str = "7") -> Job:
    """Some of the tasks of an array."""
    return job(f"{array}_{of}", state, array_job_id=array, array_task_id=of.strip("[]"))


@pytest.mark.redis
async def test_an_array_is_found_by_its_own_id(machine: ThisMachine, redis: Redis) -> None:
    jobs = reader(machine, redis, Unchecked(live=[task("1"), task("2")]))
    assert (await jobs.job(caller(), SYSTEM, "7")).job_id == "7_1"


@pytest.mark.redis
async def test_of_an_array_accounting_tells_the_tasks_that_the_queue_has_forgotten(
    machine: ThisMachine, redis: Redis
) -> None:
    ended = task("3", JobState.COMPLETED)
    recorded = Unchecked(
        live=[task("[50-99]", JobState.PENDING), task("49")],
        records=[ended, task("49"), task("[40-99]", JobState.PENDING)],
    )
    jobs = reader(machine, redis, recorded)
    found = await jobs.jobs(caller(), SYSTEM, JobFilter(job_ids=("7",), all_users=True))
    assert {one.job_id for one in found.nodes} == {"7_3", "7_49", "7_[50-99]"}, "and no older rest"
    assert [whom for whom, _ in recorded.asked].count("accounting") == 1
    assert (await jobs.job(caller(), SYSTEM, "7")).job_id == "7_3"
    recorded.asked.clear()
    await jobs.jobs_by_id(caller(), SYSTEM, ["7_49", "7_[50-99]"])
    assert "accounting" not in [whom for whom, _ in recorded.asked], "each is the one job that the queue tells of"


@pytest.mark.redis
async def test_an_array_that_the_queue_knows_stands_when_accounting_is_down(machine: ThisMachine, redis: Redis) -> None:
    jobs = reader(machine, redis, Unchecked(live=[task("1")], down=True))
    assert (await jobs.job(caller(), SYSTEM, "7")).job_id == "7_1"


def test_an_id_stands_for_the_first_of_its_tasks_whatever_has_become_of_the_rest_of_the_array() -> None:
    rest = job("7_[1-9]", JobState.PENDING, array_job_id="7", raw_id="7", array_task_id="1-9")
    jobs = [job("7_0", array_job_id="7"), rest, job("8")]
    asked = ("7_[0-9]", "7_[5-9]", "7_4", "7_0", "7", "7_[0-3,20]", "7_10", "7_[10-19]", "8_[1-9]")
    found = by_id(asked, jobs)
    assert {asked: one.job_id for asked, one in found.items()} == {
        "7_[0-9]": "7_0",
        "7_[5-9]": "7_[1-9]",
        "7_4": "7_4",
        "7_0": "7_0",
        "7": "7_0",
        "7_[0-3,20]": "7_0",
    }
    assert (found["7_4"].state, found["7_4"].array_task_id) == (JobState.PENDING, "4")
    assert [one.job_id for one in jobs if matches(one, JobFilter(job_ids=("7_[1-3]", "7_0")))] == ["7_0", "7_[1-9]"]


def test_pages_continue_behind_a_job_in_both_orders() -> None:
    jobs = [job("9", minutes=1), job("10", minutes=1), job("8", minutes=0), job("11", submitted_at=None)]
    for order, expected in [
        (JobOrder.SUBMITTED, ["11", "8", "9", "10"]),
        (JobOrder.SUBMITTED_DESC, ["10", "9", "8", "11"]),
    ]:
        seen, after = [], None
        for _ in jobs:
            one = page(jobs, order, 1, after)
            seen += [found.job_id for found in one.nodes]
            assert (one.total_count, one.has_next_page) == (4, len(seen) < 4)
            after = one.end_cursor
        assert seen == expected


def test_a_page_goes_on_although_its_last_job_has_vanished_and_others_have_come() -> None:
    jobs = [job(str(n), minutes=n) for n in range(1, 6)]
    first = page(jobs, JobOrder.SUBMITTED_DESC, 2, None)
    later = [*(one for one in jobs if one.job_id != "4"), job("6", minutes=6)]
    assert [one.job_id for one in page(later, JobOrder.SUBMITTED_DESC, 9, first.end_cursor).nodes] == ["3", "2", "1"]


@pytest.mark.parametrize("after", ["x", "W10", "é", "bnVsbA", "WyJhIiwgMV0"])
def test_a_foreign_cursor_is_refused(after: str) -> None:
    with pytest.raises(InvalidInput):
        page([job("1")], JobOrder.SUBMITTED, 1, after)


def test_the_cursor_of_a_job_does_not_change_with_its_state() -> None:
    queued = page([job("1")], JobOrder.SUBMITTED, 1, None).end_cursor
    assert queued == page([replace(job("1"), state=JobState.FAILED)], JobOrder.SUBMITTED, 1, None).end_cursor
