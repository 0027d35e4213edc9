"""A scheduler is given so many commands and no more, whoever sends them, from whichever replica."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from firecrest_gql.command import Command, Load, Result
from firecrest_gql.errors import Overloaded
from firecrest_gql.jobs import leases
from firecrest_gql.jobs.bounded import Bounded
from firecrest_gql.jobs.ceilings import Ceilings, parts
from firecrest_gql.model.jobs import JobFilter
from firecrest_gql.schedulers.direct.dialect import Direct
from firecrest_gql.schedulers.pbs import Pbs
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.connection import connect
from tests.jobs_system import SYSTEM, ThisMachine, caller
from tests.redis import RealValkey
from tests.waiting import until

FREE = {"Directives"}
"""Those that the login node alone answers."""


def bounded(queue_seconds: float = 30, **ceilings: float) -> SystemSettings:
    """A system of its own with these ceilings."""
    scheduler = SYSTEM.scheduler.model_copy(update=ceilings)
    limits = SYSTEM.limits.model_copy(update={"queue_seconds": queue_seconds})
    return SYSTEM.model_copy(update={"name": f"s{uuid4().hex}", "scheduler": scheduler, "limits": limits})


def test_every_command_of_every_dialect_says_what_it_loads() -> None:
    def below(kind: Any) -> set[Any]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    dialects = {kind for kind in below(Command) if kind.__module__.startswith("firecrest_gql.schedulers.")}
    assert dialects
    assert {kind.__name__ for kind in dialects if kind.loads is Command.loads} <= FREE


@pytest.mark.redis
async def test_so_many_run_at_once_on_all_replicas_and_the_others_wait(valkey: RealValkey) -> None:
    system, replicas = bounded(commands_at_once=2, commands_per_second=1000), [connect(valkey.url) for _ in range(3)]
    running, most = 0, 0

    async def one(ceilings: Ceilings) -> None:
        nonlocal running, most
        async with ceilings.place(system, Load.SCHEDULER):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.02)
            running -= 1

    gates = [Ceilings(redis) for redis in replicas]
    await asyncio.gather(*(one(gates[n % 3]) for n in range(18)))
    assert most == 2
    for redis in replicas:
        await redis.aclose()


@pytest.mark.redis
async def test_so_many_begin_in_a_second_on_all_replicas(redis: Redis) -> None:
    system, begun = bounded(commands_per_second=10), list[float]()
    gates = [Ceilings(redis) for _ in range(2)]

    async def one(ceilings: Ceilings) -> None:
        async with ceilings.place(system, Load.SCHEDULER):
            begun.append(monotonic())

    await asyncio.gather(*(one(gates[n % 2]) for n in range(25)))
    assert len(begun) == 25
    busiest = max(sum(start <= other < start + 1 for other in begun) for start in begun)
    assert busiest <= 20, "ten that come together, and ten in the second after"


@dataclass(frozen=True)
class Counts(Command[None]):
    """A command that starts so many programs of each kind, and may go on for so many seconds after that."""

    programs: Mapping[Load, int]
    seconds: int = 0

    @property
    def loads(self) -> Mapping[Load, int]:
        """As the test says."""
        return self.programs

    @property
    def lingers(self) -> bool:
        """Where it goes on."""
        return self.seconds > 0

    @property
    def argv(self) -> Sequence[str]:
        """Nothing but to go on."""
        return ["sleep", str(self.seconds)]

    def parse(self, result: Result) -> None:
        """Nothing to read."""


@pytest.mark.redis
async def test_a_command_counts_for_as_many_programs_as_it_starts(redis: Redis, machine: ThisMachine) -> None:
    system, road = bounded(0.5, commands_per_second=10), Bounded(machine, Ceilings(redis))  # type: ignore[arg-type]
    await road.run(system, caller(), Counts({Load.SCHEDULER: 10}))
    with pytest.raises(Overloaded, match="10 programs a second"):
        await road.run(system, caller(), Counts({Load.SCHEDULER: 1000}))
    patient = system.model_copy(update={"limits": system.limits.model_copy(update={"queue_seconds": 30})})
    await road.run(patient, caller(), Counts({Load.SCHEDULER: 12}))
    assert machine.count(Counts) == 2


@pytest.mark.redis
async def test_who_starts_more_programs_than_may_come_together_lets_others_go_first(redis: Redis) -> None:
    system, ceilings, went = bounded(commands_per_second=5), Ceilings(redis), list[str]()

    async def go(name: str, programs: int) -> None:
        async with ceilings.place(system, Load.SCHEDULER, programs):
            went.append(name)

    many = asyncio.create_task(go("many", 11))
    await until(lambda: _held(redis, system))
    await asyncio.gather(go("one", 1), many)
    assert went == ["one", "many"]


@pytest.mark.redis
async def test_a_command_that_asks_both_has_a_place_with_both(redis: Redis, machine: ThisMachine) -> None:
    system, ceilings = bounded(0.1, commands_at_once=1, accounting_at_once=1), Ceilings(redis)
    both, road = Counts(dict.fromkeys(Load, 1)), Bounded(machine, ceilings)  # type: ignore[arg-type]
    for load in Load:
        async with ceilings.place(system, load):
            with pytest.raises(Overloaded, match=load):
                await road.run(system, caller(), both)
    await road.run(system, caller(), both)


@pytest.mark.redis
async def test_what_lingers_counts_where_it_begins_and_leaves_its_place_to_others(
    redis: Redis, machine: ThisMachine
) -> None:
    system, road = bounded(0.5, commands_at_once=1, commands_per_second=2), Bounded(machine, Ceilings(redis))  # type: ignore[arg-type]
    lingering = Counts({Load.SCHEDULER: 2}, seconds=600)
    running = asyncio.create_task(road.run(system, caller(), lingering))
    await until(lambda: machine.running)
    with pytest.raises(Overloaded):
        await road.run(system, caller(), Counts({Load.SCHEDULER: 200}))
    patient = system.model_copy(update={"limits": system.limits.model_copy(update={"queue_seconds": 30})})
    await road.run(patient, caller(), Counts({Load.SCHEDULER: 1}))
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


def test_the_commands_of_the_dialects_say_how_many_programs_they_start() -> None:
    slurm, pbs = Slurm(), Pbs()
    scheduler, accounting = Load.SCHEDULER, Load.ACCOUNTING
    assert slurm.scripts(["1", "2_3", "2_4"]).loads == {scheduler: 2, accounting: 1}
    assert slurm.cancel(["1", "2", "3"]).loads == {scheduler: 2}
    assert slurm.projects("fireuser").loads == {scheduler: 2, accounting: 1}
    assert (slurm.attach("1", ["id"]).loads, slurm.attach("1", ["id"]).lingers) == ({scheduler: 1}, True)
    assert pbs.cancel(["1.pbs", "2.pbs", "3.pbs"]).loads == {scheduler: 3}
    assert pbs.queue(JobFilter(all_users=True), "fireuser", "here").loads == {scheduler: 1}
    assert pbs.queue(JobFilter(), "fireuser", "here").loads == {scheduler: 2}


def test_no_part_of_the_jobs_takes_more_programs_than_may_come_together() -> None:
    system, ids = bounded(commands_per_second=20), [f"{number}.pbs" for number in range(1, 51)]
    cut = parts(system, Pbs().cancel(ids).loads, ids)
    assert sorted(len(part) for part in cut) == [16, 17, 17]
    assert {job_id for part in cut for job_id in part} == {*ids}
    numbers = [str(number) for number in range(1, 51)]
    assert parts(system, Slurm().cancel(numbers).loads, numbers) == [numbers]


@pytest.mark.redis
async def test_accounting_has_a_ceiling_of_its_own(redis: Redis) -> None:
    system, ceilings = bounded(0.1, commands_at_once=1, accounting_at_once=1), Ceilings(redis)
    async with ceilings.place(system, Load.SCHEDULER), ceilings.place(system, Load.ACCOUNTING):
        with pytest.raises(Overloaded, match="1 at once"):
            async with ceilings.place(system, Load.ACCOUNTING):
                pass
    async with ceilings.place(system, Load.ACCOUNTING):
        pass


@pytest.mark.redis
async def test_the_places_of_a_killed_replica_are_free_in_time(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.6)
    system, killed = bounded(commands_at_once=1), Ceilings(redis)
    holding = asyncio.create_task(_hold(killed, system))
    await until(lambda: _held(redis, system))
    monkeypatch.setattr(leases.Leases, "give_back", _say_nothing)
    holding.cancel()
    await asyncio.wait([holding])
    assert await _held(redis, system)
    async with Ceilings(redis).place(system, Load.SCHEDULER):
        pass


async def _held(redis: Redis, system: SystemSettings) -> bool:
    """Whether somebody has a place."""
    return bool(await redis.zcard(f"firecrest:ceiling:{system.name}:scheduler:leases"))


async def _say_nothing(*_: object) -> None:
    """As somebody who is dead."""


async def _hold(ceilings: Ceilings, system: SystemSettings) -> None:
    async with ceilings.place(system, Load.SCHEDULER):
        await asyncio.sleep(3600)


@pytest.mark.redis
async def test_a_place_is_held_as_long_as_its_command_runs(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.3)
    system = bounded(1, commands_at_once=1)
    holding = asyncio.create_task(_hold(Ceilings(redis), system))
    await until(lambda: _held(redis, system))
    with pytest.raises(Overloaded):
        await _hold(Ceilings(redis), system)
    holding.cancel()
    await asyncio.wait([holding])


async def test_without_redis_each_process_keeps_the_bound_for_itself() -> None:
    system = bounded(commands_at_once=2, commands_per_second=1000)
    ceilings, running, most = Ceilings(connect("redis://127.0.0.1:1/0")), 0, 0

    async def one() -> None:
        nonlocal running, most
        async with ceilings.place(system, Load.SCHEDULER):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1

    await asyncio.gather(*(one() for _ in range(10)))
    assert most == 2


@pytest.mark.redis
async def test_a_command_of_a_dialect_waits_at_the_gate_and_one_of_files_does_not(
    redis: Redis, machine: ThisMachine
) -> None:
    system, ceilings = bounded(0.1, commands_at_once=1), Ceilings(redis)
    road = Bounded(machine, ceilings)  # type: ignore[arg-type]
    async with ceilings.place(system, Load.SCHEDULER):
        with pytest.raises(Overloaded):
            await road.run(system, caller(), Direct().queue(JobFilter(), "fireuser", system.name))
    assert await road.run(system, caller(), Direct().queue(JobFilter(), "fireuser", system.name)) == []
