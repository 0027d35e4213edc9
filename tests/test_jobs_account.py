"""What accounting adds to jobs, through GraphQL on a real Slurm, and how few commands reach sshd for it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from firecrest_gql.demo.run import Demo
from tests.client import Client
from tests.waiting import until

pytestmark = [pytest.mark.slurm, pytest.mark.redis]

MANY = 50
SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 30) { task { result { ... on Job { jobId } } error { message } } }
}"""
CANCEL = "mutation($input: CancelJobsInput!) { cancelJobs(input: $input, waitSeconds: 30) { task { status } } }"
DETAILS = "jobId state steps { stepId name state exitCode elapsedSeconds } maxMemory cpuSeconds"
LIST = f"""query($filter: JobFilter, $first: Int!, $script: Boolean! = false) {{ system(name: "slurm") {{
  jobs(filter: $filter, first: $first) {{ nodes {{ {DETAILS} script @include(if: $script) }} }}
}} }}"""
JOB = f'query($id: String!) {{ system(name: "slurm") {{ job(jobId: $id) {{ {DETAILS} script }} }} }}'
PROJECTS = '{ system(name: "%s") { account { projects { name default fairShare } } } }'
WORK = "#!/bin/sh\npython3 -c 'a = bytearray(50_000_000); import time; time.sleep(3)'\nsrun --overlap sh -c 'exit 3'\n"


@dataclass
class SshdLog:
    """What sshd has noted since the test began to look."""

    path: Path
    start: int

    def from_now(self) -> "SshdLog":
        """The same log, but for what it holds by now."""
        return SshdLog(self.path, self.path.stat().st_size)

    def commands(self, username: str = "fireuser") -> int:
        """How many it has let this user run: each has a certificate, and so a login, of its own."""
        text = self.path.read_bytes()[self.start :].decode("utf-8", "replace")
        return len(re.findall(rf"^Accepted publickey for {username} ", text, re.MULTILINE))


@pytest.fixture
def sshd_log(running: Demo) -> SshdLog:
    assert running.slurm is not None
    path = running.slurm.ssh.folder / "sshd.log"
    return SshdLog(path, path.stat().st_size)


async def submitted(user: Client, script: str, **more: Any) -> str:
    task = (await user.ask(SUBMIT, input={"system": "slurm", "script": script, **more}))["submitJob"]["task"]
    return str(task["result"]["jobId"])


async def recorded(user: Client, job_id: str, steps: int) -> dict[str, Any]:
    """The job, once accounting knows that it has ended, and the end of so many steps."""
    found: dict[str, Any] = {}

    async def so() -> bool:
        found.update((await user.ask(JOB, id=job_id))["system"]["job"])
        ended = [step for step in found["steps"] if step["state"] in ("COMPLETED", "FAILED")]
        return len(ended) == steps and found["state"] in ("COMPLETED", "FAILED")

    await until(so)
    return found


async def test_an_ended_job_tells_its_steps_its_memory_and_its_processors_time(user: Client) -> None:
    job = await recorded(user, await submitted(user, WORK), 2)
    batch, step = job["steps"]
    assert (batch["stepId"], batch["name"], batch["state"]) == (f"{job['jobId']}.batch", "batch", "FAILED")
    assert (step["stepId"], step["state"], step["exitCode"]) == (f"{job['jobId']}.0", "FAILED", 3)
    assert batch["elapsedSeconds"] >= 3
    assert job["maxMemory"] > 40_000_000
    assert job["cpuSeconds"] > 0
    assert job["script"] == WORK


async def test_fifty_jobs_with_their_details_are_one_command_to_the_queue_and_one_to_accounting(
    user: Client, sshd_log: SshdLog
) -> None:
    name = f"n{uuid4().hex}"
    tasks = f"#!/bin/sh\n#SBATCH --array=1-{MANY - 2}\n"
    array = (await submitted(user, tasks, name=name)).partition("_")[0]
    ended = await submitted(user, "#!/bin/sh\n", name=name)
    held = await submitted(user, "#!/bin/sh\n#SBATCH --hold\n", name=name)
    await recorded(user, ended, 1)

    listing = sshd_log.from_now()
    nodes = (await user.ask(LIST, filter={"name": name}, first=MANY))["system"]["jobs"]["nodes"]
    assert {held, ended} < {node["jobId"] for node in nodes}
    assert next(node for node in nodes if node["jobId"] == held)["steps"] == []
    assert listing.commands() == 2, "squeue and sacct"

    with_scripts = sshd_log.from_now()
    nodes = (await user.ask(LIST, filter={"name": name}, first=MANY, script=True))["system"]["jobs"]["nodes"]
    assert {node["script"] for node in nodes} == {tasks, "#!/bin/sh\n", "#!/bin/sh\n#SBATCH --hold\n"}
    assert with_scripts.commands() == 3, "and one for all the scripts"

    by_ids = sshd_log.from_now()
    ids = [array, ended, held, f"{array}_2"]
    aliases = " ".join(f'j{n}: job(jobId: "{job_id}") {{ {DETAILS} }}' for n, job_id in enumerate(ids))
    one = (await user.ask(f'{{ system(name: "slurm") {{ {aliases} }} }}'))["system"]
    assert [one["j1"]["jobId"], one["j2"]["jobId"]] == [ended, held]
    assert by_ids.commands() == 2
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [array, held]})


async def test_a_script_is_its_users_own(user: Client, other_user: Client) -> None:
    job_id = await submitted(other_user, "#!/bin/sh\necho secret\n")
    assert (await user.post(JOB, id=job_id)).json()["data"]["system"]["job"] is None
    assert (await other_user.ask(JOB, id=job_id))["system"]["job"]["script"] == "#!/bin/sh\necho secret\n"


async def test_the_account_tells_what_jobs_are_charged_to(user: Client) -> None:
    [project] = (await user.ask(PROJECTS % "slurm"))["system"]["account"]["projects"]
    assert (project["name"], project["default"]) == ("demo", True)
    assert 0 <= project["fairShare"] <= 1


async def test_direct_has_no_accounts_and_no_accounting_and_says_so(user: Client) -> None:
    local = f'{{ system(name: "local") {{ account {{ home projects {{ name }} }} jobs {{ nodes {{ {DETAILS} }} }} }} }}'
    await user.ask(SUBMIT, input={"system": "local", "script": "#!/bin/sh\n"})
    said = (await user.post(local)).json()
    assert said["data"]["system"]["account"] == {"home": said["data"]["system"]["account"]["home"], "projects": None}
    assert said["data"]["system"]["jobs"]["nodes"][0]["steps"] is None
    assert {error["extensions"]["code"] for error in said["errors"]} == {"UNSUPPORTED"}
