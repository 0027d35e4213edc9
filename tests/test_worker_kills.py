"""A worker killed at any moment of a submission: the task succeeds all the same, and exactly one job exists."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo
from firecrest_gql.jobs.submission import key_of
from tests.client import Client
from tests.cut_road import road_to
from tests.processes import processes
from tests.service import another_worker
from tests.sizes import size
from tests.waiting import until

SUBMIT = "mutation($input: SubmitJobInput!) { submitJob(input: $input) { task { id } } }"
TASK = "query($id: ID!) { task(id: $id) { status error { message } result { ... on Job { jobId comment } } } }"
JOBS = """query($system: String!, $name: String!) {
  system(name: $system) { jobs(filter: {name: $name}) { nodes { jobId } } }
}"""
BOTH = pytest.mark.parametrize("system", ["local", pytest.param("slurm", marks=pytest.mark.slurm)])
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


async def submit(user: Client, system: str, name: str, **more: str) -> str:
    """Submit a job that lasts; the task's id."""
    job = {"system": system, "name": name, "script": "#!/bin/sh\nsleep 60\n", **more}
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


@BOTH
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


@BOTH
@pytest.mark.usefixtures("no_worker")
async def test_twenty_submissions_at_once_with_one_key_and_a_worker_killed_among_them_leave_one_job(
    running: Demo, demo_state: Path, user: Client, tmp_path: Path, system: str
) -> None:
    reached, name = tmp_path / "reached", f"twenty-{uuid4().hex}"
    argv = [sys.executable, "-m", "tests.held_worker", str(demo_state / "firecrest.yaml"), "after", str(reached)]
    async with Process("a held worker", argv, tmp_path / "worker.log") as held:
        early = [asyncio.create_task(submit(user, system, name, idempotencyKey=name)) for _ in range(10)]
        await until(reached.exists, what="the worker is held")
        late = [asyncio.create_task(submit(user, system, name, idempotencyKey=name)) for _ in range(10)]
        await held.kill()
        await running.worker.start()
        [task_id] = set(await asyncio.gather(*early, *late))

    job_id, _ = await job_of(user, task_id)
    assert await jobs_named(user, system, name) == [job_id]


def by_road(port: int, system: str) -> Callable[[dict[str, Any]], None]:
    """Settings that reach the system by the port where the road begins."""

    def change(settings: dict[str, Any]) -> None:
        block = next(block for block in settings["systems"] if block["name"] == system)
        block["login_nodes"] = [{"host": LOOPBACK, "port": port}]

    return change


@BOTH
@pytest.mark.usefixtures("no_worker")
async def test_an_answer_of_the_scheduler_that_is_lost_on_its_way_back_leaves_one_job(
    demo: dict[str, Any], demo_state: Path, user: Client, system: str
) -> None:
    home = next(there["home"]["fireuser"] for there in demo["systems"] if there["name"] == system)
    name = f"lost-{uuid4().hex}"
    gate = Path(home) / f"{name}.sh"  # a script that can be read once the test has written it
    os.mkfifo(gate)
    gate.chmod(0o666)
    settings = yaml.safe_load((demo_state / "firecrest.yaml").read_text())
    node = next(block for block in settings["systems"] if block["name"] == system)["login_nodes"][0]
    async with road_to(node["host"], node["port"]) as (road, port), another_worker(demo_state, by_road(port, system)):
        job = {"system": system, "name": name, "scriptPath": str(gate)}
        task_id = (await user.ask(SUBMIT, input=job))["submitJob"]["task"]["id"]
        await until(lambda: runs_with(str(gate)), what="the scheduler's program waits for the script")
        road.mute = True
        await asyncio.to_thread(gate.write_text, "#!/bin/sh\nsleep 60\n")

        async def there() -> bool:
            return await jobs_named(user, system, name) != []

        await until(there, what="the job is there and nobody was told")
        road.cut()
        job_id, _ = await job_of(user, task_id)

    assert await jobs_named(user, system, name) == [job_id]


def runs_with(word: str) -> bool:
    """Whether a process beside the envelope's has this very argument."""
    return any(word in argv[1:] and Path(argv[0]).name in ("sbatch", "cp", "head", "cat") for _, argv in processes())


def runs(program: str, word: str) -> bool:
    """Whether a process of this program has the word in an argument."""
    return any(argv[0].endswith(program) and any(word in part for part in argv) for _, argv in processes())
