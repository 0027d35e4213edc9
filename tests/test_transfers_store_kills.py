"""Kills in the middle of uploads and downloads: they end with the right bytes, or tell why not and leave nothing."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo
from tests.client import Client
from tests.files import names
from tests.processes import belongs_to, processes
from tests.service import another_worker
from tests.sizes import size
from tests.staging import (
    COMPLETE,
    DISCARD,
    DOWNLOAD,
    DOWNLOADED,
    PARTS,
    RESUME,
    begin,
    fetched,
    random_file,
    rest_of,
    send_from,
    sha256_of,
    staged,
    unfinished,
)
from tests.store_road import by_road, road_to_store
from tests.transfers import TASK_OF, ended, folder_of, owned
from tests.waiting import until

pytestmark = [pytest.mark.s3, pytest.mark.usefixtures("no_worker")]

SIZE = size(64, 1024) * 2**20
TRUE_REASONS = ("JOB_FAILED", "COMMAND_FAILED", "STORAGE_UNAVAILABLE")
JOB_OF = "query($id: ID!) { transfer(id: $id) { job { jobId } } }"
CANCEL_JOB = """mutation($system: String!, $id: String!) {
    cancelJobs(input: {system: $system, jobIds: [$id]}, waitSeconds: 30) { task { status } } }"""


@dataclass(frozen=True)
class Scene:
    """A transfer whose job has moved half of its bytes, and those who may be killed."""

    running: Demo
    user: Client
    worker: Process
    system: str
    transfer: str
    folder: Path  # of the job

    async def restarted(self, process: Process) -> None:
        """The process killed (`kill -9`), and another in its place."""
        process.start_seconds = 60  # the others on this machine are at work
        await process.kill()
        await process.start()

    async def job_killed(self) -> None:
        """`kill -9` of every process of the job."""
        for pid, argv in processes():
            with suppress(ProcessLookupError):
                if belongs_to(self.folder, pid, argv):
                    os.kill(pid, signal.SIGKILL)

    async def job_cancelled(self) -> None:
        """The scheduler told by its user to end the job."""
        job = (await self.user.ask(JOB_OF, id=self.transfer))["transfer"]["job"]
        await self.user.ask(CANCEL_JOB, system=self.system, id=job["jobId"])


def _slurm(scene: Scene) -> Process:
    assert scene.running.slurm is not None
    return scene.running.slurm.controller


KILLS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "worker": lambda scene: scene.restarted(scene.worker),
    "server": lambda scene: scene.restarted(scene.running.server),
    "store": lambda scene: scene.restarted(scene.running.parts.object_store.process),
    "job": Scene.job_killed,
    "cancelled": Scene.job_cancelled,
    "slurmctld": lambda scene: scene.restarted(_slurm(scene)),
}
FIRST = [
    ("receiving", "local", "worker"),
    ("sending", "local", "store"),
    ("receiving", "slurm", "cancelled"),
]
EVERY = FIRST + [
    each
    for each in product(("receiving", "sending"), ("local", "slurm"), KILLS)
    if each not in FIRST and each[1:] != ("local", "slurmctld")
]
SCENES = [
    pytest.param(*each, marks=pytest.mark.slurm if each[1] == "slurm" else ())
    for each in EVERY[: size(len(FIRST), len(EVERY))]
]


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A file to be moved, and its SHA-256."""
    made = random_file(tmp_path_factory.mktemp("body") / "file", SIZE)
    return made, sha256_of(made)


@asynccontextmanager
async def halfway(
    running: Demo, state: Path, user: Client, demo: dict[str, Any], system: str, begins: Callable[[], Awaitable[str]]
) -> AsyncIterator[tuple[Scene, Callable[[], None]]]:
    """The transfer that begins, held where half of it has passed, and what lets it go on."""
    async with (
        road_to_store(running.parts.object_store.endpoint_url, SIZE // 2) as (road, address),
        another_worker(state, by_road(address)) as worker,
    ):
        transfer = await begins()
        await asyncio.wait_for(road.held.wait(), size(60, 600))
        task = (await user.ask(TASK_OF, id=transfer))["transfer"]["task"]["id"]
        yield Scene(running, user, worker, system, transfer, folder_of(demo, system, task)), road.open


@pytest.mark.parametrize(("moment", "either", "victim"), SCENES, indirect=["either"])
async def test_what_is_killed_halfway_ends_well_or_says_why_and_can_be_taken_up_again(
    running: Demo,
    demo_state: Path,
    demo: dict[str, Any],
    user: Client,
    either: str,
    workplace: Path,
    body: tuple[Path, str],
    moment: str,
    victim: str,
) -> None:
    file, sha256 = body
    target = workplace / "file"

    async def upload() -> str:
        transfer = await begin(user, SIZE, system=either, path=str(target))
        await send_from(file, transfer["parts"])
        await user.ask(COMPLETE, id=transfer["id"])
        return str(transfer["id"])

    async def download() -> str:
        shutil.copy(file, target)
        owned(target)
        asked = {"system": either, "path": str(target)}
        return str((await user.ask(DOWNLOAD, input=asked))["startDownload"]["transfer"]["id"])

    begins = {"receiving": upload, "sending": download}[moment]
    before = ["file"] if moment == "sending" else []
    async with halfway(running, demo_state, user, demo, either, begins) as (scene, go_on):
        await KILLS[victim](scene)
        go_on()
        task = await ended(user, scene.transfer)
        if task["status"] != "SUCCEEDED":
            assert (task["status"], task["error"]["code"] in TRUE_REASONS) == ("FAILED", True), task
            assert names(workplace) == before
            assert rest_of(scene.folder) == []
            if moment == "sending":  # parts that nobody can read, for those who take it up again: they have their time
                assert await staged(demo_state, scene.transfer) == await unfinished(demo_state, scene.transfer)
            expires = (await user.ask(DOWNLOADED, id=scene.transfer))["transfer"]["expiresAt"]
            assert datetime.fromisoformat(expires) > datetime.now(UTC)
            assert (await user.ask(PARTS, id=scene.transfer, missing=True))["transfer"]["parts"] is None
            await user.ask(RESUME, id=scene.transfer)
            task = await ended(user, scene.transfer)
    assert task["status"] == "SUCCEEDED", task
    if moment == "sending":
        transfer = (await user.ask(DOWNLOADED, id=scene.transfer))["transfer"]
        assert (await fetched(transfer["downloadUrl"]), transfer["sha256"]) == (sha256, sha256)
        await user.ask(DISCARD, id=scene.transfer)
    assert sha256_of(target) == sha256
    assert (names(workplace), await staged(demo_state, scene.transfer)) == (["file"], [])
    assert rest_of(scene.folder) == []


@pytest.mark.parametrize("either", ["local"], indirect=True)
@pytest.mark.parametrize("victim", ["store", "server", "worker"][: size(1, 3)])
async def test_a_kill_while_the_client_sends_costs_no_part_that_has_arrived(
    running: Demo, demo_state: Path, user: Client, either: str, workplace: Path, body: tuple[Path, str], victim: str
) -> None:
    file, sha256 = body
    async with another_worker(demo_state, lambda _: None) as worker:
        transfer = await begin(user, SIZE, system=either, path=str(workplace / "file"), sha256=sha256)
        parts = transfer["parts"]
        half = len(parts) // 2
        await send_from(file, parts[:half])
        await KILLS[victim](Scene(running, user, worker, either, transfer["id"], workplace))

        async def missing() -> list[dict[str, Any]]:
            said = (await user.post(PARTS, id=transfer["id"], missing=True)).json()
            return (said["data"] or {}).get("transfer", {}).get("parts") or []

        await until(missing, what="the store answers again")
        left = await missing()
        assert [part["number"] for part in left] == [part["number"] for part in parts[half:]]
        await send_from(file, left)
        await user.ask(COMPLETE, id=transfer["id"])
        assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert sha256_of(workplace / "file") == sha256
