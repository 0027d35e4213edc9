"""The examples of docs/asking-for-jobs.md run, on a real Slurm, and answer what the text says of them."""

from typing import Any

import pytest

from tests.client import Client
from tests.test_docs import ROOT, blocks
from tests.test_jobs_acts import CANCEL, running, submitted

pytestmark = [pytest.mark.slurm, pytest.mark.redis]


async def test_the_examples_of_asking_for_jobs_run(user: Client) -> None:
    details, projects, history, look = blocks(ROOT / "docs" / "asking-for-jobs.md", "graphql")
    job_id, quiet = await submitted(user), await submitted(user, stdoutPath="/dev/null")
    await running(user, job_id)
    inside: dict[str, Any] = (await user.ask(look, jobId=job_id))["attachToJob"]["task"]
    assert "sleep 600" in inside["result"]["stdoutText"]
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [job_id, quiet]})
    said = (await user.post(details)).json()
    gone = [(error["path"][-1], error["extensions"]["code"]) for error in said.get("errors", [])]
    assert set(gone) <= {("stdout", "NOT_FOUND")}, "jobs of other tests, which never began"
    told = {node["jobId"]: node["stdout"] for node in said["data"]["system"]["jobs"]["nodes"]}
    assert job_id in told
    assert told[quiet] is None
    assert (await user.ask(projects))["system"]["account"]["projects"]
    task = (await user.ask(history))["queryJobs"]["task"]
    assert (task["status"], task["message"]) == ("SUCCEEDED", None)
    assert job_id in [node["jobId"] for node in task["result"]["jobs"]["nodes"]]
