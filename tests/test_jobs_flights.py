"""Equal questions about jobs that are under way together are one command, for one user and one proof."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

import pytest

from firecrest_gql.command import Command
from firecrest_gql.errors import SystemUnavailable
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.rule import by_ids
from firecrest_gql.model.identity import Caller, Token
from firecrest_gql.settings import SystemSettings
from tests.jobs_recorded import Recorded, Tells, job
from tests.jobs_system import SYSTEM, caller
from tests.waiting import until

T = TypeVar("T")
USER = caller()


@dataclass
class Held:
    """A road on which every command waits until it is let go; `ran` tells for whom."""

    ran: list[Caller] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    fault: SystemUnavailable | None = None
    cancelled: int = 0

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """What the test's scheduler tells, once it may."""
        self.ran.append(caller)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fault:
            raise self.fault
        return cast("T", list(cast("Tells", command).jobs))


@pytest.fixture
def road() -> Held:
    """Holds all commands."""
    return Held()


@pytest.fixture
def jobs(road: Held) -> Jobs:
    """Of a scheduler that knows one job."""
    return Jobs(road, {"direct": Recorded(live=[job("1")])}, cast("RecentJobs", None))


async def asked(jobs: Jobs, by: Caller = USER, job_id: str = "1") -> list[str]:
    return [each.job_id for each in await jobs.live(by, SYSTEM, by_ids((job_id,)))]


async def started(road: Held, count: int) -> None:
    await until(lambda: len(road.ran) == count)


async def test_a_hundred_equal_questions_at_once_are_one_command(jobs: Jobs, road: Held) -> None:
    road.go.set()
    requests = [replace(USER, request_id=f"r-{number}") for number in range(100)]
    assert await asyncio.gather(*(asked(jobs, by) for by in requests)) == [["1"]] * 100
    assert len(road.ran) == 1
    await asked(jobs)
    assert len(road.ran) == 2  # nothing is kept


@pytest.mark.parametrize(
    "other", [caller("fireuser2"), replace(USER, subject="another"), replace(USER, proof=Token("another"))]
)
async def test_nothing_is_shared_with_another_user_or_proof(jobs: Jobs, road: Held, other: Caller) -> None:
    road.go.set()
    await asyncio.gather(asked(jobs), asked(jobs, other), asked(jobs, job_id="2"))
    assert road.ran == [USER, other, USER]


async def test_who_leaves_takes_nothing_from_the_others_and_the_last_ends_the_command(jobs: Jobs, road: Held) -> None:
    first, second = asyncio.create_task(asked(jobs)), asyncio.create_task(asked(jobs))
    await started(road, 1)
    first.cancel()
    await asyncio.wait([first])
    road.go.set()
    assert await second == ["1"]
    road.go.clear()
    third = asyncio.create_task(asked(jobs))
    await started(road, 2)
    third.cancel()
    await until(lambda: road.cancelled == 1)


async def test_a_failure_is_told_to_all_who_waited_and_to_nobody_later(jobs: Jobs, road: Held) -> None:
    road.fault = SystemUnavailable("away")
    road.go.set()
    told = await asyncio.gather(asked(jobs), asked(jobs), return_exceptions=True)
    assert [type(each) for each in told] == [SystemUnavailable] * 2
    road.fault = None
    assert await asked(jobs) == ["1"]
    assert len(road.ran) == 2
