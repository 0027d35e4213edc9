"""A worker killed at any moment of a submission: the task succeeds all the same, and exactly one job exists."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo
from firecrest_gql.jobs.submission import key_of
from tests.client import Client
from tests.processes import processes
from tests.sizes import size
from tests.waiting import until

SUBMIT = "mutation($input: SubmitJobInput!) { submitJob(input: $input) { task { id } } }"
TASK = "query($id: ID!) { task(id: $id) { status error { message } result { ... on Job { jobId comment } } } }"
JOBS = """query($system: String!, $name: String!) {
  system(name: $system) { jobs(filter: {name: $name}) { nodes { jobId } } }
}"""
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


@pytest.fixture
async def no_worker(running: Demo) -> AsyncIterator[None]:
    """The demo's worker is dead (`kill -9`); afterwards it lives again."""
    await running.worker.kill()
    yield
    if not running.worker.running:
        await running.worker.start()


async def submit(user: Client, system: str, name: str) -> str:
    """Submit a job that lasts; the task's id."""
    job = {"system": system, "name": name, "script": "#!/bin/sh\nsleep 60\n"}
    return str((await user.ask(SUBMIT, input=job))["submitJob"]["task"]["id"])


async def job_of(user: Client, task_id: str) -> tuple[str, str | None]:
    """Wait until the task has succeeded; its job's id and comment."""
    task: dict[str, Any] = {}

    async def ended() -> bool:
        nonlocal task
        task = (await user.ask(TASK, id=task_id))["task"]
        return task["status"] in FINAL

    await until(ended, what=task_id)
    assert task["status"] == "SUCCEEDED", task
    return task["result"]["jobId"], task["result"]["comment"]


async def jobs_named(user: Client, system: str, name: str) -> list[str]:
    """The ids of the jobs with this name, in queue and accounting."""
    return [job["jobId"] for job in (await user.ask(JOBS, system=system, name=name))["system"]["jobs"]["nodes"]]


@pytest.mark.parametrize("system", ["local", pytest.param("slurm", marks=pytest.mark.slurm)])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kill", range(size(1, 5)))
@pytest.mark.usefixtures("no_worker")
async def test_a_worker_killed_around_the_submission_leaves_one_job(
    running: Demo, demo_state: Path, user: Client, tmp_path: Path, system: str, moment: str, kill: int
) -> None:
    reached, name = tmp_path / "reached", f"kill-{moment}-{system}-{kill}"
    argv = [sys.executable, "-m", "tests.held_worker", str(demo_state / "firecrest.yaml"), moment, str(reached)]
    async with Process("a held worker", argv, tmp_path / "worker.log") as held:
        task_id = await submit(user, system, name)
        await until(reached.exists, what="the worker is held")
        await held.kill()

    await running.worker.start()
    job_id, comment = await job_of(user, task_id)

    assert await jobs_named(user, system, name) == [job_id]
    assert comment is None, "the mark of the task is not the user's comment"


@pytest.mark.slurm
@pytest.mark.usefixtures("no_worker")
async def test_a_worker_killed_while_sbatch_runs_leaves_one_job(running: Demo, user: Client) -> None:
    assert running.slurm is not None
    await running.worker.start()
    running.slurm.freeze_controller()
    try:
        task_id = await submit(user, "slurm", "kill-during")
        await until(lambda: runs("sbatch", key_of(task_id)), what="sbatch waits for the controller")
        await running.worker.kill()
    finally:
        running.slurm.resume_controller()

    await running.worker.start()
    job_id, _ = await job_of(user, task_id)

    assert await jobs_named(user, "slurm", "kill-during") == [job_id]


def runs(program: str, word: str) -> bool:
    """Whether a process of this program has the word in an argument."""
    return any(argv[0].endswith(program) and any(word in part for part in argv) for _, argv in processes())
