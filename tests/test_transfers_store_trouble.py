"""What can go wrong on the way through the store: flipped bits, full and closed targets, URLs that are too old."""

import asyncio
import hashlib
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from firecrest_gql.demo.run import Demo
from firecrest_gql.demo.slurm import SlurmSystem
from firecrest_gql.demo.slurm_daemons import run
from tests.client import Client
from tests.files import names
from tests.service import another_server, another_worker
from tests.staging import (
    COMPLETE,
    DISCARD,
    DOWNLOAD,
    PARTS,
    UPLOAD,
    begin,
    owner_of,
    random_file,
    send,
    staged,
    store_client,
    uploaded,
)
from tests.store_road import Road, by_road, road_to_store
from tests.transfers import FIELDS, LOCAL_FIRST, ROOM, SLURM_FIRST, TASK_OF, ended, file, folder_of, owned
from tests.waiting import until

pytestmark = pytest.mark.s3
URL_SECONDS = 10  # the least that the settings take


@pytest.fixture
async def road(running: Demo, demo_state: Path, no_worker: None) -> AsyncIterator[Road]:
    """The only road between jobs and the store, on which nothing passes yet."""
    async with (
        road_to_store(running.parts.object_store.endpoint_url, limit=0) as (road, address),
        another_worker(demo_state, by_road(address)),
    ):
        yield road


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
@pytest.mark.parametrize("with_sha256", [True, False])
async def test_a_flipped_bit_in_what_is_staged_is_found(
    road: Road, demo_state: Path, user: Client, either: str, workplace: Path, with_sha256: bool
) -> None:
    target, data = file(workplace / "file", b"old"), bytearray(os.urandom(70_000))
    given = {"sha256": hashlib.sha256(data).hexdigest()} if with_sha256 else {}
    transfer = await begin(user, len(data), system=either, path=str(target), overwrite=True, **given)
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(bytes(data), transfer["parts"]))
    await asyncio.wait_for(road.held.wait(), 60)
    [key] = await staged(demo_state, transfer["id"])
    data[40_000] ^= 1
    block = yaml.safe_load((demo_state / "firecrest.yaml").read_text())["storage"]
    async with owner_of(block) as store:
        await store.put_object(Bucket=block["bucket"], Key=key, Body=bytes(data))
    road.open()
    task = await ended(user, transfer["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "CHECKSUM_MISMATCH")
    assert (target.read_bytes(), names(workplace)) == (b"old", ["file"])


@pytest.mark.parametrize("either", SLURM_FIRST, indirect=True)
async def test_a_bit_flipped_once_on_its_way_is_fetched_again(
    road: Road, user: Client, either: str, workplace: Path
) -> None:
    data = os.urandom(2**20)
    road.flips = 1
    road.open()
    task = await uploaded(user, data, system=either, path=str(workplace / "file"))
    assert (task["status"], road.flips) == ("SUCCEEDED", 0)
    assert (workplace / "file").read_bytes() == data


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_a_download_whose_bytes_are_flipped_on_their_way_is_not_offered(
    road: Road, demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    asked = {"system": either, "path": str(file(workplace / "file", os.urandom(2**20)))}
    road.flips = 100
    road.open()
    transfer = (await user.ask(DOWNLOAD, input=asked))["startDownload"]["transfer"]
    task = await ended(user, transfer["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "CHECKSUM_MISMATCH")
    assert await staged(demo_state, transfer["id"]) == []


@pytest.mark.parametrize("either", SLURM_FIRST, indirect=True)
async def test_what_has_no_room_or_may_not_be_written_is_refused_before_the_first_byte(
    user: Client, either: str, workplace: Path, little_room: Path
) -> None:
    asked = {"system": either, "path": str(little_room / "file"), "size": 2 * ROOM}
    error = await user.error(UPLOAD, input=asked)
    assert (error["extensions"]["code"], str(2 * ROOM) in error["message"]) == ("NO_SPACE", True)
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(little_room)], check=True)
    assert await user.code(UPLOAD, input={**asked, "size": 1}) == "PERMISSION_DENIED"
    assert names(little_room) == []


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_a_disk_that_fills_while_the_job_fetches_keeps_the_old_file(
    road: Road, user: Client, either: str, workplace: Path, little_room: Path
) -> None:
    target, data = file(little_room / "file", b"old"), os.urandom(ROOM // 2)
    transfer = await begin(user, data, system=either, path=str(target), overwrite=True)
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(data, transfer["parts"]))
    await asyncio.wait_for(road.held.wait(), 60)
    file(little_room / "filler", b"x" * (3 * ROOM // 4))
    road.open()
    task = await ended(user, transfer["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "NO_SPACE"), task
    assert (target.read_bytes(), names(little_room)) == (b"old", ["file", "filler"])


def programs_but_curl(path: Path) -> Path:
    """A directory for a PATH that leads to everything else."""
    path.mkdir()
    for program in (*Path("/bin").iterdir(), *Path("/usr/bin").iterdir()):
        if program.name != "curl" and not (path / program.name).is_symlink():
            (path / program.name).symlink_to(program)
    return path


@pytest.mark.parametrize("either", ["local"], indirect=True)
async def test_a_program_that_jobs_would_not_find_is_named_before_the_transfer_is_accepted(
    demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    path, source = programs_but_curl(workplace / "bin"), file(workplace / "file")
    asked = {"system": either, "path": str(source)}
    async with another_server(demo_state, "its-path", systems={"transfers": {"path": str(path)}}) as described:
        there = Client(described, user.token)
        error = await there.error(DOWNLOAD, input=asked)
        assert (error["extensions"]["code"], "no program curl" in error["message"]) == ("UNSUPPORTED", True)
        for version in ("7.60.9", "6.99.0"):
            (path / "curl").write_text(f"#!/bin/sh\necho 'curl {version} (x86_64-pc-linux-gnu) libcurl/{version}'\n")
            (path / "curl").chmod(0o755)
            assert "7.61" in (await there.error(DOWNLOAD, input=asked))["message"]
        (path / "curl").unlink()
        (path / "curl").symlink_to("/usr/bin/curl")
        begun = (await there.ask(DOWNLOAD, input=asked))["startDownload"]["transfer"]
        assert (await ended(there, begun["id"]))["status"] == "SUCCEEDED"


@pytest.mark.parametrize("either", ["local"], indirect=True)
async def test_an_upload_is_not_accepted_while_the_store_is_away(
    demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    listed = "{ transfers(first: 1) { nodes { id } } }"
    before = await user.ask(listed)
    nowhere = {"endpoint_url": "http://127.0.0.1:9"}  # discard, where nobody listens
    async with another_server(demo_state, "no-store-there", storage=nowhere) as described:
        there = Client(described, user.token)
        error = await there.error(UPLOAD, input={"system": "local", "path": str(workplace / "file"), "size": 1})
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("STORAGE_UNAVAILABLE", True)
    assert await user.ask(listed) == before


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_progress_of_an_upload_never_falls_and_its_message_tells_what_is_done(
    road: Road, user: Client, either: str, workplace: Path
) -> None:
    data, done, messages = os.urandom(2**20), [], []
    transfer = await begin(user, data, system=either, path=str(workplace / "file"))
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(data, transfer["parts"]))
    task = (await user.ask(TASK_OF, id=transfer["id"]))["transfer"]["task"]["id"]
    async for told in user.events(f"subscription($id: ID!) {{ taskUpdated(id: $id) {{ {FIELDS} }} }}", id=task):
        messages.append(told["message"] or "")
        done.append((told["progress"] or {}).get("done", 0))
        if "All parts have arrived" in messages[-1]:
            road.open()
    assert (done, done[-1]) == (sorted(done), len(data))
    assert any("All parts have arrived. The job" in message for message in messages)


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
@pytest.mark.usefixtures("no_worker")
async def test_progress_of_a_download_is_told_part_by_part(
    running: Demo, demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    part, size = 5 * 2**20, 40 * 2**20
    asked = {"system": either, "path": str(owned(random_file(workplace / "file", size)))}
    done: list[int] = []
    async with (
        another_server(demo_state, "small-parts", storage={"part_size": part}) as described,
        road_to_store(running.parts.object_store.endpoint_url, limit=size - 2 * part) as (road, address),
        another_worker(demo_state, by_road(address)),
    ):
        there = Client(described, user.token)
        begun = (await there.ask(DOWNLOAD, input=asked))["startDownload"]
        updates = f"subscription($id: ID!) {{ taskUpdated(id: $id) {{ {FIELDS} }} }}"
        async for told in there.events(updates, id=begun["task"]["id"]):
            done.append((told["progress"] or {}).get("done", 0))
            if done[-1] > 0:
                road.open()
        await there.ask(DISCARD, id=begun["transfer"]["id"])
    assert (done, done[-1]) == (sorted(done), size)
    assert any(0 < count < size for count in done)


def hurried(settings: dict[str, Any]) -> None:
    """URLs are good for seconds."""
    settings["storage"]["url_seconds"] = URL_SECONDS


@asynccontextmanager
async def nothing_begins(slurm: SlurmSystem) -> AsyncIterator[None]:
    """Jobs of transfers stay in the queue."""
    of_partition = ("scontrol", "update", "PartitionName=xfer")
    await run((*of_partition, "State=DOWN"), slurm.environment)
    try:
        yield
    finally:
        await run((*of_partition, "State=UP"), slurm.environment)


def url_in(secrets: Path) -> str:
    """The first of the URLs that a job has."""
    return secrets.read_text().split('"')[1]


async def is_too_old(url: str) -> None:
    """Wait until the store refuses the URL, which it did not at first."""

    async def refused() -> bool:
        async with store_client() as store:
            return (await store.get(url)).status_code == 403

    assert not await refused()
    await until(refused, what="the URL is too old")


@pytest.mark.slurm
@pytest.mark.parametrize("either", ["slurm"], indirect=True)
@pytest.mark.usefixtures("no_worker")
async def test_urls_that_expire_before_the_job_begins_are_renewed(
    running: Demo, demo: dict[str, Any], demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    assert running.slurm is not None
    async with another_worker(demo_state, hurried):
        async with nothing_begins(running.slurm):
            transfer = await begin(user, b"data", system=either, path=str(workplace / "file"))
            await user.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", transfer["parts"]))
            key = (await user.ask(TASK_OF, id=transfer["id"]))["transfer"]["task"]["id"]
            secrets = folder_of(demo, either, key) / "secrets"
            await until(secrets.exists, what="the job is submitted")
            await is_too_old(url_in(secrets))
        task = await ended(user, transfer["id"])
    assert (task["status"], (workplace / "file").read_bytes()) == ("SUCCEEDED", b"data"), task


@pytest.mark.parametrize("either", ["local"], indirect=True)
@pytest.mark.usefixtures("no_worker")
async def test_urls_that_expire_while_the_store_is_silent_are_renewed(
    running: Demo, demo: dict[str, Any], demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    path = str(file(workplace / "file"))
    async with road_to_store(running.parts.object_store.endpoint_url, limit=0) as (road, address):

        def change(settings: dict[str, Any]) -> None:
            hurried(settings)
            by_road(address)(settings)

        async with another_worker(demo_state, change):
            begun = (await user.ask(DOWNLOAD, input={"system": either, "path": path}))["startDownload"]
            await asyncio.wait_for(road.held.wait(), 60)
            secrets = folder_of(demo, either, begun["task"]["id"]) / "secrets"
            old = url_in(secrets)
            await until(lambda: url_in(secrets) != old, what="the URLs are renewed")
            [signed] = parse_qs(urlsplit(old).query)["X-Amz-Date"]
            expiry = datetime.strptime(signed, "%Y%m%dT%H%M%S%z") + timedelta(seconds=URL_SECONDS)
            await until(lambda: datetime.now(UTC) > expiry, what="the first URLs are too old")
            road.open()
            assert (await ended(user, begun["transfer"]["id"]))["status"] == "SUCCEEDED"


@pytest.mark.parametrize("either", ["local"], indirect=True)
async def test_a_part_whose_url_is_too_old_is_sent_to_a_new_one(
    running: Demo, demo: dict[str, Any], demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    async with another_server(demo_state, "brief", storage={"url_seconds": URL_SECONDS}) as described:
        there = Client(described, user.token)
        transfer = await begin(there, b"data", system=either, path=str(workplace / "file"))
        [part] = transfer["parts"]
        expiry = datetime.fromisoformat(part["urlExpiresAt"])
        await until(lambda: datetime.now(UTC) > expiry, what="the URL is too old")
        async with store_client() as store:
            assert (await store.put(part["url"], content=b"data")).status_code == 403
        [part] = (await there.ask(PARTS, id=transfer["id"]))["transfer"]["parts"]
        await there.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", [part]))
        assert (await ended(there, transfer["id"]))["status"] == "SUCCEEDED"
