"""Transfers through the store that end badly on our side: half accepted, or with a system that stops to make sense."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.run import Demo
from firecrest_gql.settings import load_settings
from firecrest_gql.tasks import keys
from firecrest_gql.tasks.connection import connect
from tests.client import Client
from tests.files import names
from tests.processes import belongs_to, processes
from tests.service import another_worker
from tests.staging import COMPLETE, DOWNLOAD, begin, rest_of, send, staged
from tests.store_road import by_road, road_to_store
from tests.transfers import CANCEL, TASK_OF, ended, file, folder_of
from tests.waiting import until

pytestmark = [
    pytest.mark.s3,
    pytest.mark.usefixtures("no_worker"),
    pytest.mark.parametrize("either", ["local"], indirect=True),
]
TASK = "query($id: ID!) { task(id: $id) { final status error { code message retryable } } }"
URL_SECONDS = 10  # the least that the settings take


@pytest.fixture
async def redis(demo_state: Path) -> AsyncIterator[Any]:
    """Where the service keeps its records."""
    connected = connect(load_settings(demo_state / "firecrest.yaml").redis_url.get_secret_value())
    yield connected
    await connected.aclose()


async def final(user: Client, task_id: str) -> dict[str, Any]:
    """The task at its end."""
    task: dict[str, Any] = {}

    async def at_its_end() -> bool:
        task.update((await user.ask(TASK, id=task_id))["task"])
        return bool(task["final"])

    await until(at_its_end, what=task_id)
    return task


async def test_an_upload_whose_server_died_before_its_record_is_made_whole_by_the_same_key(
    running: Demo, user: Client, workplace: Path, redis: Any
) -> None:
    asked = {"system": "local", "path": str(workplace / "file"), "idempotencyKey": str(workplace)}
    first = await begin(user, b"data", **asked)
    await redis.delete(keys.transfer(first["id"]))
    await running.worker.start()
    again = await begin(user, b"data", **asked)
    assert (again["id"], again["size"], [part["size"] for part in again["parts"]]) == (first["id"], 4, [4])
    await user.ask(COMPLETE, id=again["id"], parts=await send(b"data", again["parts"]))
    assert (await ended(user, again["id"]))["status"] == "SUCCEEDED"
    assert (workplace / "file").read_bytes() == b"data"


async def test_a_download_whose_server_died_before_its_record_fails_and_is_not_empty(
    running: Demo, user: Client, workplace: Path, redis: Any
) -> None:
    asked = {"system": "local", "path": str(file(workplace / "file"))}
    begun = (await user.ask(DOWNLOAD, input=asked))["startDownload"]
    await redis.delete(keys.transfer(begun["transfer"]["id"]))
    fixed = json.loads(await redis.hget(keys.task(begun["task"]["id"]), "fixed"))
    fixed["created_at"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await redis.hset(keys.task(begun["task"]["id"]), "fixed", json.dumps(fixed))
    await running.worker.start()
    task = await final(user, begun["task"]["id"])
    assert (task["status"], task["error"]["code"], task["error"]["retryable"]) == ("FAILED", "CONFLICT", True)
    assert "start it anew" in task["error"]["message"]


async def halfway(user: Client, kind: str, workplace: Path) -> str:
    """The transfer of this kind, begun."""
    if kind == "download":
        asked = {"system": "local", "path": str(file(workplace / "file", os.urandom(1000)))}
        return str((await user.ask(DOWNLOAD, input=asked))["startDownload"]["transfer"]["id"])
    transfer = await begin(user, b"data", system="local", path=str(workplace / "file"))
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", transfer["parts"]))
    return str(transfer["id"])


def at_work(folder: Path) -> list[int]:
    """The processes of the job with this folder."""
    return [pid for pid, argv in processes() if belongs_to(folder, pid, argv)]


@pytest.mark.parametrize("kind", ["upload", "download"])
@pytest.mark.parametrize("wish", ["cancelled", "gone on with"])
async def test_a_task_that_ends_while_its_job_runs_ends_the_job(
    running: Demo,
    demo: dict[str, Any],
    demo_state: Path,
    user: Client,
    workplace: Path,
    tmp_path: Path,
    kind: str,
    wish: str,
) -> None:
    before = ["file"] if kind == "download" else []
    nonsense = tmp_path / "nonsense"
    async with (
        road_to_store(running.parts.object_store.endpoint_url, limit=0) as (road, address),
        another_worker(demo_state, by_road(address), held=("queue", str(nonsense))),
    ):
        transfer = await halfway(user, kind, workplace)
        await asyncio.wait_for(road.held.wait(), 60)
        task = (await user.ask(TASK_OF, id=transfer))["transfer"]["task"]["id"]
        folder = folder_of(demo, "local", task)
        nonsense.touch()
        if wish == "cancelled":
            await user.ask(CANCEL, id=task)
        told = await ended(user, transfer)
        assert (told["status"], told["error"]["code"]) == ("FAILED", "COMMAND_FAILED"), told
        await until(lambda: not at_work(folder), what="the job has ended")
        assert rest_of(folder) == []
        if (kind, wish) != ("upload", "gone on with"):  # its parts stay for `resumeTransfer`
            assert await staged(demo_state, transfer) == []
        assert names(workplace) == before


async def test_a_renewal_that_fails_once_is_tried_again_and_does_not_end_the_transfer(
    running: Demo, demo: dict[str, Any], demo_state: Path, user: Client, workplace: Path
) -> None:
    async with road_to_store(running.parts.object_store.endpoint_url, limit=0) as (road, address):

        def change(settings: dict[str, Any]) -> None:
            settings["storage"]["url_seconds"] = URL_SECONDS
            by_road(address)(settings)

        async with another_worker(demo_state, change) as worker:
            transfer = await halfway(user, "download", workplace)
            await asyncio.wait_for(road.held.wait(), 60)
            task = (await user.ask(TASK_OF, id=transfer))["transfer"]["task"]["id"]
            folder = folder_of(demo, "local", task)
            old = (folder / "secrets").read_text()
            folder.chmod(0o500)
            await until(lambda: "could not be renewed" in worker.log.read_text(), what="a renewal has failed")
            folder.chmod(0o700)
            await until(lambda: (folder / "secrets").read_text() != old, what="the URLs are renewed")
            road.open()
            assert (await ended(user, transfer))["status"] == "SUCCEEDED"
