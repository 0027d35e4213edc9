"""Tasks of arrays, and parts of heterogeneous jobs, watched on a real Slurm by every id that they have."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.client import Client
from tests.waiting import until

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc, pytest.mark.slurm]

SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) {
  task { error { message } result { ... on Job { jobId } } } } }"""
ACT = """mutation($ids: [String!]!) { answer: %s(input: {system: "slurm", jobIds: $ids}, waitSeconds: 30) {
  task { status } } }"""
WATCH = """subscription($ids: [String!]) { jobUpdated(system: "slurm", jobIds: $ids) {
  previousState job { jobId state final } } }"""
OUTPUT = 'subscription($id: String!) { jobOutput(system: "slurm", jobId: $id) { text } }'
JOB = 'query($id: String!) { system(name: "slurm") { job(jobId: $id) { jobId state } } }'
LONG = "#!/bin/sh\nsleep 600\n"
PARTS = "#!/bin/sh\n#SBATCH --ntasks=1\n#SBATCH hetjob\n#SBATCH --ntasks=1\nsleep 1\n"


@dataclass
class Watched:
    """What one subscriber has been told, and its stream."""

    ended: asyncio.Task[None]
    events: list[dict[str, Any]] = field(default_factory=list)

    def states(self, job_id: str) -> list[str]:
        """The states of one job, in order."""
        return [event["job"]["state"] for event in self.events if event["job"]["jobId"] == job_id]

    async def end(self) -> None:
        """Returns once the stream has completed."""
        await until(self.ended.done, what=f"the end, told {self.events}")
        self.ended.result()

    async def reaches(self, job_id: str, *states: str) -> None:
        """Returns once the job has gone through these."""
        await until(lambda: self.states(job_id) == [*states], what=f"{job_id} {states}, told {self.events}")


@dataclass(frozen=True)
class Array:
    """An array of which one task runs and nine wait, on Slurm."""

    user: Client
    id: str

    @asynccontextmanager
    async def watched(self, *tasks: str) -> AsyncIterator[Watched]:
        """Somebody watches these."""
        async with watching(self.user, *(f"{self.id}{task}" for task in tasks)) as watched:
            yield watched

    async def act(self, act: str, *tasks: str) -> None:
        """Do it to these."""
        await self.user.ask(ACT % act, ids=[f"{self.id}{task}" for task in tasks])


@asynccontextmanager
async def watching(user: Client, *job_ids: str) -> AsyncIterator[Watched]:
    """Somebody watches these until the end of the context."""

    async def follow() -> None:
        async for event in user.events(WATCH, ids=[*job_ids]):
            watched.events.append(event)

    watched = Watched(asyncio.create_task(follow()))
    try:
        await until(lambda: watched.events or watched.ended.done())
        yield watched
    finally:
        watched.ended.cancel()
        await asyncio.wait([watched.ended])


async def submitted(user: Client, script: str = LONG, **more: Any) -> str:
    """The id of a job on Slurm."""
    task = (await user.ask(SUBMIT, input={"system": "slurm", "script": script, **more}))["submitJob"]["task"]
    return str(task["result"]["jobId"].partition("_")[0].partition("+")[0])


@pytest.fixture
async def array(user: Client) -> AsyncIterator[Array]:
    array = Array(user, await submitted(user, array="0-9%1"))

    async def first_runs() -> bool:
        said = await user.post(JOB, id=f"{array.id}_0")
        return '"RUNNING"' in said.text

    await until(first_runs)
    yield array
    await array.act("cancelJobs", "")


async def test_a_waiting_task_that_is_cancelled_alone_is_told_to_its_end(array: Array) -> None:
    async with array.watched("_7") as watched:
        await array.act("cancelJobs", "_7")
        await watched.end()
    assert watched.states(f"{array.id}_7") == ["PENDING", "CANCELLED"]


async def test_a_waiting_task_is_told_what_is_told_of_the_rest_of_its_array(array: Array) -> None:
    async with array.watched("_7", "_8") as watched:
        await array.act("holdJobs", "")
        await watched.reaches(f"{array.id}_7", "PENDING", "HELD")
        await array.act("releaseJobs", "")
        await watched.reaches(f"{array.id}_7", "PENDING", "HELD", "PENDING")
        await array.act("cancelJobs", "")
        await watched.end()
    for task in ("_7", "_8"):
        assert watched.states(f"{array.id}{task}") == ["PENDING", "HELD", "PENDING", "CANCELLED"]


async def test_a_task_that_is_requeued_waits_with_the_others_again_and_is_not_lost(array: Array) -> None:
    async with array.watched("_0") as watched:
        await array.act("requeueJobs", "_0")
        await until(lambda: watched.states(f"{array.id}_0")[-1] == "PENDING")
        await array.act("cancelJobs", "")
        await watched.end()
    assert watched.states(f"{array.id}_0")[0] == "RUNNING"
    assert watched.states(f"{array.id}_0")[-1] == "CANCELLED"


async def test_the_id_of_the_rest_in_a_listing_is_watched_to_the_end_of_its_last_task(array: Array) -> None:
    async with array.watched("_[1-9]") as watched:
        await array.act("cancelJobs", "_0")
        await until(lambda: "RUNNING" in watched.states(f"{array.id}_1"))
        assert not watched.ended.done()
        await array.act("cancelJobs", "")
        await watched.end()
    assert {event["job"]["state"] for event in watched.events if event["job"]["final"]} == {"CANCELLED"}


async def test_a_heterogeneous_job_is_watched_by_its_first_id_and_its_parts_by_their_numbers(user: Client) -> None:
    leader = await submitted(user, PARTS)  # which waits: its parts want a node each
    async with watching(user, leader) as watched:
        await user.ask(ACT % "cancelJobs", ids=[leader])
        await watched.end()
    for part in ("+0", "+1"):
        assert watched.states(f"{leader}{part}") == ["PENDING", "CANCELLED"]
    async with watching(user, str(int(leader) + 1)) as watched:
        await watched.end()
    assert watched.states(f"{leader}+1") == ["CANCELLED"]


@pytest.mark.parametrize("tasks", ["", "_[1-9]"])
async def test_an_array_has_no_output_of_its_own(array: Array, tasks: str) -> None:
    async with array.user.socket() as socket:
        said = await refused(socket, f"{array.id}{tasks}")
    assert said["extensions"]["code"] == "INVALID_INPUT"
    assert "name one task" in said["message"]


async def refused(socket: Any, job_id: str) -> dict[str, Any]:
    """The error of a subscription to this output."""
    payload = {"query": OUTPUT, "variables": {"id": job_id}}
    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
    said = json.loads(await socket.recv())
    return dict((said["payload"] if said["type"] == "error" else said["payload"]["errors"])[0])
