"""Jobs that slurmctld has forgotten: accounting tells of them, and their files are known all the same."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from firecrest_gql.demo.run import Demo
from firecrest_gql.demo.slurm_daemons import run
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.model.jobs import JobState
from firecrest_gql.schedulers.dialect import Shown
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.tasks.connection import connect
from tests.client import Client
from tests.jobs_recorded import Recorded, job
from tests.jobs_system import SYSTEM, ThisMachine, caller
from tests.test_jobs_acts import CANCEL, submitted
from tests.waiting import until

pytestmark = pytest.mark.redis

PURGED_WITHIN = 150
"""Seconds: slurmctld looks for jobs to forget once a minute."""
FILES = """query($job: String!) { system(name: "slurm") { job(jobId: $job) {
  state stdoutPath stderrPath stdout { tail(lines: 1) { text } } } } }"""
LISTED = 'query($ids: [String!]!) { system(name: "slurm") { jobs(filter: {jobIds: $ids}) { nodes { jobId state } } } }'
OUTPUT = 'subscription($job: String!) { jobOutput(system: "slurm", jobId: $job) { text } }'


@pytest_asyncio.fixture
async def forgetful(running: Demo) -> AsyncIterator[Demo]:
    """The demo, whose Slurm forgets jobs soon after their end."""
    assert running.slurm is not None
    environment = running.slurm.environment
    file = Path(environment["SLURM_CONF"])
    plain = file.read_text()  # noqa: ASYNC240
    file.write_text(f"{plain}MinJobAge=2\n")  # noqa: ASYNC240
    assert (await run(("scontrol", "reconfigure"), environment))[0] == 0
    yield running
    file.write_text(plain)  # noqa: ASYNC240
    await run(("scontrol", "reconfigure"), environment)


@pytest.mark.slurm
async def test_what_slurmctld_has_forgotten_is_told_with_its_files(forgetful: Demo, user: Client) -> None:
    assert forgetful.slurm is not None
    environment, home = forgetful.slurm.environment, forgetful.slurm.homes["fireuser"]
    plain = await submitted(user, "#!/bin/sh\necho plain\n")
    named = await submitted(
        user, f"#!/bin/sh\n#SBATCH --output={home}/%x-%j-%N.txt --error=/dev/null\necho named\n", name="a|b"
    )
    script = "#!/bin/sh\necho task $SLURM_ARRAY_TASK_ID\ntest $SLURM_ARRAY_TASK_ID -lt 3 || exec sleep 600\n"
    array = (await submitted(user, script, array="1-9%1")).partition("_")[0]

    async def forgotten() -> bool:
        _, known = await run(("squeue", "--noheader", "--states=all", "--format=%i"), environment)
        return not {plain, named, f"{array}_1", f"{array}_2"} & {*known.split()} and f"{array}_3" in known.split()

    await until(forgotten, seconds=PURGED_WITHIN)

    async def ended() -> bool:
        nodes = (await user.ask(LISTED, ids=[array]))["system"]["jobs"]["nodes"]
        states = {node["jobId"]: node["state"] for node in nodes}
        assert {f"{array}_3", f"{array}_[4-9%1]"} <= {*states}
        assert len(states) == len(nodes), "each once"
        return {states.get(f"{array}_{number}") for number in (1, 2)} == {"COMPLETED"}

    await until(ended)  # accounting lags

    async def told(job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await user.ask(FILES, job=job_id))["system"]["job"]
        assert found["state"] == "COMPLETED"
        return found

    expected = {
        plain: (f"{home}/slurm-{plain}.out", f"{home}/slurm-{plain}.out", "plain\n"),
        f"{array}_2": (f"{home}/slurm-{array}_2.out", f"{home}/slurm-{array}_2.out", "task 2\n"),
    }
    for job_id, files in expected.items():
        found = await told(job_id)
        assert (found["stdoutPath"], found["stderrPath"], found["stdout"]["tail"]["text"]) == files
    found = await told(named)
    assert found["stdoutPath"].startswith(f"{home}/a|b-{named}-")
    assert (found["stderrPath"], found["stdout"]["tail"]["text"]) == ("/dev/null", "named\n")
    assert "".join([chunk["text"] async for chunk in user.events(OUTPUT, job=plain)]) == "plain\n"
    await user.ask(CANCEL, input={"system": "slurm", "jobIds": [array]})


async def test_files_are_remembered_of_whom_they_are_alone(machine: ThisMachine, redis: Redis) -> None:
    class Told(Recorded):
        with_files = staticmethod(Slurm().with_files)

    recent = RecentJobs(redis)
    await recent.keep_files("local", "fireuser", "41", Shown("/dev/null", "/h/%x-%j.txt", "/h/\udcff.err"))
    await recent.keep_files("local", "somebody", "42", Shown("/dev/null", "/h/42.txt", "/h/42.txt"))
    records = [job(number, JobState.COMPLETED) for number in ("41", "42", "43")]
    jobs = Jobs(machine, {"direct": Told(records=records)}, recent)
    found = await jobs.jobs_by_id(caller(), SYSTEM, ["41", "42", "43"])
    assert [one.stdout_path for one in found] == ["/h/a job-41.txt", None, None]  # type: ignore[union-attr]
    assert found[0].stderr_path == "/h/\udcff.err"  # type: ignore[union-attr]


async def test_while_redis_is_silent_jobs_are_told_without_files(machine: ThisMachine) -> None:
    recent = RecentJobs(connect("redis://127.0.0.1:1/0"))
    records = [job("41", JobState.COMPLETED)]
    assert await recent.with_files(Slurm(), "local", records) == records
