"""A system of kind pbs through GraphQL: the embedded sshd, and executables that keep PBS's queue in a folder."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo
from tests.client import Client, fetch_token
from tests.pbs.install import FolderPbs, install
from tests.scheduler_commands import PATH
from tests.service import another_server

pytestmark = [pytest.mark.redis, pytest.mark.oidc]

SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) {
  task { status error { code message } result { ... on Job { jobId } } } } }"""
WATCH = """subscription($id: String!) { jobUpdated(system: "local", jobIds: [$id]) {
  job { jobId name state rawState user partition workingDirectory stdoutPath } } }"""
OUTPUT = """subscription($id: String!) { jobOutput(system: "local", jobId: $id) { offset text } }"""
JOB = """query($id: String!) { system(name: "local") { job(jobId: $id) {
  state exitCode timeLimitSeconds cpuCount nodeCount memory maxMemory } } }"""
TEXT = """query($id: String!) { system(name: "local") { job(jobId: $id) { stdout { head { text } } } } }"""
LONG = "#!/bin/sh\nsleep 600\n"


@pytest.fixture(scope="session")
def folder() -> Iterator[FolderPbs]:
    """Where root's stand-in can reach it, too."""
    place = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="firecrest-gql-pbs-"))
    place.chmod(0o755)
    found = install(place / "pbs")
    yield found
    found.clear()
    shutil.rmtree(place)


@pytest.fixture(scope="session")
async def pbs(running: Demo, demo_state: Path, folder: FolderPbs) -> AsyncIterator[dict[str, Any]]:
    """A server and a worker of their own, for which every system is one of PBS; they sign by themselves."""
    scheduler = {"kind": "pbs", "path": f"{folder.bin}:{PATH}"}
    tasks = urlsplit(running.parts.valkey.url)._replace(path="/1").geturl()
    changed = {"systems": {"scheduler": scheduler}, "authority": {"socket": None}, "redis_url": tasks}
    async with another_server(demo_state, "pbs", **changed) as described:
        argv = [sys.executable, "-m", "firecrest_gql.cli", "worker", "--config", str(demo_state / "pbs.yaml")]
        async with Process("pbs-worker", argv, demo_state / "log" / "pbs-worker.log"):
            yield described


@pytest.fixture
async def viewer_of_pbs(pbs: dict[str, Any]) -> Client:
    return Client(pbs, await fetch_token(pbs, "fireuser"))


async def submitted(user: Client, **job: Any) -> str:
    said = (await user.ask(SUBMIT, input={"system": "local", **job}))["submitJob"]["task"]
    assert said["error"] is None
    return str(said["result"]["jobId"])


async def done(user: Client, mutation: str, *job_ids: str, more: str = "") -> dict[str, str | None]:
    """The code of each job's error, or null."""
    said = await user.ask(
        f"""mutation($ids: [String!]!) {{ {mutation}(input: {{system: "local", jobIds: $ids{more}}}, waitSeconds: 30) {{
          task {{ result {{ ... on JobResults {{ results {{ jobId error {{ code }} }} }} }} }} }} }}""",
        ids=job_ids,
    )
    results = said[mutation]["task"]["result"]["results"]
    return {result["jobId"]: result["error"] and result["error"]["code"] for result in results}


async def job(user: Client, job_id: str) -> dict[str, Any]:
    return dict((await user.ask(JOB, id=job_id))["system"]["job"])


async def test_a_job_is_submitted_watched_and_its_output_followed_to_the_last_byte(viewer_of_pbs: Client) -> None:
    user = viewer_of_pbs
    script = '#!/bin/sh\necho begun\nsleep 1\nprintf "<%s>\\n" "$GREETING"\nexit 3\n'
    greeting = "hello, 'world',PATH=/evil"
    job_id = await submitted(
        user,
        name="hello",
        script=script,
        timeLimitSeconds=600,
        nodeCount=2,
        taskCount=4,
        memory=2**20,
        environment=[{"name": "GREETING", "value": greeting}],
    )
    assert job_id.endswith(".pbs")
    chunks = [chunk["text"] async for chunk in user.events(OUTPUT, id=job_id)]
    assert "".join(chunks) == f"begun\n<{greeting}>\n"
    seen = [event["job"] async for event in user.events(WATCH, id=job_id)]
    assert seen[-1] == {
        "jobId": job_id,
        "name": "hello",
        "state": "FAILED",
        "rawState": "F",
        "user": "fireuser",
        "partition": "workq",
        "workingDirectory": seen[-1]["workingDirectory"],
        "stdoutPath": f"{seen[-1]['workingDirectory']}/hello.o{job_id.partition('.')[0]}",
    }
    found = await job(user, job_id)
    assert (found["exitCode"], found["timeLimitSeconds"], found["nodeCount"], found["cpuCount"]) == (3, 600, 2, 4)
    assert (found["memory"], found["maxMemory"]) == (2**20, 7060 * 2**10)
    whole = (await user.ask(TEXT, id=job_id))["system"]["job"]["stdout"]["head"]["text"]
    assert whole == "".join(chunks)


async def test_jobs_are_held_released_changed_and_cancelled_each_with_a_result(viewer_of_pbs: Client) -> None:
    user = viewer_of_pbs
    first = await submitted(user, script=LONG)
    second = await submitted(user, script=LONG, dependency=f"afterany:{first}")
    assert [(await job(user, each))["state"] for each in (first, second)] == ["RUNNING", "PENDING"]
    assert await done(user, "holdJobs", second, "99999.pbs") == {second: None, "99999.pbs": "NOT_FOUND"}
    assert (await job(user, second))["state"] == "HELD"
    update = """mutation($input: UpdateJobInput!) { updateJob(input: $input, waitSeconds: 30) {
      task { status error { code } } } }"""
    changed = await user.ask(update, input={"system": "local", "jobId": second, "timeLimitSeconds": 60})
    assert changed["updateJob"]["task"] == {"status": "SUCCEEDED", "error": None}
    refused = await user.ask(update, input={"system": "local", "jobId": first, "timeLimitSeconds": 60})
    assert refused["updateJob"]["task"]["error"]["code"] == "CONFLICT"
    assert (await job(user, second))["timeLimitSeconds"] == 60
    assert await done(user, "cancelJobs", first, more=', signal: "USR1"') == {first: None}
    ended = [event["job"]["state"] async for event in user.events(WATCH, id=first)]
    assert ended[-1] == "FAILED"
    assert await done(user, "releaseJobs", second) == {second: None}
    assert (await job(user, second))["state"] == "RUNNING"
    assert await done(user, "cancelJobs", first, second) == {first: None, second: None}
    assert [event["job"]["state"] async for event in user.events(WATCH, id=second)][-1] == "CANCELLED"


async def test_what_pbs_does_not_do_is_unsupported_naming_scheduler_and_feature(viewer_of_pbs: Client) -> None:
    refused = await viewer_of_pbs.error(SUBMIT, input={"system": "local", "script": LONG, "qos": "high"})
    assert refused["extensions"]["code"] == "UNSUPPORTED"
    assert "pbs" in refused["message"]
    assert "qualities of service" in refused["message"]
    for value in ("a\\,PATH=/evil", "() { :; }"):
        spec = {"system": "local", "script": LONG, "environment": [{"name": "A", "value": value}]}
        assert await viewer_of_pbs.code(SUBMIT, input=spec) == "INVALID_INPUT"
    assert await viewer_of_pbs.code(JOB, id="12") == "INVALID_INPUT"


async def test_the_array_and_each_of_its_tasks_are_jobs(viewer_of_pbs: Client) -> None:
    user = viewer_of_pbs
    array = await submitted(user, name="many", script="#!/bin/sh\necho $PBS_ARRAY_INDEX\n", array="3-7:2")
    assert array.endswith("[].pbs")
    assert [event["job"]["state"] async for event in user.events(WATCH, id=array)][-1] == "COMPLETED"
    query = """query($ids: [String!]) { system(name: "local") { jobs(filter: {jobIds: $ids}) {
      nodes { jobId arrayJobId arrayTaskId state stdout { head { text } } } } } }"""
    found = (await user.ask(query, ids=[array]))["system"]["jobs"]["nodes"]
    tasks = {one["arrayTaskId"]: one for one in found if one["jobId"] != array}
    assert {index: one["stdout"]["head"]["text"] for index, one in tasks.items()} == {n: f"{n}\n" for n in "357"}
    assert {one["arrayJobId"] for one in found} == {array}


async def test_queues_nodes_and_the_version_are_told(viewer_of_pbs: Client) -> None:
    query = """{ system(name: "local") { scheduler { kind } partitions { name default state }
      computeNodes { name states cpuCount memory } reservations { name } } }"""
    assert (await viewer_of_pbs.ask(query))["system"] == {
        "scheduler": {"kind": "pbs"},
        "partitions": [
            {"name": "workq", "default": True, "state": "UP"},
            {"name": "xfer", "default": False, "state": "UP"},
        ],
        "computeNodes": [{"name": "pbs", "states": ["FREE"], "cpuCount": 8, "memory": 16336296 * 1024}],
        "reservations": [],
    }


async def test_a_job_whose_time_is_over_is_told_so(viewer_of_pbs: Client) -> None:
    job_id = await submitted(viewer_of_pbs, script=LONG, timeLimitSeconds=1)
    assert [event["job"]["state"] async for event in viewer_of_pbs.events(WATCH, id=job_id)][-1] == "TIMEOUT"


async def test_twenty_submissions_with_one_key_are_one_job(viewer_of_pbs: Client) -> None:
    asked = {"system": "local", "script": "#!/bin/sh\n", "name": "once", "idempotencyKey": "the-same"}
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(viewer_of_pbs.ask(SUBMIT, input=asked)) for _ in range(20)]
    ids = {answer.result()["submitJob"]["task"]["result"]["jobId"] for answer in answers}
    query = """{ system(name: "local") { jobs(filter: {name: "once"}) { nodes { jobId } } } }"""
    found = (await viewer_of_pbs.ask(query))["system"]["jobs"]["nodes"]
    assert [{one["jobId"]} for one in found] == [ids]
