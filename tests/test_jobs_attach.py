"""Commands inside running jobs, and long queries, as tasks through GraphQL on a real Slurm."""

from typing import Any
from uuid import uuid4

import pytest

from firecrest_gql.demo.run import Demo
from tests.client import Client
from tests.test_jobs_acts import running as until_running
from tests.waiting import until

pytestmark = [pytest.mark.slurm, pytest.mark.redis]

SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 30) { task { result { ... on Job { jobId } } } }
}"""
CANCEL = "mutation($input: CancelJobsInput!) { cancelJobs(input: $input, waitSeconds: 30) { task { status } } }"
ATTACH = """mutation($input: AttachToJobInput!, $wait: Float! = 30) { attachToJob(input: $input, waitSeconds: $wait) {
  task { id kind status error { code message }
         result { ... on CommandOutput { exitStatus stdoutText stderrText truncated } } }
} }"""
QUERY = """mutation($input: QueryJobsInput!, $wait: Float! = 30) { queryJobs(input: $input, waitSeconds: $wait) {
  task { id kind status error { code message } }
} }"""
TASK = """query($id: ID!, $first: Int! = 50, $after: String) { task(id: $id) { status error { code message } result {
  ... on JobList { jobs(first: $first, after: $after) {
    totalCount nodes { jobId name state } pageInfo { hasNextPage hasPreviousPage endCursor } } }
  ... on CommandOutput { exitStatus stdoutText }
} } }"""
LONG = "#!/bin/sh\nsleep 600\n"


async def submitted(user: Client, script: str = LONG, **more: Any) -> str:
    said = await user.ask(SUBMIT, input={"system": "slurm", "script": script, **more})
    return str(said["submitJob"]["task"]["result"]["jobId"])


async def attached(user: Client, job_id: str, *command: str) -> dict[str, Any]:
    said = await user.ask(ATTACH, input={"system": "slurm", "jobId": job_id, "command": command})
    task: dict[str, Any] = said["attachToJob"]["task"]
    return task


async def test_a_command_runs_inside_the_job_and_its_words_come_back(user: Client, other_user: Client) -> None:
    job_id = await submitted(user)
    await until_running(user, job_id)
    script = 'echo "$SLURM_JOB_ID it\'s $1"; echo trouble >&2; exit 7'
    task = await attached(user, job_id, "sh", "-c", script, "sh", "a|b 日本")
    assert (task["kind"], task["status"]) == ("ATTACH_TO_JOB", "SUCCEEDED")
    result = task["result"]
    assert (result["exitStatus"], result["stdoutText"]) == (7, f"{job_id} it's a|b 日本\n")
    assert ("trouble\n" in result["stderrText"], result["truncated"]) == (True, False)

    cut = (await attached(user, job_id, "head", "-c", "1000000", "/dev/zero"))["result"]
    assert (cut["exitStatus"], len(cut["stdoutText"]), cut["truncated"]) == (0, 64 * 1024, True)
    assert (await attached(user, job_id, "cat"))["result"]["stdoutText"] == "", "there is nothing to read"
    assert (await attached(other_user, job_id, "id"))["error"]["code"] == "NOT_FOUND"
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [job_id]})
    assert (await attached(user, job_id, "id"))["error"]["code"] == "CONFLICT"


async def test_a_task_of_an_array_is_named_and_a_job_that_waits_is_a_conflict(user: Client) -> None:
    tasks = LONG.replace("sleep", "#SBATCH --array=1-2\nsleep")
    array = (await submitted(user, tasks)).partition("_")[0]
    for task in (1, 2):
        await until_running(user, f"{array}_{task}")
    said = await attached(user, f"{array}_2", "printenv", "SLURM_ARRAY_TASK_ID")
    assert said["result"]["exitStatus"] in (0, 1), "the job's own variables are not the step's"
    several = (await attached(user, array, "id"))["error"]
    assert (several["code"], "name one of them" in several["message"]) == ("CONFLICT", True)
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [array]})
    held = await submitted(user, "#!/bin/sh\n#SBATCH --hold\n")
    waits = (await attached(user, held, "id"))["error"]
    assert (waits["code"], "PENDING" in waits["message"]) == ("CONFLICT", True)
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [held]})


@pytest.mark.parametrize("command", [[], [""], ["--pty", "sh"], ["a\0b"], ["x" * 20_000]])
async def test_what_can_be_no_command_is_refused_at_once(user: Client, command: list[str]) -> None:
    asked = {"system": "slurm", "jobId": "1", "command": command}
    error = await user.error(ATTACH, input=asked)
    assert (error["extensions"]["code"], "command" in error["message"]) == ("INVALID_INPUT", True)


async def test_direct_has_no_allocations(user: Client) -> None:
    assert await user.code(ATTACH, input={"system": "local", "jobId": "1", "command": ["id"]}) == "UNSUPPORTED"


async def test_a_command_is_not_run_again_when_its_worker_dies(running: Demo, user: Client) -> None:
    assert running.slurm is not None
    job_id, note = await submitted(user), running.slurm.homes["fireuser"] / f"ran-{uuid4().hex}"
    await until_running(user, job_id)
    command = ["sh", "-c", f"echo ran >>{note}; sleep 60"]
    asked = {"system": "slurm", "jobId": job_id, "command": command}
    task = (await user.ask(ATTACH, input=asked, wait=0))["attachToJob"]["task"]
    await until(note.exists)
    await running.worker.kill()
    await running.worker.start()

    async def ended() -> bool:
        return bool((await user.ask(TASK, id=task["id"]))["task"]["status"] == "FAILED")

    await until(ended)
    assert "not known" in (await user.ask(TASK, id=task["id"]))["task"]["error"]["message"]
    assert note.read_text() == "ran\n"
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [job_id]})


@pytest.mark.parametrize("system", ["slurm", "local"])
async def test_a_query_records_its_jobs_and_pages_them(user: Client, system: str) -> None:
    name = f"n{uuid4().hex}"
    jobs = [
        (await user.ask(SUBMIT, input={"system": system, "script": "#!/bin/sh\n", "name": name}))["submitJob"]
        for _ in range(5)
    ]
    ids = [job["task"]["result"]["jobId"] for job in jobs]
    said = await user.ask(QUERY, input={"system": system, "filter": {"name": name}})
    task = said["queryJobs"]["task"]
    assert (task["kind"], task["status"]) == ("QUERY_JOBS", "SUCCEEDED")
    seen, after = [], None
    for _ in range(3):
        listed = (await user.ask(TASK, id=task["id"], first=2, after=after))["task"]["result"]
        page = listed["jobs"]
        seen += [node["jobId"] for node in page["nodes"]]
        assert page["totalCount"] == 5
        assert page["pageInfo"]["hasNextPage"] is (len(seen) < 5)
        after = page["pageInfo"]["endCursor"]
    assert seen == sorted(ids, key=int, reverse=True)
    nothing = await user.ask(QUERY, input={"system": system, "filter": {"name": "no such"}})
    empty = (await user.ask(TASK, id=nothing["queryJobs"]["task"]["id"]))["task"]["result"]["jobs"]
    assert (empty["nodes"], empty["totalCount"], empty["pageInfo"]["hasNextPage"]) == ([], 0, False)
    broken = (await user.post(TASK, id=task["id"], after="x")).json()
    assert broken["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_a_query_that_can_never_work_makes_no_task(user: Client) -> None:
    for wrong in ({"jobIds": ["x; y"]}, {"users": ["a,b"]}):
        assert await user.code(QUERY, input={"system": "slurm", "filter": wrong}) == "INVALID_INPUT"


async def test_queries_of_one_user_go_one_after_the_other_and_none_is_lost(
    running: Demo, user: Client, other_user: Client
) -> None:
    assert running.slurm is not None
    running.slurm.freeze_controller()  # the first holds its turn as long as that
    try:
        asked = {"input": {"system": "slurm"}, "wait": 0}
        first, second = [(await user.ask(QUERY, **asked))["queryJobs"]["task"]["id"] for _ in range(2)]
        await until(lambda: is_now(user, "WAITING", first, second))
        local = await other_user.ask(QUERY, input={"system": "local"})
        assert local["queryJobs"]["task"]["status"] == "SUCCEEDED", "nobody else waits"
    finally:
        running.slurm.resume_controller()
    for task in (first, second):
        await until(lambda task=task: is_now(user, "SUCCEEDED", task))  # type: ignore[misc]


async def is_now(user: Client, status: str, *tasks: str) -> bool:
    """Whether one of these tasks has this status."""
    return status in [(await user.ask(TASK, id=task))["task"]["status"] for task in tasks]
