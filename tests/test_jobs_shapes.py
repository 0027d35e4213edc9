"""Arrays, heterogeneous jobs and what others may see of jobs, through GraphQL on a real Slurm with PrivateData=jobs."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client
from tests.waiting import until

pytestmark = [pytest.mark.slurm, pytest.mark.redis]

SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 30) { task { result { ... on Job { jobId } } } }
}"""
ACT = """mutation($ids: [String!]!) { answer: %s(input: {system: "slurm", jobIds: $ids}, waitSeconds: 30) {
  task { result { ... on JobResults { results { jobId error { code } } } } } } }"""
JOBS = """query($filter: JobFilter!, $first: Int!, $after: String, $order: JobOrder! = SUBMITTED_DESC) {
  system(name: "slurm") { jobs(filter: $filter, first: $first, after: $after, orderBy: $order) {
    totalCount nodes { jobId arrayJobId arrayTaskId state user steps { stepId } }
    pageInfo { hasNextPage endCursor } } } }"""
WATCH = 'subscription($ids: [String!]) { jobUpdated(system: "slurm", jobIds: $ids) { job { jobId user state } } }'
LONG = "#!/bin/sh\nsleep 600\n"
HELD = "#!/bin/sh\n#SBATCH --hold\n"
HETEROGENEOUS = "#!/bin/sh\n#SBATCH --hold\n#SBATCH -n1\n#SBATCH hetjob\n#SBATCH -n1\ntrue\n"


async def submitted(user: Client, script: str = HELD, **more: Any) -> str:
    said = await user.ask(SUBMIT, input={"system": "slurm", "script": script, **more})
    return str(said["submitJob"]["task"]["result"]["jobId"]).partition("_")[0].partition("+")[0]


async def listed(user: Client, **wanted: Any) -> dict[str, dict[str, Any]]:
    nodes = (await user.ask(JOBS, filter=wanted, first=50))["system"]["jobs"]["nodes"]
    return {node["jobId"]: node for node in nodes}


async def one_by_one(user: Client, *ids: str) -> list[str | None]:
    """The id of each job that is asked for, None where there is none."""
    fields = " ".join(f'j{n}: job(jobId: "{job_id}") {{ jobId }}' for n, job_id in enumerate(ids))
    said = (await user.post(f'{{ system(name: "slurm") {{ {fields} }} }}')).json()["data"]["system"]
    return [found and found["jobId"] for found in said.values()]


async def codes(user: Client, mutation: str, *ids: str) -> dict[str, str | None]:
    results = (await user.ask(ACT % mutation, ids=ids))["answer"]["task"]["result"]["results"]
    return {each["jobId"]: each["error"] and each["error"]["code"] for each in results}


async def test_an_array_is_told_task_by_task_and_a_bad_id_spoils_none(user: Client) -> None:
    array = await submitted(user, LONG, array="3,7-9")

    async def runs() -> bool:
        found = await listed(user, jobIds=[array])
        return sorted(found) == sorted(f"{array}_{n}" for n in (3, 7, 8, 9)) and all(
            job["state"] == "RUNNING" and job["steps"] for job in found.values()
        )

    await until(runs)
    found = await listed(user, jobIds=[f"{array}_3", f"{array}_[7-8]", "987654"])
    assert {f"{array}_3"} <= set(found)
    assert found[f"{array}_3"]["arrayJobId"] == array
    assert found[f"{array}_3"]["arrayTaskId"] == "3"
    assert [step["stepId"] for step in found[f"{array}_3"]["steps"]] == [f"{array}_3.batch"]
    assert f"{array}_3" in await listed(user, jobIds=[f"{array}_3", "x; y", "987654"]), "one bad id spoils no other"
    assert await one_by_one(user, f"{array}_9", "987654", "x; y", array) == [f"{array}_9", None, None, f"{array}_3"]
    ended = await codes(user, "cancelJobs", f"{array}_3", f"{array}_[7-8]", "987654")
    assert ended == {f"{array}_3": None, f"{array}_[7-8]": None, "987654": "NOT_FOUND"}

    async def rest() -> bool:
        found = await listed(user, jobIds=[array])
        return {job_id for job_id, job in found.items() if job["state"] == "RUNNING"} == {f"{array}_9"}

    await until(rest)
    await codes(user, "cancelJobs", array)


async def test_the_components_of_a_heterogeneous_job_are_jobs_that_are_cancelled_together(user: Client) -> None:
    leader = await submitted(user, HETEROGENEOUS)
    found = await listed(user, jobIds=[leader])
    assert sorted(found) == [f"{leader}+0", f"{leader}+1"]
    second = str(int(leader) + 1)
    assert await one_by_one(user, leader, f"{leader}+1", second) == [f"{leader}+0", f"{leader}+1", f"{leader}+1"]
    assert await codes(user, "cancelJobs", f"{leader}+1") == {f"{leader}+1": "SCHEDULER_REJECTED"}
    assert await codes(user, "cancelJobs", leader) == {leader: None}
    assert {job["state"] for job in (await listed(user, jobIds=[leader])).values()} == {"CANCELLED"}


async def test_pages_neither_repeat_nor_lose_a_job_that_ends_meanwhile(user: Client) -> None:
    name = f"n{uuid4().hex}"
    ids = [await submitted(user, name=name) for _ in range(5)]
    for order, expected in (("SUBMITTED", ids), ("SUBMITTED_DESC", ids[::-1])):
        seen: list[str] = []
        after = None
        while len(seen) < 5:
            asked = {"filter": {"name": name}, "first": 2, "after": after, "order": order}
            page = (await user.ask(JOBS, **asked))["system"]["jobs"]
            seen += [node["jobId"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, len(seen) < 5)
            await codes(user, "cancelJobs", seen[-1])
        assert seen == expected
    assert {job["state"] for job in (await listed(user, name=name, states=["CANCELLED"])).values()} == {"CANCELLED"}


async def test_only_jobs_that_were_active_in_the_interval_are_told(user: Client) -> None:
    name = f"n{uuid4().hex}"
    job_id = await submitted(user, name=name)
    assert list(await listed(user, name=name, since="2020-01-01T00:00:00Z")) == [job_id]
    assert await listed(user, name=name, until="2020-01-01T00:00:00Z") == {}
    assert list(await listed(user, name=name, states=["HELD", "RUNNING"], partition="debug", account="demo")) == [
        job_id
    ]
    for nothing in ({"partition": "xfer"}, {"account": "other"}, {"qos": "other"}, {"states": ["RUNNING"]}):
        assert await listed(user, name=name, **nothing) == {}
    await codes(user, "cancelJobs", job_id)


async def test_what_the_service_account_sees_is_shown_to_nobody_who_could_not_have_asked(
    user: Client, other_user: Client
) -> None:
    name = f"n{uuid4().hex}"
    own, theirs = await submitted(user, name=name), await submitted(other_user, name=name)
    seen: list[dict[str, Any]] = []

    async def watch() -> None:
        async for event in user.events(WATCH):
            seen.append(event["job"])  # noqa: PERF401  (it never ends)

    watching = asyncio.create_task(watch())
    await until(lambda: any(job["jobId"] == own for job in seen))
    for wanted in ({"allUsers": True}, {"users": ["fireuser", "fireuser2"]}, {"jobIds": [own, theirs]}):
        assert list(await listed(user, name=name, **wanted)) == [own]
        assert list(await listed(other_user, name=name, **wanted)) == [theirs]
    assert await one_by_one(user, own, theirs) == [own, None]
    for mutation in ("cancelJobs", "releaseJobs", "requeueJobs"):
        assert await codes(user, mutation, theirs) == {theirs: "NOT_FOUND"}
    said = (await user.post("query($i: ID!) { node(id: $i) { id } }", i=await node_id(other_user, theirs))).json()
    assert said["data"] == {"node": None}
    await codes(other_user, "cancelJobs", theirs)
    await codes(user, "cancelJobs", own)
    await until(lambda: any(job["jobId"] == own and job["state"] == "CANCELLED" for job in seen))
    watching.cancel()
    assert {job["user"] for job in seen} == {"fireuser"}
    async with user.socket() as socket:
        await socket.send(_subscribe([theirs]))
        assert '"NOT_FOUND"' in str(await socket.recv())


async def node_id(user: Client, job_id: str) -> str:
    asked = f'{{ system(name: "slurm") {{ job(jobId: "{job_id}") {{ id }} }} }}'
    return str((await user.ask(asked))["system"]["job"]["id"])


def _subscribe(ids: list[str]) -> str:
    quoted = ", ".join(f'\\"{job_id}\\"' for job_id in ids)
    document = f'subscription {{ jobUpdated(system: \\"slurm\\", jobIds: [{quoted}]) {{ job {{ jobId }} }} }}'
    return f'{{"type": "subscribe", "id": "1", "payload": {{"query": "{document}"}}}}'
