"""Who watches jobs is told of each change once and in order, and the scheduler is asked once for all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import uuid4

import pytest
from broadcaster import Broadcast
from redis.asyncio import Redis

from firecrest_gql.errors import NotFound, SystemUnavailable, Unsupported
from firecrest_gql.jobs import looking
from firecrest_gql.jobs.changes import Changes, changes, vanished
from firecrest_gql.jobs.codec import dump_job, load_job
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.watch import JobWatch
from firecrest_gql.model.identity import Principal, ServiceProof
from firecrest_gql.model.jobs import JobEvent, JobSpec, JobState
from firecrest_gql.schedulers.direct.dialect import Direct
from firecrest_gql.schedulers.direct.listing import Queue
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.bell import RedisBell
from firecrest_gql.tasks.connection import connect
from tests.jobs_recorded import Recorded, job
from tests.jobs_system import SYSTEM, ThisMachine, caller, watching
from tests.redis import RealValkey, running_valkey
from tests.waiting import until


@pytest.fixture
def watched() -> SystemSettings:
    """A system with a service account, which no other test has looked at."""
    return SYSTEM.model_copy(update={"name": f"s{uuid4().hex}", "service_account": "watcher"})


def test_a_look_tells_what_differs_and_not_what_every_look_tells_anew() -> None:
    running, waiting = job("1"), job("2", JobState.PENDING)
    before = {"1": running, "2": waiting}
    later = replace(running, observed_at=datetime.now(UTC), elapsed_seconds=9)
    started = replace(waiting, state=JobState.RUNNING)
    assert changes(before, [later, waiting]) == Changes()
    found = changes(before, [later, started, job("3")])
    assert [one.job_id for one in found.changed] == ["2", "3"]
    assert found.states(before)
    assert not changes(before, [later, replace(waiting, reason="Priority")]).states(before)


def test_a_job_that_leaves_the_queue_unseen_is_looked_for_and_an_ended_one_forgotten() -> None:
    before = {"1": job("1"), "2": job("2", JobState.FAILED), "3_[4-6]": job("3_[4-6]", JobState.PENDING)}
    assert vanished(before, []) == ["1"]
    assert [one.job_id for one in changes(before, [before["1"]]).removed] == ["2", "3_[4-6]"]
    [lost] = [one for one in changes(before, [], ["1"]).removed if one.job_id == "1"]
    assert lost.state is JobState.UNKNOWN
    assert [one.job_id for one in changes(before, [], sought=["1"]).removed] == ["2", "3_[4-6]"]


def test_a_task_that_waits_with_the_others_of_its_array_again_has_not_vanished() -> None:
    held = job("3_7", JobState.HELD, array_job_id="3")
    rest = job("3_[4-9]", JobState.PENDING, array_job_id="3")
    assert vanished({"3_7": held}, [rest]) == []
    assert [one.job_id for one in changes({"3_7": held}, [rest]).removed] == ["3_7"]
    assert vanished({"3_3": replace(held, job_id="3_3")}, [rest]) == ["3_3"]


def test_the_end_of_an_arrays_task_of_pbs_is_looked_for_as_any_jobs() -> None:
    assert vanished({"12[3].server": job("12[3].server", array_job_id="12[].server")}, []) == ["12[3].server"]


def test_replicas_tell_each_other_jobs_as_they_are() -> None:
    one = job("1_2", JobState.HELD, name="a|b\n\udcff日本", priority=2**40, ended_at=None, signal=0)
    assert load_job(dump_job(one)) == one


class Waiting:
    """Jobs that wait for a file in their user's home."""

    def __init__(self, machine: ThisMachine, viewer: Principal) -> None:
        self._machine = machine
        self._user = viewer
        self.go = machine.home(viewer.username) / "go"

    async def start(self, key: str = "key") -> str:
        """The id of a job that runs until `go` is there."""
        spec = JobSpec(script=f"#!/bin/sh\nuntil test -e '{self.go}'; do sleep 0.05; done\n")
        return await self._machine.run(SYSTEM, caller(self._user.username), Direct().submit(spec, key))


@pytest.fixture
def waiting(machine: ThisMachine, viewer: Principal) -> Waiting:
    return Waiting(machine, viewer)


def watch_of(machine: ThisMachine, redis: Redis, broadcast: Broadcast, scheduler: Direct | None = None) -> JobWatch:
    return watching(Jobs(machine, {"direct": scheduler or Direct()}, RecentJobs(redis)), redis, broadcast)


async def told(events: AsyncIterator[JobEvent], into: list[JobEvent]) -> list[tuple[JobState | None, JobState]]:
    """The transitions, once the stream has ended."""
    async for event in events:
        into.append(event)  # noqa: PERF401 - the test looks on meanwhile
    return [(event.previous_state, event.job.state) for event in into]


@pytest.mark.redis
async def test_a_named_job_is_told_from_its_present_state_to_its_end(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal, waiting: Waiting
) -> None:
    job_id, seen = await waiting.start(), list[JobEvent]()
    watch = watch_of(machine, redis, broadcast)
    following = asyncio.create_task(told(watch.updates(viewer, SYSTEM, [job_id]), seen))
    await until(lambda: bool(seen))
    waiting.go.touch()
    assert await following == [(None, JobState.RUNNING), (JobState.RUNNING, JobState.COMPLETED)]
    assert await told(watch.updates(viewer, SYSTEM, [job_id]), []) == [(None, JobState.COMPLETED)]
    ran = len(machine.ran)
    await asyncio.sleep(1.5)
    assert len(machine.ran) == ran, "nobody watches any more"


@pytest.mark.redis
async def test_without_names_the_unfinished_jobs_and_those_changed_since_are_told_and_new_ones(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal, waiting: Waiting
) -> None:
    watch = watch_of(machine, redis, broadcast)
    waiting.go.touch()
    ended = await waiting.start("first")
    await told(watch.updates(viewer, SYSTEM, [ended]), [])
    waiting.go.unlink()
    running, seen = await waiting.start("second"), list[JobEvent]()
    events = watch.updates(viewer, SYSTEM)
    following = asyncio.create_task(told(events, seen))
    await until(lambda: [event.job.job_id for event in seen] == [running])
    new = await waiting.start("third")
    await until(lambda: [event.job.job_id for event in seen] == [running, new])
    following.cancel()
    since = watch.updates(viewer, SYSTEM, None, datetime.now(UTC) - timedelta(minutes=5))
    assert {(await anext(since)).job.job_id for _ in range(3)} == {ended, running, new}


@pytest.mark.redis
async def test_many_subscribers_on_two_replicas_are_one_look_in_each_interval(
    machine: ThisMachine, valkey: RealValkey, redis: Redis, viewer: Principal, waiting: Waiting
) -> None:
    job_ids = [await waiting.start(f"key{n}") for n in range(5)]
    before, start = machine.count(Queue), monotonic()
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(replica(machine, valkey)) for _ in range(2)]
        seen = [list[JobEvent]() for _ in range(20)]
        following = [
            asyncio.create_task(told(replicas[n % 2].updates(viewer, SYSTEM, job_ids), events))
            for n, events in enumerate(seen)
        ]
        await until(lambda: all(len(events) == 5 for events in seen))
        waiting.go.touch()
        await asyncio.gather(*following)
    for events in seen:
        assert sorted(event.job.job_id for event in events[:5]) == sorted(job_ids)
        assert sorted(event.job.job_id for event in events[5:]) == sorted(job_ids)
        assert {(event.previous_state, event.job.state) for event in events[5:]} == {
            (JobState.RUNNING, JobState.COMPLETED)
        }
    # At most one a second, whoever asks; the first one at the beginning of the first second.
    assert machine.count(Queue) - before <= monotonic() - start + 1


@asynccontextmanager
async def replica(machine: ThisMachine, valkey: RealValkey) -> AsyncIterator[JobWatch]:
    """A server of its own: another connection, another bell."""
    redis = connect(valkey.url)
    async with Broadcast(backend=RedisBell(valkey.url)) as broadcast:
        yield watch_of(machine, redis, broadcast)
    await redis.aclose()


@pytest.mark.redis
async def test_the_final_state_comes_out_of_accounting_when_the_queue_has_forgotten_the_job(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    mine = job("1", user=viewer.username)
    scheduler, seen = Recorded(live=[mine]), list[JobEvent]()
    watch = watch_of(machine, redis, broadcast, scheduler)
    following = asyncio.create_task(told(watch.updates(viewer, SYSTEM, ["1"]), seen))
    await until(lambda: bool(seen))
    scheduler.live, looks = [], len(scheduler.asked)
    await until(lambda: len(scheduler.asked) > looks + 2)
    scheduler.records = [replace(mine, state=JobState.TIMEOUT)]
    assert await following == [(None, JobState.RUNNING), (JobState.RUNNING, JobState.TIMEOUT)]


@pytest.mark.redis
async def test_a_job_of_which_nobody_knows_the_end_is_unknown_in_the_end(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOST_SECONDS", 0)
    scheduler, seen = Recorded(live=[job("1", user=viewer.username)]), list[JobEvent]()
    watch = watch_of(machine, redis, broadcast, scheduler)
    following = asyncio.create_task(told(watch.updates(viewer, SYSTEM, ["1"]), seen))
    await until(lambda: bool(seen))
    scheduler.live = []
    assert await following == [(None, JobState.RUNNING), (JobState.RUNNING, JobState.UNKNOWN)]


@pytest.mark.redis
async def test_what_a_service_account_sees_of_others_is_not_shown(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal, watched: SystemSettings
) -> None:
    mine, theirs = job("1", user=viewer.username), job("2", user="somebody")
    scheduler, seen = Recorded(live=[mine, theirs]), list[JobEvent]()
    watch = watch_of(machine, redis, broadcast, scheduler)
    following = asyncio.create_task(told(watch.updates(viewer, watched), seen))
    await until(lambda: bool(seen))
    scheduler.live = [replace(theirs, state=JobState.FAILED), replace(mine, state=JobState.FAILED)]
    await until(lambda: len(seen) == 2)
    following.cancel()
    assert [event.job.job_id for event in seen] == ["1", "1"]
    assert {(asked.username, asked.proof) for asked in machine.asked_by} == {("watcher", ServiceProof())}


@pytest.mark.redis
async def test_another_users_job_is_watched_through_the_service_account_where_the_viewer_may_query_it(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal, watched: SystemSettings
) -> None:
    theirs = job("2", user="somebody")
    scheduler, seen = Recorded(live=[theirs]), list[JobEvent]()
    watch = watch_of(machine, redis, broadcast, scheduler)
    with pytest.raises(Unsupported):
        await anext(watch.updates(viewer, SYSTEM, ["2"]))
    following = asyncio.create_task(told(watch.updates(viewer, watched, ["2"]), seen))
    await until(lambda: bool(seen))
    scheduler.live = [replace(theirs, state=JobState.COMPLETED)]
    assert await following == [(None, JobState.RUNNING), (JobState.RUNNING, JobState.COMPLETED)]


@pytest.mark.redis
async def test_a_job_just_submitted_is_not_missing(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    scheduler = Recorded()
    await RecentJobs(redis).add("local", viewer.username, "9", "new")
    seen: list[JobEvent] = []
    following = asyncio.create_task(
        told(watch_of(machine, redis, broadcast, scheduler).updates(viewer, SYSTEM, ["9"]), seen)
    )
    await until(lambda: bool(seen))
    scheduler.live = [job("9", JobState.COMPLETED, user=viewer.username)]
    assert await following == [(None, JobState.PENDING), (JobState.PENDING, JobState.COMPLETED)]


@pytest.mark.redis
async def test_a_job_that_is_not_there_is_said_at_the_beginning(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    with pytest.raises(NotFound):
        await anext(watch_of(machine, redis, broadcast).updates(viewer, SYSTEM, ["77"]))


@pytest.mark.redis
async def test_a_dead_system_is_said_at_the_beginning_and_waited_for_later(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal, waiting: Waiting
) -> None:
    job_id, seen = await waiting.start(), list[JobEvent]()
    watch = watch_of(machine, redis, broadcast)
    machine.down = True
    with pytest.raises(SystemUnavailable):
        await anext(watch.updates(viewer, SYSTEM, [job_id]))
    machine.down = False
    following = asyncio.create_task(told(watch.updates(viewer, SYSTEM, [job_id]), seen))
    await until(lambda: bool(seen))
    machine.down = True
    refused = machine.refused
    await until(lambda: machine.refused > refused)
    waiting.go.touch()
    machine.down = False
    assert await following == [(None, JobState.RUNNING), (JobState.RUNNING, JobState.COMPLETED)]


@pytest.mark.redis
async def test_a_killed_valkey_is_waited_for_and_nothing_is_told_twice(
    machine: ThisMachine, tmp_path_factory: pytest.TempPathFactory, viewer: Principal, waiting: Waiting
) -> None:
    job_id, seen = await waiting.start(), list[JobEvent]()
    async with running_valkey(tmp_path_factory.mktemp("own")) as valkey, replica(machine, valkey) as watch:
        following = asyncio.create_task(told(watch.updates(viewer, SYSTEM, [job_id]), seen))
        await until(lambda: bool(seen))
        await valkey.kill()
        waiting.go.touch()
        await valkey.start()
        assert await following == [(None, JobState.RUNNING), (JobState.RUNNING, JobState.COMPLETED)]
