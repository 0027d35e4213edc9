"""Jobs of a real Slurm, queried and watched: privacy, arrays, one look for all, and the end out of accounting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from broadcaster import Broadcast
from redis.asyncio import Redis

from firecrest_gql.command import Command, Remote
from firecrest_gql.errors import FirecrestError, NotFound
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.watch import JobWatch
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import Job, JobAct, JobEvent, JobSpec, JobState
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.schedulers.slurm.queue import Queue
from firecrest_gql.settings import SystemSettings
from tests.jobs_system import SYSTEM, caller, principal, watching
from tests.slurm import RealSlurm
from tests.waiting import until

pytestmark = [pytest.mark.slurm, pytest.mark.redis]

T = TypeVar("T")
SLURM = Slurm()
SHORT = "#!/bin/sh\nsleep 2\n"


@dataclass
class Cluster:
    """Runs commands as its users; `ran` tells which, and as whom."""

    slurm: RealSlurm
    ran: list[tuple[str, Remote]] = field(default_factory=list)

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        self.ran.append((caller.username, command))
        return await self.slurm.run(command, caller.username)

    async def submit(self, username: str, **spec: Any) -> str:
        """A new job's id."""
        return await self.slurm.run(SLURM.submit(JobSpec(**{"script": SHORT} | spec), f"key_{uuid4().hex}"), username)


@pytest.fixture
def cluster(slurm: RealSlurm) -> Cluster:
    return Cluster(slurm)


@pytest.fixture
def jobs(cluster: Cluster, redis: Redis) -> Jobs:
    return Jobs(cluster, {"slurm": SLURM}, RecentJobs(redis))


@pytest.fixture
def system() -> SystemSettings:
    """The cluster with its service account, under a name that no other test has watched."""
    scheduler = SYSTEM.scheduler.model_copy(update={"kind": "slurm"})
    changes = {"name": f"s{uuid4().hex}", "scheduler": scheduler, "service_account": "firesvc"}
    return SYSTEM.model_copy(update=changes)


@pytest.fixture
def watch(jobs: Jobs, redis: Redis, broadcast: Broadcast) -> JobWatch:
    return watching(jobs, redis, broadcast)


async def told(events: AsyncIterator[JobEvent], into: list[JobEvent]) -> list[JobState]:
    """The states, once the stream has ended."""
    async for event in events:
        into.append(event)  # noqa: PERF401 - the test looks on meanwhile
    return [event.job.state for event in into]


async def test_many_watch_one_job_and_the_controller_is_asked_once_for_all(
    cluster: Cluster, system: SystemSettings, watch: JobWatch
) -> None:
    job_id, start = await cluster.submit("fireuser"), monotonic()
    viewer = principal("fireuser")
    streams = [told(watch.updates(viewer, system, [job_id]), []) for _ in range(50)]
    states = await asyncio.gather(*streams)
    assert {tuple(one) for one in states} == {tuple(states[0])}
    assert states[0][-1] is JobState.COMPLETED
    looks = [username for username, command in cluster.ran if isinstance(command, Queue)]
    assert looks.count("firesvc") <= monotonic() - start + 1


async def test_nobody_is_told_of_jobs_that_slurm_hides_from_them(
    cluster: Cluster, system: SystemSettings, watch: JobWatch
) -> None:
    theirs, own = await cluster.submit("fireuser2"), await cluster.submit("fireuser")
    seen: list[JobEvent] = []
    following = asyncio.create_task(told(watch.updates(principal("fireuser"), system), seen))
    await told(watch.updates(principal("fireuser2"), system, [theirs]), [])
    await until(lambda: any(event.job.final for event in seen))
    following.cancel()
    assert {event.job.job_id for event in seen} >= {own}
    assert {event.job.user for event in seen} == {"fireuser"}
    with pytest.raises(NotFound):
        await anext(watch.updates(principal("fireuser"), system, [theirs]))


async def test_an_array_is_watched_by_its_own_id_until_its_last_task_has_ended(
    cluster: Cluster, system: SystemSettings, watch: JobWatch
) -> None:
    seen: list[JobEvent] = []
    array = await cluster.submit("fireuser", array="1-3%1")
    await told(watch.updates(principal("fireuser"), system, [array]), seen)
    ends = {event.job.job_id: event.job.state for event in seen if "[" not in event.job.job_id}
    assert ends == {f"{array}_{n}": JobState.COMPLETED for n in (1, 2, 3)}
    again = principal("fireuser"), system.model_copy(update={"name": f"s{uuid4().hex}"}), [array]
    assert await told(watch.updates(*again), []) == [JobState.COMPLETED] * 3


async def test_ids_of_an_array_find_its_tasks_while_they_wait_together_and_when_some_have_begun(
    cluster: Cluster, system: SystemSettings, jobs: Jobs
) -> None:
    array = await cluster.submit("fireuser", array="0-9", options=("--hold",))
    asked = [f"{array}_{tasks}" for tasks in ("[0-9]", "[5-9]", "7", "8", "10")]

    async def found() -> list[str]:
        answers = await jobs.jobs_by_id(caller("fireuser"), system, asked)
        return [one.job_id.partition("_")[2] if isinstance(one, Job) else type(one).__name__ for one in answers]

    assert await found() == ["[0-9]", "[0-9]", "7", "8", "NotFound"]
    await cluster.slurm.run(SLURM.act(JobAct.RELEASE, [f"{array}_0"]), "fireuser")
    await until(lambda: answered(found, ["0", "[1-9]", "7", "8", "NotFound"]))
    await cluster.slurm.run(SLURM.cancel([array]), "fireuser")


async def answered(ask: Callable[[], Awaitable[list[str]]], expected: list[str]) -> bool:
    return await ask() == expected


async def test_jobs_by_id_are_each_a_job_or_an_error(cluster: Cluster, system: SystemSettings, jobs: Jobs) -> None:
    one = await cluster.submit("fireuser", name="it's R&D (1)#2|日本")
    theirs = await cluster.submit("fireuser2")
    found = await jobs.jobs_by_id(caller("fireuser"), system, [one, theirs, "987654321", "x; y"])
    assert isinstance(found[0], Job)
    assert (found[0].job_id, found[0].name) == (one, "it's R&D (1)#2|日本")
    assert [type(error).__name__ for error in found[1:] if isinstance(error, FirecrestError)] == [
        "NotFound",
        "NotFound",
        "InvalidInput",
    ]
    assert len(cluster.ran) == 2
