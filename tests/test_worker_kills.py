"""A worker killed at any moment of a submission: the task succeeds all the same, and exactly one job exists."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.process import Process
from firecrest_gql.settings import load_settings
from tests.client import Client
from tests.processes import environment_of, processes
from tests.waiting import until

SUBMIT = "mutation($input: SubmitJobInput!) { submitJob(input: $input) { task { id } } }"
TASK = "query($id: ID!) { task(id: $id) { status error { message } result { ... on Job { jobId comment } } } }"
JOBS = """query($system: String!, $name: String!) {
  system(name: $system) { jobs(filter: {name: $name}) { nodes { jobId } } }
}"""

Spawn = Callable[..., Awaitable[Process]]

SYSTEMS = ["local", pytest.param("slurm", marks=pytest.mark.slurm)]


def workers_of(state: str) -> list[int]:
    """The process ids of the demo's workers, held ones included."""
    ours = {"worker", "tests.held_worker"}
    return [pid for pid, argv in processes() if f"{state}/firecrest.yaml" in argv and not ours.isdisjoint(argv)]


def kill_workers(state: str) -> None:
    """`kill -9` to each."""
    for pid in workers_of(state):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def spawn(demo: dict[str, Any], replacement: Spawn) -> AsyncIterator[Spawn]:
    """Starts workers in place of the demo's own, which is dead; afterwards an ordinary one lives again."""
    state = Path(demo["state"])
    kill_workers(str(state))
    async with AsyncExitStack() as stack:

        async def start(*argv: str) -> Process:
            process = Process("a worker", [sys.executable, "-m", *argv], state / "log" / "test-worker.log")
            return await stack.enter_async_context(process)

        yield start
    await replacement()


@pytest.fixture(scope="session")
async def replacement(demo: dict[str, Any]) -> AsyncIterator[Spawn]:
    """Starts an ordinary worker that lives as long as the demo."""
    state = Path(demo["state"])
    async with AsyncExitStack() as stack:

        async def start() -> Process:
            argv = [sys.executable, "-m", "firecrest_gql.cli", "worker", "--config", str(state / "firecrest.yaml")]
            return await stack.enter_async_context(Process("a worker", argv, state / "log" / "worker.log"))

        yield start


def ordinary(state: str) -> list[str]:
    """The arguments of an ordinary worker."""
    return ["firecrest_gql.cli", "worker", "--config", f"{state}/firecrest.yaml"]


async def succeeds(user: Client, task_id: str) -> str:
    """Wait until the task has succeeded; its job's id."""
    task: dict[str, Any] = {}

    async def final() -> bool:
        nonlocal task
        task = (await user.ask(TASK, id=task_id))["task"]
        return task["status"] in ("SUCCEEDED", "FAILED", "CANCELLED")

    await until(final, what=task_id)
    assert task["status"] == "SUCCEEDED", task
    return str(task["result"]["jobId"])


async def jobs_named(user: Client, system: str, name: str) -> list[str]:
    """The ids of the jobs with this name, in queue and accounting."""
    return [job["jobId"] for job in (await user.ask(JOBS, system=system, name=name))["system"]["jobs"]["nodes"]]


async def submit(user: Client, system: str, name: str) -> str:
    """Submit a job that lasts; the task's id."""
    job = {"system": system, "name": name, "script": "#!/bin/sh\nsleep 60\n"}
    return str((await user.ask(SUBMIT, input=job))["submitJob"]["task"]["id"])


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_worker_killed_around_the_submission_leaves_one_job(
    demo: dict[str, Any], user: Client, spawn: Spawn, tmp_path: Path, system: str, moment: str
) -> None:
    state, reached, name = demo["state"], tmp_path / "reached", f"kill-{moment}-{tmp_path.name}"
    await spawn("tests.held_worker", f"{state}/firecrest.yaml", moment, str(reached))
    task_id = await submit(user, system, name)
    await until(reached.exists, what="the worker is held")
    kill_workers(state)

    await spawn(*ordinary(state))
    job_id = await succeeds(user, task_id)

    assert await jobs_named(user, system, name) == [job_id]


@pytest.mark.slurm
async def test_a_worker_killed_while_sbatch_runs_leaves_one_job(
    demo: dict[str, Any], user: Client, spawn: Spawn, tmp_path: Path
) -> None:
    state, name = demo["state"], f"kill-during-{tmp_path.name}"
    await spawn(*ordinary(state))
    controller = controller_of(state)
    os.kill(controller, signal.SIGSTOP)
    try:
        task_id = await submit(user, "slurm", name)
        await until(lambda: running("sbatch", task_id), what="sbatch waits for the controller")
        kill_workers(state)
    finally:
        os.kill(controller, signal.SIGCONT)

    await spawn(*ordinary(state))
    job_id = await succeeds(user, task_id)

    assert await jobs_named(user, "slurm", name) == [job_id]


def running(program: str, word: str) -> bool:
    """Whether a process of this program has the word in an argument."""
    return any(argv[0].endswith(program) and any(word in part for part in argv) for _, argv in processes())


def controller_of(state: str) -> int:
    """The process id of the demo's slurmctld."""
    system = load_settings(Path(state) / "firecrest.yaml").system("slurm")
    assert system is not None
    mark = f"SLURM_CONF={system.scheduler.environment['SLURM_CONF']}"
    [found] = [pid for pid, argv in processes() if argv[0].endswith("slurmctld") and mark in environment_of(pid)]
    return found
