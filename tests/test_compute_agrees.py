"""What GraphQL says of many jobs agrees with Slurm's own programs; and what users see while Slurm is silent."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest

from firecrest_gql.demo.run import Demo
from firecrest_gql.demo.slurm_daemons import run
from tests.client import Client
from tests.sizes import size
from tests.waiting import until

pytestmark = [pytest.mark.slurm, pytest.mark.redis]

NAMES = ("a|b", "it's R&D (1)#2", "日本", "two  words", "%j -x $(id)")
LONG = '#!/bin/sh\ntest -n "$SLURM_RESTART_COUNT" || exec sleep 600\n'
AT_ONCE = 6  # of the cluster's 16 processors
SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 30) { task { status error { message } result { ... on Job { jobId } } } }
}"""
ACT = """mutation($ids: [String!]!) {
  answer: %s(input: {system: "slurm", jobIds: $ids}, waitSeconds: 30) {
    task { status result { ... on JobResults { results { jobId error { message } } } } } }
}"""
JOBS = """query($ids: [String!]!) { system(name: "slurm") { jobs(filter: {jobIds: $ids}, first: 400) { nodes {
  jobId name user state rawState final reason partition priority exitCode signal nodeCount cpuCount workingDirectory
  submittedAt startedAt endedAt arrayJobId arrayTaskId dependency timeLimitSeconds
} } } }"""
TASK = "query($id: ID!) { task(id: $id) { status error { message } result { ... on Job { jobId } } } }"
Said = dict[str, Any]


class Cluster:
    """The jobs of this test, through GraphQL as their user; and Slurm's own word, as root."""

    def __init__(self, user: Client, demo: Demo) -> None:
        assert demo.slurm is not None
        self.user = user
        self.ids: list[str] = []
        self._environment = {**demo.slurm.environment, "SLURM_TIME_FORMAT": "%s"}
        self._names = cycle(NAMES)

    async def submit(self, count: int, script: str = "#!/bin/sh\n", **more: Any) -> list[str]:
        """So many jobs, accepted."""
        found = []
        for _ in range(count):
            asked = {"system": "slurm", "script": script, "name": next(self._names), **more}
            task = (await self.user.ask(SUBMIT, input=asked))["submitJob"]["task"]
            assert task["status"] == "SUCCEEDED", task
            found.append(task["result"]["jobId"].partition("_")[0])
        self.ids += found
        return found

    async def act(self, mutation: str, ids: list[str]) -> None:
        """Do it to all of them; none may fail."""
        task = (await self.user.ask(ACT % mutation, ids=ids))["answer"]["task"]
        assert [result["error"] for result in task["result"]["results"]] == [None] * len(ids)

    async def told(self) -> dict[str, Said]:
        """What GraphQL says of each."""
        nodes = (await self.user.ask(JOBS, ids=self.ids))["system"]["jobs"]["nodes"]
        return {node["jobId"]: node for node in nodes}

    async def are(self, state: str, ids: list[str]) -> None:
        """Returns once they are in this state."""

        async def so() -> bool:
            found = await self.told()
            return all(found[job_id]["state"] == state for job_id in ids)

        await until(so, what=f"{ids} are {state}")

    async def scontrol(self) -> dict[str, dict[str, str]]:
        """What scontrol shows of all jobs that slurmctld holds, by the id that squeue would give them."""
        _, shown = await run(("scontrol", "show", "job"), self._environment)
        blocks = [_block(block) for block in shown.split("\n\n") if block.startswith("JobId=")]
        return {_id(block): block for block in blocks}

    async def sacct(self) -> dict[str, list[str]]:
        """State, exit code, submission, start and end of each job on record."""
        format_ = "--format=JobID,State,ExitCode,Submit,Start,End,User,Partition"
        argv = ("sacct", "--allusers", "--allocations", "--parsable2", "--noheader", f"--jobs={','.join(self.ids)}")
        _, told = await run((*argv, format_), self._environment)
        return {line.split("|")[0]: line.split("|")[1:] for line in told.splitlines()}


def _block(text: str) -> dict[str, str]:
    """One line has one value up to its end, where that is the user's; else several, none with a blank."""
    first, *lines = text.splitlines()
    ids, _, name = first.partition(" JobName=")
    values = {"JobName": name}
    for word in (ids + " " + " ".join(line for line in lines if "Comment=" not in line)).split():
        key, equals, value = word.partition("=")
        if equals:
            values.setdefault(key, value)
    return values


def _id(block: dict[str, str]) -> str:
    task = block.get("ArrayTaskId")
    if task is None:
        return block["JobId"]
    return f"{block['ArrayJobId']}_{task if task.isdecimal() else f'[{task}]'}"


def _seconds(time: str | None) -> str:
    return "Unknown" if time is None else str(int(datetime.fromisoformat(time).timestamp()))


def _exit(job: Said) -> str:
    return f"{job['exitCode'] or 0}:{job['signal'] or 0}"


def live(job: Said, shown: dict[str, str]) -> Iterator[tuple[str, Any, Any]]:
    """What GraphQL and scontrol say of the same."""
    held = shown["JobState"] == "PENDING" and shown["Priority"] == "0"
    yield "state", job["state"], "HELD" if held else shown["JobState"]
    yield "rawState", job["rawState"], shown["JobState"]
    yield "name", job["name"], shown["JobName"]
    yield "user", job["user"], shown["UserId"].partition("(")[0]
    yield "partition", job["partition"], shown["Partition"]
    yield "reason", job["reason"] or "None", shown["Reason"]
    yield "priority", job["priority"], int(shown["Priority"])
    yield "cpuCount", job["cpuCount"], int(shown["NumCPUs"])
    yield "workingDirectory", job["workingDirectory"], shown["WorkDir"]
    yield "submittedAt", _seconds(job["submittedAt"]), shown["SubmitTime"]
    yield "arrayJobId", job["arrayJobId"], shown.get("ArrayJobId")
    yield "dependency", job["dependency"] or "(null)", shown.get("Dependency", "(null)")
    if job["startedAt"]:
        yield "startedAt", _seconds(job["startedAt"]), shown["StartTime"]
    if job["final"]:
        yield "endedAt", _seconds(job["endedAt"]), shown["EndTime"]
        yield "exit", _exit(job), shown["ExitCode"]


def ended(job: Said, record: list[str]) -> Iterator[tuple[str, Any, Any]]:
    """What GraphQL and sacct say of the same ended job."""
    state, exit_code, submitted, _, end, user, partition = record
    yield "state", job["state"], state.split()[0]
    if job["state"] != "CANCELLED":  # whose signal slurmctld tells, and accounting does not
        yield "exit", _exit(job), exit_code
    yield "submittedAt", _seconds(job["submittedAt"]), submitted
    yield "endedAt", _seconds(job["endedAt"]), end
    yield "user and partition", (job["user"], job["partition"]), (user, partition)


async def test_every_job_is_told_as_slurms_own_programs_tell_it(running: Demo, user: Client) -> None:
    cluster, many = Cluster(user, running), size(2, 20)
    for count in _waves(many):
        requeued = await cluster.submit(count, LONG)
        await cluster.are("RUNNING", requeued)
        await cluster.act("requeueJobs", requeued)
    done = await cluster.submit(many)
    failed = await cluster.submit(many, "#!/bin/sh\nexit 3\n")
    killed = await cluster.submit(many, "#!/bin/sh\nkill -9 $$\n", partition="xfer")
    arrays = await cluster.submit(many, array="1,4-5")
    held = await cluster.submit(2 * many, "#!/bin/sh\n#SBATCH --hold\n")
    await cluster.act("releaseJobs", held[:many])
    waiting = await cluster.submit(many, dependency=f"afterany:{held[-1]}", timeLimitSeconds=600)
    await cluster.act("holdJobs", waiting[:1])
    after = [(await cluster.submit(1, dependency=f"afterok:{first}"))[0] for first in done]
    for count in _waves(many):
        cancelled = await cluster.submit(count, LONG)
        await cluster.are("RUNNING", cancelled)
        await cluster.act("cancelJobs", cancelled)
        await cluster.are("CANCELLED", cancelled)
    assert len(cluster.ids) == 10 * many
    await cluster.are("COMPLETED", [*done, *after, *held[:many]])
    await cluster.are("FAILED", [*failed, *killed])
    await cluster.are("COMPLETED", [f"{array}_{task}" for array in arrays for task in (1, 4, 5)])

    differences: list[object] = []

    async def agree() -> bool:
        differences[:] = [one async for one in _differences(cluster)]
        return not differences

    try:
        await until(agree)
    except AssertionError:
        pytest.fail(f"they differ: {differences[:10]}")
    found = await cluster.told()
    assert {found[job_id]["state"] for job_id in held[many:]} == {"HELD"}
    assert [found[job_id]["signal"] for job_id in killed] == [9] * many
    assert {found[job_id]["name"] for job_id in cluster.ids if job_id in found} == {*NAMES}
    refused = {"system": "slurm", "script": "#!/bin/sh\n", "name": "two\nlines"}
    assert await user.code(SUBMIT, input=refused) == "INVALID_INPUT", "refused, not mangled"
    await user.ask(ACT % "cancelJobs", ids=cluster.ids)


def _waves(count: int) -> list[int]:
    return [min(AT_ONCE, count - start) for start in range(0, count, AT_ONCE)]


async def _differences(cluster: Cluster) -> Any:
    found, shown, records = await cluster.told(), await cluster.scontrol(), await cluster.sacct()
    for job_id, job in found.items():
        pairs: list[tuple[str, Any, Any]] = []
        if job_id in shown:
            pairs += live(job, shown[job_id])
        if job["final"]:
            pairs += ended(job, records[job_id]) if job_id in records else [("sacct", job_id, None)]
        for what, ours, theirs in pairs:
            if ours != theirs:
                yield job_id, what, ours, theirs


def frozen_controller(demo: Demo) -> tuple[Callable[[], None], Callable[[], None]]:
    assert demo.slurm is not None
    return demo.slurm.freeze_controller, demo.slurm.resume_controller


def frozen_sshd(demo: Demo) -> tuple[Callable[[], None], Callable[[], None]]:
    assert demo.slurm is not None
    return demo.slurm.ssh.freeze, demo.slurm.ssh.resume


@pytest.mark.parametrize("part", [frozen_controller, frozen_sshd])
async def test_while_slurm_is_silent_tasks_are_answered_and_they_finish_when_it_goes_on(
    running: Demo, user: Client, part: Callable[[Demo], tuple[Callable[[], None], Callable[[], None]]]
) -> None:
    task = "{ task { id status } }"
    freeze, resume = part(running)
    [victim] = await Cluster(user, running).submit(1, "#!/bin/sh\n#SBATCH --hold\n")
    mutations: dict[str, dict[str, Any]] = {
        f"mutation($input: SubmitJobInput!) {{ answer: submitJob(input: $input) {task} }}": {"script": "#!/bin/sh\n"},
        f"mutation($input: CancelJobsInput!) {{ answer: cancelJobs(input: $input) {task} }}": {"jobIds": [victim]},
        f"mutation($input: QueryJobsInput!) {{ answer: queryJobs(input: $input) {task} }}": {},
    }
    freeze()
    try:
        started = [
            (await user.ask(mutation, input={"system": "slurm", "idempotencyKey": uuid4().hex, **asked}))["answer"]
            for mutation, asked in mutations.items()
        ]
        assert {one["task"]["status"] for one in started} <= {"QUEUED", "RUNNING"}
        await until(lambda: _are(user, started, {"RUNNING", "WAITING"}))
    finally:
        resume()
    await until(lambda: _are(user, started, {"SUCCEEDED"}), seconds=120)


async def _are(user: Client, started: list[Said], statuses: set[str]) -> bool:
    found = await asyncio.gather(*(user.ask(TASK, id=one["task"]["id"]) for one in started))
    return {one["task"]["status"] for one in found} <= statuses
