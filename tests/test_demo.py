"""`make demo` from outside: it starts, says where it is, and stops without a trace; the next start finds everything."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.embedded_privileges import owned_folder
from firecrest_gql.demo.ports import remembered_ports
from tests.client import Client, fetch_token
from tests.processes import processes
from tests.waiting import until

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-m", "firecrest_gql.cli", "demo")
READY_SECONDS, STOP_SECONDS = 60, 20

SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 20) { task { id status result { ... on Job { jobId } } } }
}"""
UPLOAD = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { file { size } } }"
FOUND = """query($task: ID!, $job: String!) {
  task(id: $task) { status }
  system(name: "local") { job(jobId: $job) { state } file(path: "~/kept") { head { text } } }
}"""


@asynccontextmanager
async def started(state: Path, port: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """The command, ready, and its `demo.json`."""
    env = {**os.environ, "FIRECREST_DEMO_STATE": str(state), "FIRECREST_DEMO_PORT": str(port)}
    child = await asyncio.create_subprocess_exec(*COMMAND, env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS):
            line = await child.stdout.readline()
        assert f"http://127.0.0.1:{port}/" in line.decode()
        yield child, json.loads((state / "demo.json").read_text())
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            await child.wait()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """The demo's folder; what it keeps elsewhere, where root's stand-in can go, is removed with it."""
    yield tmp_path / "state"
    if (tmp_path / "state").exists():
        shutil.rmtree(owned_folder(tmp_path / "state"), ignore_errors=True)


def processes_that_name(folder: Path) -> list[str]:
    """The command lines of all processes with this folder in an argument."""
    return [" ".join(argv) for _, argv in processes() if any(str(folder) in word for word in argv)]


def traces_in(state: Path) -> list[Path]:
    """Sockets, locks and promises that outlived whoever made them."""
    return [path for path in state.rglob("*") if path.is_socket() or path.name in ("lock", "demo.json")]


def processes_of_job(name: str) -> list[str]:
    """The command lines that hold this word."""
    return processes_that_name(Path(name))


async def test_it_stops_without_a_trace_and_the_next_start_finds_tasks_jobs_files_and_clients(
    state: Path, tmp_path: Path
) -> None:
    port = remembered_ports(tmp_path / "ports.json", ["server"])["server"]
    async with started(state, port) as (child, demo):
        assert (state / "demo.json").stat().st_mode & 0o777 == 0o600
        user = Client(demo, await fetch_token(demo))
        job = {"system": "local", "script": f"#!/bin/sh\nexec sleep 600 # {tmp_path}\n"}
        task = (await user.ask(SUBMIT, input=job))["submitJob"]["task"]
        assert task["status"] == "SUCCEEDED"
        said = await user.upload(UPLOAD, b"kept", input={"system": "local", "path": "~/kept", "content": None})
        assert said["data"]["uploadFile"]["file"]["size"] == 4
        child.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_SECONDS):
            assert await child.wait() == 0
    assert processes_that_name(state) == []
    assert traces_in(state) == []

    async with started(state, port) as (_, again):
        assert again["clients"] == demo["clients"]
        user = Client(again, await fetch_token(again))
        found = await user.ask(FOUND, task=task["id"], job=task["result"]["jobId"])
    assert found["task"]["status"] == "SUCCEEDED"
    assert found["system"]["job"]["state"] == "CANCELLED", "stopping the demo ends its jobs"
    assert found["system"]["file"]["head"]["text"] == "kept"


async def test_a_taken_port_is_a_clear_message(tmp_path: Path) -> None:
    port = remembered_ports(tmp_path / "ports.json", ["server"])["server"]
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server:
        env = {**os.environ, "FIRECREST_DEMO_STATE": str(tmp_path / "state"), "FIRECREST_DEMO_PORT": str(port)}
        child = await asyncio.create_subprocess_exec(*COMMAND, env=env, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
        _, said = await child.communicate()
    assert child.returncode == 1
    assert f"port {port}" in said.decode()
    assert "Traceback" not in said.decode()


@pytest.mark.parametrize("system", ["local", pytest.param("slurm", marks=pytest.mark.slurm)])
async def test_the_example_submits_a_job_and_is_told_of_everything(demo: dict[str, Any], system: str) -> None:
    argv = (sys.executable, "examples/submit_and_watch.py", "--system", system)
    env = {**os.environ, "FIRECREST_DEMO_STATE": demo["state"]}
    child = await asyncio.create_subprocess_exec(
        *argv, env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await child.communicate()
    assert child.returncode == 0, said.decode()
    assert f"on {system} is COMPLETED and said 'hello\\ndone\\n'" in said.decode()


async def test_jobs_outlive_the_death_of_every_process_of_ours(state: Path, tmp_path: Path) -> None:
    port = remembered_ports(tmp_path / "ports.json", ["server"])["server"]
    async with started(state, port) as (child, demo):
        user = Client(demo, await fetch_token(demo))
        mark = f"outlives-{tmp_path.name}"
        job = {"system": "local", "script": f"#!/bin/sh\nsh -c 'sleep 600; : {mark}'\n"}
        task = (await user.ask(SUBMIT, input=job))["submitJob"]["task"]
        child.kill()
        await child.wait()
        await until(lambda: not processes_that_name(state), what="the children die with the demo")
    assert processes_of_job(mark)

    async with started(state, port) as (_, again):
        user = Client(again, await fetch_token(again))
        query = 'query($job: String!) { system(name: "local") { job(jobId: $job) { state } } }'
        found = await user.ask(query, job=task["result"]["jobId"])
        assert found["system"]["job"]["state"] == "RUNNING"
    assert not processes_of_job(mark)
