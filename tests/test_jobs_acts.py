"""Jobs held, released, requeued and changed through GraphQL, on a real Slurm."""

from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client

pytestmark = pytest.mark.redis

LONG = "#!/bin/sh\nsleep 600\n"
SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 30) { task { result { ... on Job { jobId } } } }
}"""
ACT = """mutation($input: %sInput!, $jobs: Boolean! = false) {
  answer: %s(input: $input, waitSeconds: 30) { task {
    id kind status
    result { ... on JobResults { results { jobId error { code message } job @include(if: $jobs) { state } } } }
  } }
}"""
UPDATE = """mutation($input: UpdateJobInput!) {
  updateJob(input: $input, waitSeconds: 30) {
    task { kind status error { code message } result { ... on Job { jobId name partition timeLimitSeconds state } } }
  }
}"""
CANCEL = "mutation($input: CancelJobsInput!) { cancelJobs(input: $input, waitSeconds: 30) { task { status } } }"
STATE = "query($system: String!, $job: String!) { system(name: $system) { job(jobId: $job) { state user } } }"


def act(mutation: str) -> str:
    """The document of one of the acts on several jobs."""
    return ACT % (mutation[0].upper() + mutation[1:], mutation)


async def submitted(user: Client, script: str = LONG, **more: Any) -> str:
    said = await user.ask(SUBMIT, input={"system": "slurm", "script": script, **more})
    return str(said["submitJob"]["task"]["result"]["jobId"])


async def codes(user: Client, mutation: str, *job_ids: str) -> dict[str, str | None]:
    """Of each job the code of its error."""
    said = await user.ask(act(mutation), input={"system": "slurm", "jobIds": job_ids})
    assert said["answer"]["task"]["status"] == "SUCCEEDED"
    results = said["answer"]["task"]["result"]["results"]
    return {each["jobId"]: each["error"] and each["error"]["code"] for each in results}


@pytest.mark.slurm
async def test_several_jobs_are_held_released_and_requeued_and_a_bad_one_spoils_no_other(
    user: Client, other_user: Client
) -> None:
    first = await submitted(user)
    waiting = [await submitted(user, dependency=f"after:{first}+60") for _ in range(2)]
    theirs = await submitted(other_user, "#!/bin/sh\n#SBATCH --hold\nsleep 600\n")

    held = await codes(user, "holdJobs", waiting[0], "987654", waiting[1], theirs)
    assert held == {waiting[0]: None, "987654": "NOT_FOUND", waiting[1]: None, theirs: "NOT_FOUND"}
    for job_id in waiting:
        assert await state(user, job_id) == "HELD"
    said = await user.ask(act("releaseJobs"), input={"system": "slurm", "jobIds": waiting}, jobs=True)
    assert [each["job"]["state"] for each in said["answer"]["task"]["result"]["results"]] == ["PENDING", "PENDING"]
    assert await state(other_user, theirs) == "HELD", "nobody releases another's job"
    assert await codes(user, "releaseJobs", theirs) == {theirs: "NOT_FOUND"}
    assert await state(other_user, theirs) == "HELD"

    await running(user, first)
    requeued = await codes(user, "requeueJobs", first, waiting[0], theirs)
    assert requeued == {first: None, waiting[0]: "CONFLICT", theirs: "NOT_FOUND"}
    assert await state(user, first) in ("PENDING", "REQUEUED", "COMPLETING")
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [first, *waiting]})
    await other_user.ask(CANCEL, input={"system": "slurm", "jobIds": [theirs]})


@pytest.mark.slurm
async def test_a_pending_job_is_changed_and_answers_as_it_now_is(user: Client, other_user: Client) -> None:
    job_id = await submitted(user, "#!/bin/sh\n#SBATCH --hold\n")
    change: dict[str, Any] = {"name": "it's R&D (1)#2|日本", "partition": "xfer", "timeLimitSeconds": 1200}
    said = await user.ask(UPDATE, input={"system": "slurm", "jobId": job_id, **change})
    task = said["updateJob"]["task"]
    assert (task["kind"], task["status"]) == ("UPDATE_JOB", "SUCCEEDED")
    assert task["result"] == {"jobId": job_id, "state": "HELD", **change}

    refused = await user.ask(UPDATE, input={"system": "slurm", "jobId": job_id, "partition": "nosuch", "name": "x"})
    error = refused["updateJob"]["task"]["error"]
    assert (error["code"], "Invalid partition name specified" in error["message"]) == ("SCHEDULER_REJECTED", True)
    hidden = await other_user.ask(UPDATE, input={"system": "slurm", "jobId": job_id, "name": "x"})
    assert hidden["updateJob"]["task"]["error"]["code"] == "NOT_FOUND"
    for wrong in ({}, {"name": "two\nlines"}, {"timeLimitSeconds": 0}):
        assert await user.code(UPDATE, input={"system": "slurm", "jobId": job_id, **wrong}) == "INVALID_INPUT"
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [job_id]})
    ended = await user.ask(UPDATE, input={"system": "slurm", "jobId": job_id, "name": "x"})
    assert ended["updateJob"]["task"]["error"]["code"] == "CONFLICT"


@pytest.mark.slurm
async def test_the_same_key_gives_the_first_task_again_and_other_input_is_a_conflict(user: Client) -> None:
    asked = {"system": "slurm", "jobIds": ["987654"], "idempotencyKey": uuid4().hex}
    first, second = [(await user.ask(act("holdJobs"), input=asked))["answer"]["task"] for _ in range(2)]
    assert (first["id"], first["kind"]) == (second["id"], "HOLD_JOBS")
    assert await user.code(act("holdJobs"), input={**asked, "jobIds": ["987653"]}) == "CONFLICT"


async def state(user: Client, job_id: str) -> str:
    return str((await user.ask(STATE, system="slurm", job=job_id))["system"]["job"]["state"])


async def running(user: Client, job_id: str) -> None:
    """Returns once the job is told to run."""
    document = 'subscription($job: String!) { jobUpdated(system: "slurm", jobIds: [$job]) { job { state } } }'
    async for event in user.events(document, job=job_id):
        if event["job"]["state"] == "RUNNING":
            return
