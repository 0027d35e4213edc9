"""Uploads, downloads and copies that are taken up again: what is still staged is not sent again, what is gone is."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from firecrest_gql.demo.run import Demo
from tests.client import Client
from tests.service import another_server, another_worker
from tests.staging import (
    COMPLETE,
    DISCARD,
    DOWNLOAD,
    DOWNLOADED,
    PARTS,
    RESUME,
    begin,
    fetched,
    owner_of,
    random_file,
    send,
    sha256_of,
    staged,
    unfinished,
)
from tests.store_road import by_road, road_to_store
from tests.test_transfers_outages import CANCEL_JOB, JOBS
from tests.transfers import CANCEL, LOCAL_FIRST, TASK_OF, ended, owned, tree

pytestmark = pytest.mark.s3
PART = 5 * 2**20
WHOLE = 8 * PART - 1


@dataclass(frozen=True)
class Halfway:
    """A transfer that has failed, its user at a server with small parts, and the SHA-256 of its file."""

    user: Client
    transfer: str
    sha256: str


@pytest.mark.parametrize("either", ["local"], indirect=True)
@pytest.mark.usefixtures("no_worker")
async def test_an_upload_that_is_cancelled_before_a_worker_sees_it_leaves_nothing_at_the_store(
    demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    transfer = await begin(user, b"data", system=either, path=str(workplace / "file"))
    await send(b"data", transfer["parts"])
    task = (await user.ask(TASK_OF, id=transfer["id"]))["transfer"]["task"]
    assert len(await staged(demo_state, transfer["id"])) == 1
    assert (await user.ask(CANCEL, id=task["id"]))["cancelTask"]["task"]["status"] == "CANCELLED"
    assert await staged(demo_state, transfer["id"]) == []


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
@pytest.mark.parametrize("mutation", [CANCEL, DISCARD], ids=["cancelled", "discarded"])
async def test_an_upload_that_was_given_up_can_be_sent_once_more(
    user: Client, either: str, workplace: Path, mutation: str
) -> None:
    transfer = await begin(user, b"data", system=either, path=str(workplace / "file"))
    await send(b"data", transfer["parts"])
    task = (await user.ask(TASK_OF, id=transfer["id"]))["transfer"]["task"]
    await user.ask(mutation, id=task["id"] if mutation == CANCEL else transfer["id"])
    assert (await ended(user, transfer["id"]))["status"] == "CANCELLED"
    await user.ask(RESUME, id=transfer["id"])
    parts = (await user.ask(PARTS, id=transfer["id"], missing=True))["transfer"]["parts"]
    assert [part["number"] for part in parts] == [1]
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", parts))
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert (workplace / "file").read_bytes() == b"data"


@pytest.mark.parametrize("either", ["local"], indirect=True)
async def test_an_upload_whose_object_was_swept_before_it_was_taken_up_again_is_sent_once_more(
    demo_state: Path, user: Client, either: str, workplace: Path
) -> None:
    folder = owned(tree(workplace / "folder", 0))
    transfer = await begin(user, b"data", system=either, path=str(folder / "file"))
    folder.rename(workplace / "away")
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", transfer["parts"]))
    assert (await ended(user, transfer["id"]))["error"]["code"] == "NOT_FOUND"
    (workplace / "away").rename(folder)
    block = yaml.safe_load((demo_state / "firecrest.yaml").read_text())["storage"]
    async with owner_of(block) as store:
        [key] = await staged(demo_state, transfer["id"])
        await store.delete_object(Bucket=block["bucket"], Key=key)
    await user.ask(RESUME, id=transfer["id"])
    parts = (await user.ask(PARTS, id=transfer["id"], missing=True))["transfer"]["parts"]
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", parts))
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert (folder / "file").read_bytes() == b"data"


@pytest_asyncio.fixture(loop_scope="session")
async def halfway(
    running: Demo, demo_state: Path, user: Client, either: str, workplace: Path, no_worker: None
) -> AsyncIterator[Halfway]:
    """A download whose job was cancelled when some parts of it had arrived."""
    source = random_file(workplace / "file", WHOLE)
    asked = {"system": either, "path": str(owned(source))}
    store = running.parts.object_store.endpoint_url
    async with another_server(demo_state, "small-parts", storage={"part_size": PART}) as described:
        there = Client(described, user.token)
        async with (
            road_to_store(store, limit=WHOLE - 2 * PART) as (road, address),
            another_worker(demo_state, by_road(address)),
        ):
            begun = (await there.ask(DOWNLOAD, input=asked))["startDownload"]["transfer"]
            await asyncio.wait_for(road.held.wait(), 60)
            jobs = (await there.ask(JOBS, system=either))["system"]["jobs"]["nodes"]
            await there.ask(CANCEL_JOB, system=either, id=jobs[0]["jobId"])
            assert (await ended(there, begun["id"]))["error"]["code"] == "JOB_FAILED"
        yield Halfway(there, begun["id"], sha256_of(source))


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_a_download_that_failed_halfway_sends_its_missing_parts_alone(
    running: Demo, demo_state: Path, halfway: Halfway
) -> None:
    there, transfer_id = halfway.user, halfway.transfer
    arrived = await bytes_at_store(demo_state, transfer_id)
    assert arrived >= PART
    async with (
        road_to_store(running.parts.object_store.endpoint_url) as (road, address),
        another_worker(demo_state, by_road(address)),
    ):
        await there.ask(RESUME, id=transfer_id)
        assert (await ended(there, transfer_id))["status"] == "SUCCEEDED"
    assert road.passed < WHOLE - arrived + PART // 2
    transfer = (await there.ask(DOWNLOADED, id=transfer_id))["transfer"]
    assert await fetched(transfer["downloadUrl"]) == transfer["sha256"] == halfway.sha256
    await there.ask(DISCARD, id=transfer_id)


@pytest.mark.parametrize("either", ["local"], indirect=True)
async def test_of_a_download_that_failed_halfway_nothing_stays_when_it_is_discarded(
    demo_state: Path, halfway: Halfway
) -> None:
    assert len(await unfinished(demo_state, halfway.transfer)) == 1
    await halfway.user.ask(DISCARD, id=halfway.transfer)
    assert await staged(demo_state, halfway.transfer) == []


async def bytes_at_store(state: Path, transfer_id: str) -> int:
    """How many bytes of the transfer have arrived there in whole parts."""
    block = yaml.safe_load((state / "firecrest.yaml").read_text())["storage"]
    async with owner_of(block) as store:
        [upload] = [
            each
            for each in (await store.list_multipart_uploads(Bucket=block["bucket"])).get("Uploads", ())
            if each["Key"].endswith(transfer_id)
        ]
        parts = await store.list_parts(Bucket=block["bucket"], Key=upload["Key"], UploadId=upload["UploadId"])
    return sum(part["Size"] for part in parts.get("Parts", ()))
