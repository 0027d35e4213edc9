"""Who sees what of transfers through the store: no byte passes the server, and no URL is where others can read it."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from firecrest_gql.demo.run import Demo
from firecrest_gql.demo.slurm_daemons import run
from firecrest_gql.settings import load_settings
from firecrest_gql.tasks.connection import connect
from firecrest_gql.transfers.records import TransferRecords
from tests.client import Client
from tests.files import names
from tests.processes import processes, words_of
from tests.service import another_server, another_worker
from tests.staging import (
    COMPLETE,
    DOWNLOAD,
    PARTS,
    RESUME,
    UPLOAD,
    begin,
    downloaded,
    rest_of,
    send,
    staged,
    uploaded,
)
from tests.store_road import by_road, road_to, road_to_store
from tests.transfers import TASK_OF, carried_out, ended, file, folder_of
from tests.waiting import until

pytestmark = pytest.mark.s3
MIB = 2**20
JOB_OF = "query($id: ID!) { transfer(id: $id) { job { jobId } } }"


@pytest.mark.parametrize("either", ["local"], indirect=True)
async def test_the_bytes_of_clients_do_not_pass_the_server(
    running: Demo, demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    store = running.parts.object_store.endpoint_url
    node = yaml.safe_load((demo_state / "firecrest.yaml").read_text())["systems"][0]["login_nodes"][0]
    async with (
        road_to_store(store) as (to_store, address),
        road_to(node["host"], node["port"]) as (to_system, port),
        another_server(
            demo_state,
            "counted",
            storage={"endpoint_url": address, "public_url": store},
            systems={"login_nodes": [{"host": node["host"], "port": port}]},
        ) as described,
        road_to_store(described["graphql_url"]) as (to_server, server),
    ):
        there = Client({**described, "graphql_url": f"{server}/graphql"}, user.token)
        data, target = os.urandom(20 * MIB), workplace / "file"
        assert (await uploaded(there, data, system=either, path=str(target)))["status"] == "SUCCEEDED"
        found, _ = await downloaded(there, system=either, path=str(target))
        assert found == data
        passed = {"server": to_server.passed, "store": to_store.passed, "system": to_system.passed}
    assert all(0 < count < MIB for count in passed.values()), passed


@pytest.mark.slurm
@pytest.mark.parametrize("either", ["slurm"], indirect=True)
@pytest.mark.parametrize("kind", ["upload", "download"])
@pytest.mark.usefixtures("no_worker")
async def test_no_url_is_where_others_can_read_it(
    running: Demo, demo: dict[str, Any], demo_state: Path, user: Client, either: str, workplace: Path, kind: str
) -> None:
    assert running.slurm is not None
    async with (
        road_to_store(running.parts.object_store.endpoint_url, limit=0) as (road, address),
        another_worker(demo_state, by_road(address)),
    ):
        if kind == "upload":
            transfer = await begin(user, b"data", system=either, path=str(workplace / "file"))
            await user.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", transfer["parts"]))
        else:
            asked = {"system": either, "path": str(file(workplace / "file"))}
            transfer = (await user.ask(DOWNLOAD, input=asked))["startDownload"]["transfer"]
        await asyncio.wait_for(road.held.wait(), 60)
        assert any(argv[0] == "curl" for _, argv in processes())

        shown = [words_of(pid) for pid, _ in processes()]
        job = (await user.ask(JOB_OF, id=transfer["id"]))["transfer"]["job"]["jobId"]
        for asked_for in (("scontrol", "show", "job", "-dd", job), ("scontrol", "write", "batch_script", job, "-")):
            status, words = await run(asked_for, running.slurm.environment)
            assert (status, "firecrest" in words) == (0, True)
            shown.append(words.encode())
        assert not [words for words in shown if b"X-Amz-" in words]

        folder = folder_of(demo, either, (await user.ask(TASK_OF, id=transfer["id"]))["transfer"]["task"]["id"])
        assert private(folder)
        road.open()
        assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert rest_of(folder) == []
    assert not [log for log in (demo_state / "log").glob("*.log") if b"X-Amz-" in log.read_bytes()]


def private(folder: Path) -> bool:
    """Whether only its user can enter the folder, and read what tells of URLs in it."""
    told = [each for each in folder.iterdir() if each.is_file() and b"X-Amz-" in each.read_bytes()]
    modes = {each.name: oct(each.stat().st_mode & 0o777) for each in told}
    return modes.pop("secrets") == "0o600" and not set(modes.values()) - {"0o600"} and folder.stat().st_mode & 0o77 == 0


@pytest.fixture
async def records(demo_state: Path) -> AsyncIterator[TransferRecords]:
    """What the service keeps of transfers."""
    settings = load_settings(demo_state / "firecrest.yaml")
    redis = connect(settings.redis_url.get_secret_value())
    yield TransferRecords(redis, retention_seconds=settings.worker.transfer_retention_seconds)
    await redis.aclose()


@pytest.mark.parametrize("either", ["local"], indirect=True)
async def test_an_upload_that_nobody_goes_on_with_is_ended_and_removed(
    demo_state: Path, user: Client, either: str, workplace: Path, records: TransferRecords
) -> None:
    data = bytes(17 * MIB)
    transfer = await begin(user, data, system=either, path=str(workplace / "file"))
    await send(data, transfer["parts"][:1])

    async def noticed() -> bool:
        found = await records.load(transfer["id"])
        return found is not None and found.arrived_at is not None

    await until(noticed, what="the worker has seen the part")
    assert await staged(demo_state, transfer["id"]) != []
    await records.change(transfer["id"], arrived_at=datetime.now(UTC) - timedelta(days=8))
    task = await ended(user, transfer["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "NOT_FOUND")
    assert "no part of it has come for too long" in task["error"]["message"]
    assert (await staged(demo_state, transfer["id"]), names(workplace)) == ([], [])
    await user.ask(RESUME, id=transfer["id"])
    parts = (await user.ask(PARTS, id=transfer["id"], missing=True))["transfer"]["parts"]
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(data, parts))
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"


@pytest.mark.parametrize("either", ["local"], indirect=True)
@pytest.mark.usefixtures("no_worker")
async def test_a_site_without_a_store_starts_and_says_what_it_cannot_do(
    demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    def change(settings: dict[str, Any]) -> None:
        settings["storage"] = None

    source = file(workplace / "file")
    async with another_server(demo_state, "storeless", storage=None) as described, another_worker(demo_state, change):
        there = Client(described, user.token)
        for query, asked in ((UPLOAD, {"path": str(workplace / "new"), "size": 3}), (DOWNLOAD, {"path": str(source)})):
            error = await there.error(query, input={"system": either, **asked})
            assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UNSUPPORTED", False)
            assert "no object store" in error["message"]
        copy = {"system": either, "path": str(source), "target": str(workplace / "copy")}
        await carried_out(there, "startCopy", **copy)
    assert (workplace / "copy").read_bytes() == source.read_bytes()
