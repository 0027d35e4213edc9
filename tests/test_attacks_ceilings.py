"""A greedy user beside others at a scheduler: what bounds all of them together must not be one user's to exhaust."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from firecrest_gql.command import AccountingCommand, Command, Load, Result, SchedulerCommand
from firecrest_gql.jobs.bounded import Bounded
from firecrest_gql.jobs.ceilings import Ceilings
from tests.jobs_system import ThisMachine, caller
from tests.test_jobs_ceilings import bounded
from tests.waiting import until

pytestmark = pytest.mark.redis


@dataclass(frozen=True)
class Slow(SchedulerCommand[None]):
    """What the controller does not answer before a file is there."""

    sign: Path

    @property
    def argv(self) -> list[str]:
        """A shell that looks for it."""
        return ["sh", "-c", 'until [ -e "$1" ]; do sleep 0.05; done', "slow", str(self.sign)]

    def parse(self, result: Result) -> None:
        """Nothing to read."""


@dataclass(frozen=True)
class SlowAccounting(Slow, AccountingCommand[None]):
    """The same of accounting."""

    @property
    def loads(self) -> Mapping[Load, int]:
        """Accounting."""
        return {Load.ACCOUNTING: 1}


@pytest.mark.parametrize("kind", [Slow, SlowAccounting])
async def test_one_user_does_not_keep_all_others_from_a_scheduler(
    redis: Redis, machine: ThisMachine, tmp_path: Path, kind: type[Slow]
) -> None:
    system, sign, there = bounded(5, commands_at_once=4, accounting_at_once=4), tmp_path / "sign", tmp_path / "there"
    there.touch()
    road = Bounded(machine, Ceilings(redis))  # type: ignore[arg-type]
    slow: Command[None] = kind(sign)
    greedy = [asyncio.create_task(road.run(system, caller(), slow)) for _ in range(20)]
    await until(lambda: machine.running > 0)
    await road.run(system, caller("fireuser2"), kind(there))
    assert not any(each.done() for each in greedy)
    sign.touch()
    await asyncio.gather(*greedy)
