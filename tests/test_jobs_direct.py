"""Everything that `direct` does with jobs, through GraphQL on the demo's own system."""

from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client

pytestmark = pytest.mark.redis

SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 30) { task { error { code message } result { ... on Job { jobId } } } }
}"""
ACT = """mutation($jobs: [String!]!) {
  answer: %s(input: {system: "local", jobIds: $jobs}, waitSeconds: 30) {
    task { status result { ... on JobResults { results { jobId error { code } job { state } } } } }
  }
}"""
UPDATE = """mutation($input: UpdateJobInput!) { updateJob(input: $input, waitSeconds: 30) {
  task { error { code message } result { ... on Job { name timeLimitSeconds } } }
} }"""
JOB = """query($job: String!) { system(name: "local") { job(jobId: $job) {
  state final reason dependency startedAt endedAt elapsedSeconds exitCode
} } }"""
FOLLOW = 'subscription($job: String!) { jobUpdated(system: "local", jobIds: [$job]) { job { state reason } } }'
LIST = """query($name: String!) { system(name: "local") { jobs(filter: {name: $name}) {
  nodes { jobId arrayJobId state }
} } }"""
LONG = "#!/bin/sh\nsleep 600\n"


async def submitted(user: Client, script: str = LONG, **more: Any) -> str:
    said = (await user.ask(SUBMIT, input={"system": "local", "script": script, **more}))["submitJob"]["task"]
    assert said["error"] is None
    return str(said["result"]["jobId"])


async def acted(user: Client, mutation: str, *job_ids: str) -> list[tuple[str, str | None]]:
    """Of each job its state, and the code of its error."""
    task = (await user.ask(ACT % mutation, jobs=job_ids))["answer"]["task"]
    assert task["status"] == "SUCCEEDED"
    results = task["result"]["results"]
    return [(each["job"]["state"], each["error"] and each["error"]["code"]) for each in results]


async def told(user: Client, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await user.ask(JOB, job=job_id))["system"]["job"]
    return found


async def followed(user: Client, job_id: str, last: str) -> list[str]:
    """The states that are pushed, up to this one."""
    states: list[str] = []
    async for event in user.events(FOLLOW, job=job_id):
        states.append(event["job"]["state"])
        if states[-1] == last:
            break
    return states


async def test_a_job_waits_for_another_and_is_held_released_and_changed_meanwhile(user: Client) -> None:
    first = await submitted(user)
    waiting = await submitted(user, "#!/bin/sh\n", dependency=f"afterany:{first}")
    found = await told(user, waiting)
    assert (found["state"], found["reason"], found["dependency"]) == ("PENDING", "Dependency", f"afterany:{first}")
    assert (found["startedAt"], found["elapsedSeconds"]) == (None, None)
    assert await acted(user, "holdJobs", waiting, first) == [("HELD", None), ("RUNNING", "CONFLICT")]
    change = {"name": "it's R&D|日本", "timeLimitSeconds": 90}
    said = await user.ask(UPDATE, input={"system": "local", "jobId": waiting, **change})
    assert said["updateJob"]["task"]["result"] == change
    said = await user.ask(UPDATE, input={"system": "local", "jobId": first, "name": "x"})
    assert said["updateJob"]["task"]["error"]["code"] == "CONFLICT"
    await acted(user, "cancelJobs", first)
    await followed(user, first, "CANCELLED")
    assert (await told(user, waiting))["state"] == "HELD"
    await acted(user, "releaseJobs", waiting)
    await followed(user, waiting, "COMPLETED")


async def test_what_waits_in_vain_is_cancelled_and_pushed_with_its_reason(user: Client) -> None:
    first = await submitted(user)
    waiting = await submitted(user, dependency=f"afterok:{first}")
    await acted(user, "cancelJobs", first)
    assert "RUNNING" not in await followed(user, waiting, "CANCELLED")
    found = await told(user, waiting)
    assert (found["final"], found["reason"], found["startedAt"]) == (True, "DependencyNeverSatisfied", None)


async def test_a_requeued_job_begins_again_and_an_ended_one_does_not(user: Client) -> None:
    mark = "seen-$FIRECREST_JOB_ID"
    job_id = await submitted(user, f"#!/bin/sh\ntest -e {mark} && exit 4\n: >{mark}\nsleep 600\n")
    await followed(user, job_id, "RUNNING")
    [(_, error)] = await acted(user, "requeueJobs", job_id)
    assert error is None
    await followed(user, job_id, "FAILED")
    assert (await told(user, job_id))["exitCode"] == 4
    assert await acted(user, "requeueJobs", job_id) == [("FAILED", "CONFLICT")]


async def test_an_array_is_listed_by_its_tasks_alone_from_the_start(user: Client) -> None:
    name = f"array-{uuid4().hex}"
    array = await submitted(user, array="0-2%1", name=name)
    number = array.partition("_")[0]
    listed = (await user.ask(LIST, name=name))["system"]["jobs"]["nodes"]
    assert sorted((job["jobId"], job["arrayJobId"], job["state"]) for job in listed) == [
        (f"{number}_0", number, "RUNNING"),
        (f"{number}_1", number, "PENDING"),
        (f"{number}_2", number, "PENDING"),
    ]
    await acted(user, "cancelJobs", number)
    await followed(user, f"{number}_0", "CANCELLED")


async def test_what_direct_cannot_wait_for_is_refused_at_once_or_in_its_own_words(user: Client) -> None:
    for wrong in ("singleton", "afterok:x", "after:1+5", "afterok:1?afterok:2"):
        asked = {"system": "local", "script": LONG, "dependency": wrong}
        assert await user.code(SUBMIT, input=asked) == "INVALID_INPUT"
    asked = {"system": "local", "script": LONG, "dependency": "afterok:987654"}
    error = (await user.ask(SUBMIT, input=asked))["submitJob"]["task"]["error"]
    assert (error["code"], "987654" in error["message"]) == ("SCHEDULER_REJECTED", True)
