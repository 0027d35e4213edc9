"""Uploads, downloads and copies that are taken up again: what is still staged is not sent again, what is gone is."""

from pathlib import Path

import pytest
import yaml

from tests.client import Client
from tests.staging import COMPLETE, DISCARD, PARTS, RESUME, begin, owner_of, send, staged
from tests.transfers import CANCEL, LOCAL_FIRST, TASK_OF, ended, owned, tree

pytestmark = pytest.mark.s3


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
