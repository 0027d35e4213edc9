"""Transfers while something fails: workers, jobs, the scheduler, the disk. Each ends well, or says truly why not."""

import os
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo
from tests.client import Client
from tests.files import names
from tests.processes import processes, words_of
from tests.sizes import size
from tests.transfers import (
    LOCAL_FIRST,
    MANY,
    ROOM,
    SLURM_FIRST,
    TASK_OF,
    ended,
    file,
    folder_of,
    home_of,
    owned,
    refused,
    start,
    stopped,
    tree,
)
from tests.waiting import until

SLURM = [pytest.param(moment, "slurm", marks=pytest.mark.slurm) for moment in ("before", "after")]
KILLS = [SLURM[0], ("after", "local"), ("before", "local"), SLURM[1]][: size(2, 4)]
HOLDING = """mutation($system: String!, $script: String!) {
    submitJob(input: {system: $system, script: $script}, waitSeconds: 30) {
        task { result { ... on Job { jobId } } } } }"""
CANCEL_JOB = """mutation($system: String!, $id: String!) {
    cancelJobs(input: {system: $system, jobIds: [$id]}, waitSeconds: 30) { task { status } } }"""
JOB_OF = "query($id: ID!) { transfer(id: $id) { job { jobId state } } }"
JOBS = """query($system: String!) { system(name: $system) {
    jobs(filter: {name: "firecrest-transfer", states: [PENDING, RUNNING, COMPLETING]}) { nodes { jobId } } } }"""


async def told(user: Client, transfer_id: str) -> dict[str, Any]:
    """The transfer's task as it is now."""
    return dict((await user.ask(TASK_OF, id=transfer_id))["transfer"]["task"])


def slurmd_of(running: Demo) -> int:
    """The process of the cluster's only node."""
    assert running.slurm is not None
    configuration = running.slurm.environment["SLURM_CONF"].encode()
    [found] = [pid for pid, argv in processes() if argv[0].endswith("/slurmd") and configuration in words_of(pid)]
    return found


@pytest.mark.parametrize(("moment", "either"), KILLS, indirect=["either"])
@pytest.mark.parametrize("kill", range(size(1, 5)))
@pytest.mark.usefixtures("no_worker")
async def test_a_worker_killed_around_the_submission_leaves_one_copy(
    running: Demo, demo_state: Path, user: Client, tmp_path: Path, either: str, workplace: Path, moment: str, kill: int
) -> None:
    source, reached = file(workplace / "a"), tmp_path / "reached"
    argv = [sys.executable, "-m", "tests.held_worker", str(demo_state / "firecrest.yaml"), moment, str(reached)]
    async with Process("a held worker", argv, tmp_path / "worker.log") as held:
        begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "b"))
        await until(reached.exists, what="the worker is held")
        await held.kill()

    await running.worker.start()
    task = await ended(user, begun["transfer"]["id"])

    assert task["status"] == "SUCCEEDED", task  # a second job would have found the target there
    assert (workplace / "b").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_a_worker_killed_while_the_job_runs_changes_nothing(
    running: Demo, user: Client, either: str, workplace: Path
) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    process = await stopped("cp", str(source))
    await running.worker.kill()
    os.kill(process, signal.SIGCONT)
    await running.worker.start()
    assert (await ended(user, begun["transfer"]["id"]))["status"] == "SUCCEEDED"
    assert names(workplace / "copy") == names(source)


async def test_a_job_that_somebody_ends_fails_its_transfer_and_leaves_nothing(
    user: Client, either: str, workplace: Path
) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    await stopped("cp", str(source))
    [job] = (await user.ask(JOBS, system=either))["system"]["jobs"]["nodes"]
    await user.ask(CANCEL_JOB, system=either, id=job["jobId"])
    task = await ended(user, begun["transfer"]["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "JOB_FAILED")
    assert f"job {job['jobId']} was cancelled" in task["error"]["message"]
    assert names(workplace) == ["many"]


@pytest.mark.slurm
@pytest.mark.parametrize("either", ["slurm"], indirect=True)
async def test_of_a_job_that_somebody_ends_the_scheduler_is_believed_and_not_the_program_that_failed_by_it(
    running: Demo, demo: dict[str, Any], user: Client, either: str, workplace: Path
) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    program = await stopped("cp", str(source))
    [job] = (await user.ask(JOBS, system=either))["system"]["jobs"]["nodes"]
    node = slurmd_of(running)
    os.kill(node, signal.SIGSTOP)  # so that its program dies before the job is at its end
    await user.ask(CANCEL_JOB, system=either, id=job["jobId"])
    os.kill(program, signal.SIGTERM)
    os.kill(program, signal.SIGCONT)
    await until((folder_of(demo, either, begun["task"]["id"]) / "status").exists, what="the program has ended")
    os.kill(node, signal.SIGCONT)
    task = await ended(user, begun["transfer"]["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "JOB_FAILED"), task
    assert names(workplace) == ["many"]


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_a_program_that_is_killed_fails_its_transfer_and_leaves_nothing(
    user: Client, either: str, workplace: Path
) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    os.kill(await stopped("cp", str(source)), signal.SIGKILL)
    task = await ended(user, begun["transfer"]["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "COMMAND_FAILED")
    assert names(workplace) == ["many"]


@pytest.mark.parametrize("either", SLURM_FIRST, indirect=True)
async def test_a_job_that_is_killed_with_all_its_processes_leaves_nothing(
    user: Client, demo: dict[str, Any], either: str, workplace: Path
) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    await stopped("cp", str(source))
    for pid, argv in processes():
        if any(str(source) in part or begun["task"]["id"] in part for part in argv):
            os.kill(pid, signal.SIGKILL)
    task = await ended(user, begun["transfer"]["id"])
    assert task["status"] == "FAILED", task
    assert task["error"]["code"] in ("JOB_FAILED", "COMMAND_FAILED")
    assert names(workplace) == ["many"]


async def test_a_process_that_runs_into_its_time_limit_says_so(user: Client, demo: dict[str, Any]) -> None:
    home = home_of(demo, "local") / uuid4().hex
    home.mkdir()
    source = tree(owned(home) / "many", MANY)
    begun = await start(
        user, "startCopy", system="local", path=str(source), target=str(home / "copy"), timeLimitSeconds=2
    )
    await stopped("cp", str(source))
    task = await ended(user, begun["transfer"]["id"])
    assert (task["error"]["code"], task["error"]["retryable"]) == ("JOB_FAILED", True)
    assert "timeLimitSeconds" in task["error"]["message"]
    assert names(home) == ["many"]


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_what_has_no_room_is_refused_before_the_first_byte(
    user: Client, either: str, workplace: Path, little_room: Path
) -> None:
    source = file(workplace / "large", os.urandom(2 * ROOM))
    asked = {"system": either, "path": str(source), "target": str(little_room / "copy")}
    for field in ("startCopy", "startMove"):
        code, message = await refused(user, field, **asked)
        assert (code, str(2 * ROOM) in message) == ("NO_SPACE", True)
    assert names(little_room) == []


@pytest.mark.parametrize("either", SLURM_FIRST, indirect=True)
async def test_a_disk_that_fills_up_meanwhile_fails_the_transfer_and_keeps_the_old(
    user: Client, either: str, workplace: Path, little_room: Path
) -> None:
    old, filler = file(little_room / "file", b"old"), tree(workplace / "a", 1)
    (filler / "large").write_bytes(os.urandom(2 * ROOM))
    owned(filler)
    begun = await start(user, "startSync", system=either, path=str(filler), target=str(little_room))
    task = await ended(user, begun["transfer"]["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "NO_SPACE")
    assert str(little_room) in task["error"]["message"]
    assert old.read_bytes() == b"old"


@pytest.mark.slurm
async def test_a_silent_controller_is_waited_for(running: Demo, user: Client, demo: dict[str, Any]) -> None:
    assert running.slurm is not None
    home = home_of(demo, "slurm")
    source, go = file(home / uuid4().hex), home / uuid4().hex
    script = f"#!/bin/sh\nuntil test -e {go}; do sleep 0.1; done\n"
    job_id = (await user.ask(HOLDING, system="slurm", script=script))["submitJob"]["task"]["result"]["jobId"]
    begun = await start(user, "startCopy", system="slurm", path=str(source), target=f"{source}2", afterJob=job_id)

    async def says(words: str) -> bool:
        return words in ((await told(user, begun["transfer"]["id"]))["message"] or "")

    await until(lambda: says("Waits for the job"), what="the job is submitted")
    running.slurm.freeze_controller()
    try:
        await until(lambda: says("slurm"), what="the task tells that the controller is silent")
    finally:
        running.slurm.resume_controller()
    go.touch()
    assert (await ended(user, begun["transfer"]["id"]))["status"] == "SUCCEEDED"
    for left in (source, go, Path(f"{source}2")):
        left.unlink()


async def test_what_waits_for_a_job_that_fails_is_not_done(user: Client, either: str, workplace: Path) -> None:
    source, go = file(workplace / "file"), workplace / "go"
    script = f"#!/bin/sh\nuntil test -e {go}; do sleep 0.1; done\nexit 1\n"
    job_id = (await user.ask(HOLDING, system=either, script=script))["submitJob"]["task"]["result"]["jobId"]
    begun = await start(user, "startRemove", system=either, path=str(source), afterJob=job_id)
    go.touch()
    task = await ended(user, begun["transfer"]["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "JOB_FAILED")
    assert "has not succeeded" in task["error"]["message"]
    assert source.exists()


async def test_a_process_takes_no_account(user: Client, demo: dict[str, Any]) -> None:
    source = file(home_of(demo, "local") / uuid4().hex)
    code, message = await refused(user, "startRemove", system="local", path=str(source), account="project")
    assert (code, "account" in message) == ("UNSUPPORTED", True)
    source.unlink()
