"""Uploads and downloads through a real object store, on both systems: what arrives is what was sent, or nothing is."""

import asyncio
import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.client import Client, fetch_token
from tests.files import ODD_NAMES, names, path_of
from tests.service import another_server
from tests.sizes import size as sized
from tests.staging import (
    COMPLETE,
    DISCARD,
    DOWNLOAD,
    DOWNLOADED,
    PARTS,
    RESUME,
    UPLOAD,
    begin,
    downloaded,
    fetched,
    random_file,
    send,
    send_from,
    sha256_of,
    store_client,
    uploaded,
)
from tests.transfers import CANCEL, LOCAL_FIRST, TASK_OF, ended, file, owned, tree

pytestmark = pytest.mark.s3
MIB = 2**20
ROOT = Path(__file__).parent.parent
NODE = "query($id: ID!) { node(id: $id) { id } }"
LISTED = "{ tasks(first: 50) { nodes { id } } transfers(first: 50) { nodes { id } } }"
SIZES = [0, 1, 5 * MIB - 1, 5 * MIB + 1, sized(40, 300) * MIB]


@pytest.mark.parametrize("size", SIZES)
async def test_files_of_any_size_go_up_and_come_down(user: Client, either: str, workplace: Path, size: int) -> None:
    data, target = os.urandom(size), workplace / "file"
    sha256 = hashlib.sha256(data).hexdigest()
    task = await uploaded(user, data, system=either, path=str(target), sha256=sha256)
    assert task["status"] == "SUCCEEDED", task
    assert hashlib.sha256(target.read_bytes()).hexdigest() == sha256
    assert (target.stat().st_uid, target.stat().st_mode & 0o7777) == (target.parent.stat().st_uid, 0o644)
    found, transfer = await downloaded(user, system=either, path=str(target))
    assert (found == data, transfer["sha256"]) == (True, sha256)


@pytest.mark.parametrize("either", LOCAL_FIRST, indirect=True)
async def test_a_file_larger_than_memory_need_be_goes_up_and_comes_down(
    user: Client, either: str, workplace: Path, tmp_path: Path
) -> None:
    source = random_file(tmp_path / "source", sized(17, 2048) * MIB)
    sha256, size, target = sha256_of(source), source.stat().st_size, workplace / "file"
    transfer = await begin(user, size, system=either, path=str(target), sha256=sha256)
    await send_from(source, transfer["parts"])
    await user.ask(COMPLETE, id=transfer["id"])
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert sha256_of(target) == sha256
    begun = (await user.ask(DOWNLOAD, input={"system": either, "path": str(target)}))["startDownload"]["transfer"]
    assert (await ended(user, begun["id"]))["status"] == "SUCCEEDED"
    found = (await user.ask(DOWNLOADED, id=begun["id"]))["transfer"]
    assert (await fetched(found["downloadUrl"]), found["sha256"], found["size"]) == (sha256, sha256, size)
    await user.ask(DISCARD, id=begun["id"])
    source.unlink()


@pytest.mark.parametrize("name", ODD_NAMES[: sized(3, len(ODD_NAMES))])
async def test_files_of_any_name_go_up_and_come_down(user: Client, either: str, workplace: Path, name: str) -> None:
    data, target = os.urandom(70_000), workplace / name
    task = await uploaded(user, data, system=either, path=path_of(target), mode="0600")
    assert (task["status"], target.read_bytes() == data) == ("SUCCEEDED", True), task
    assert oct(target.stat().st_mode & 0o7777) == "0o600"
    found, _ = await downloaded(user, system=either, path=path_of(target))
    assert found == data


async def test_a_directory_comes_down_as_an_archive(user: Client, either: str, workplace: Path) -> None:
    source = tree(workplace / "dir ectory", sized(300, 10_000))
    (source / "it's\n").write_bytes(b"odd")
    (source / "link").symlink_to("7")
    owned(source)
    archive, transfer = await downloaded(user, system=either, path=str(source))
    assert transfer["headers"]["content-disposition"] == "attachment; filename*=UTF-8''dir%20ectory.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(archive)) as found:
        entries = {entry.name: entry for entry in found.getmembers()}
        assert sorted(entries) == sorted(["dir ectory", *(f"dir ectory/{name}" for name in names(source))])
        member = found.extractfile("dir ectory/42")
        assert member is not None
        assert (member.read(), entries["dir ectory/link"].linkname) == (b"42", "7")


async def test_what_cannot_work_is_refused_before_the_first_byte(user: Client, either: str, workplace: Path) -> None:
    file(workplace / "old", b"old")
    closed = owned(tree(workplace / "closed", 1))
    closed.chmod(0o555)
    for given, code in (
        ({"path": str(workplace / "none" / "file")}, "NOT_FOUND"),
        ({"path": str(workplace / "old" / "file")}, "NOT_A_DIRECTORY"),
        ({"path": str(closed / "file")}, "PERMISSION_DENIED"),
        ({"path": str(workplace / "old")}, "ALREADY_EXISTS"),
        ({"path": str(closed), "overwrite": True}, "IS_A_DIRECTORY"),
        ({"path": "relative"}, "INVALID_INPUT"),
        ({"path": "~"}, "PERMISSION_DENIED"),
        ({"size": -1}, "INVALID_INPUT"),
        ({"size": 5 * 2**40 + 1}, "TOO_LARGE"),
        ({"size": 5 * 2**40}, "NO_SPACE"),
        ({"sha256": "0" * 63}, "INVALID_INPUT"),
        ({"sha256": "G" * 64}, "INVALID_INPUT"),
        ({"mode": "u+x"}, "INVALID_INPUT"),
        ({"account": "two words"}, "INVALID_INPUT"),
        ({"system": "nowhere"}, "NOT_FOUND"),
    ):
        asked = {"system": either, "path": str(workplace / "new"), "size": 3, **given}
        assert (await user.error(UPLOAD, input=asked))["extensions"]["code"] == code, given
    for given, code in (
        ({"path": str(workplace / "none")}, "NOT_FOUND"),
        ({"compression": "ZIP"}, "UNSUPPORTED"),
        ({"path": "/etc/shadow"}, "PERMISSION_DENIED"),
        ({"path": "/dev/null"}, "PERMISSION_DENIED"),
    ):
        asked = {"system": either, "path": str(workplace / "old"), **given}
        assert (await user.error(DOWNLOAD, input=asked))["extensions"]["code"] == code, given
    assert names(workplace) == ["closed", "old"]


async def test_an_old_file_is_replaced_where_that_is_asked(user: Client, either: str, workplace: Path) -> None:
    target = file(workplace / "file", b"old")
    task = await uploaded(user, b"new", system=either, path=str(target), overwrite=True)
    assert (task["status"], target.read_bytes()) == ("SUCCEEDED", b"new")


async def test_the_wrong_checksum_leaves_the_old_file_as_it_was(user: Client, either: str, workplace: Path) -> None:
    target = file(workplace / "file", b"old")
    task = await uploaded(user, b"new", system=either, path=str(target), overwrite=True, sha256="0" * 64)
    assert (task["status"], task["error"]["code"]) == ("FAILED", "CHECKSUM_MISMATCH")
    assert (target.read_bytes(), names(workplace)) == (b"old", ["file"])


async def test_the_server_notices_that_all_parts_are_there(user: Client, either: str, workplace: Path) -> None:
    data = os.urandom(100)
    transfer = await begin(user, data, system=either, path=str(workplace / "file"))
    await send(data, transfer["parts"])
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert (workplace / "file").read_bytes() == data


async def test_an_upload_is_complete_once_its_missing_parts_are_sent(
    user: Client, workplace: Path, either: str
) -> None:
    data = os.urandom(17 * MIB)
    transfer = await begin(user, data, system=either, path=str(workplace / "file"))
    assert [(part["number"], part["offset"], part["size"]) for part in transfer["parts"]] == [
        (1, 0, 16 * MIB),
        (2, 16 * MIB, MIB),
    ]
    sent = await send(data, transfer["parts"][:1])
    error = await user.error(COMPLETE, id=transfer["id"], parts=sent)
    assert (error["extensions"]["code"], "1 of 2 have not arrived: 2" in error["message"]) == ("INVALID_INPUT", True)
    for number in (1, 3):
        error = await user.error(COMPLETE, id=transfer["id"], parts=[{"number": number, "etag": '"0"'}])
        assert error["extensions"]["code"] == "INVALID_INPUT"
        assert f"part {number} has another etag" in error["message"]
    [left] = (await user.ask(PARTS, id=transfer["id"], missing=True))["transfer"]["parts"]
    assert (left["number"], left["etag"]) == (2, None)
    sent += await send(data, [left])
    await user.ask(COMPLETE, id=transfer["id"], parts=sent)
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert (workplace / "file").read_bytes() == data
    assert (await user.ask(PARTS, id=transfer["id"]))["transfer"]["parts"] is None


@pytest.mark.parametrize("mutation", [CANCEL, DISCARD], ids=["cancelled", "discarded"])
async def test_what_is_given_up_has_dead_urls(user: Client, either: str, workplace: Path, mutation: str) -> None:
    data = os.urandom(17 * MIB)
    transfer = await begin(user, data, system=either, path=str(workplace / "file"))
    await send(data, transfer["parts"][:1])
    task = (await user.ask(TASK_OF, id=transfer["id"]))["transfer"]["task"]
    await user.ask(mutation, id=task["id"] if mutation == CANCEL else transfer["id"])
    assert (await ended(user, transfer["id"]))["status"] == "CANCELLED"
    async with store_client() as store:
        assert (await store.put(transfer["parts"][1]["url"], content=data[16 * MIB :])).status_code == 404
    assert names(workplace) == []


async def test_a_download_that_is_discarded_has_no_url_that_works(user: Client, either: str, workplace: Path) -> None:
    _, transfer = await downloaded(user, system=either, path=str(file(workplace / "file")))
    await user.ask(DISCARD, id=transfer["id"])
    async with store_client() as store:
        assert (await store.get(transfer["downloadUrl"])).status_code == 404
    assert (await user.ask(DOWNLOADED, id=transfer["id"]))["transfer"]["downloadUrl"] is None


async def test_an_upload_that_failed_is_taken_up_again_without_sending_it_again(
    user: Client, either: str, workplace: Path
) -> None:
    folder = owned(tree(workplace / "folder", 0))
    transfer = await begin(user, b"data", system=either, path=str(folder / "file"))
    folder.rename(workplace / "away")
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(b"data", transfer["parts"]))
    assert (await ended(user, transfer["id"]))["error"]["code"] == "NOT_FOUND"
    (workplace / "away").rename(folder)
    await user.ask(RESUME, id=transfer["id"])
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    assert (folder / "file").read_bytes() == b"data"
    error = await user.error(RESUME, id=transfer["id"])
    assert error["extensions"]["code"] == "CONFLICT"


async def test_the_same_key_is_the_same_upload(user: Client, either: str, workplace: Path) -> None:
    asked = {"system": either, "path": str(workplace / "file"), "idempotencyKey": str(workplace)}
    first = await begin(user, b"data", **asked)
    assert (await begin(user, b"data", **asked))["id"] == first["id"]
    error = await user.error(UPLOAD, input={**asked, "size": 5})
    assert error["extensions"]["code"] == "CONFLICT"
    await user.ask(COMPLETE, id=first["id"], parts=await send(b"data", first["parts"]))
    assert (await ended(user, first["id"]))["status"] == "SUCCEEDED"
    again = (await user.ask(UPLOAD, input={**asked, "size": 4}))["startUpload"]
    assert (again["transfer"]["id"], again["task"]["status"]) == (first["id"], "SUCCEEDED")


async def test_nobody_else_can_see_guess_complete_or_end_a_transfer(
    user: Client, other_user: Client, either: str, workplace: Path
) -> None:
    transfer = await begin(user, b"data", system=either, path=str(workplace / "file"))
    task = (await user.ask(TASK_OF, id=transfer["id"]))["transfer"]["task"]["id"]
    asked = [(query, transfer["id"]) for query in (COMPLETE, DISCARD, RESUME, PARTS, TASK_OF, DOWNLOADED, NODE)]
    for query, name in (*asked, (NODE, task), (CANCEL, task)):
        assert (await other_user.error(query, id=name))["extensions"]["code"] == "NOT_FOUND", query
    listed = [
        {each["id"] for page in (await who.ask(LISTED)).values() for each in page["nodes"]}
        for who in (user, other_user)
    ]
    assert [{transfer["id"], task} & each for each in listed] == [{transfer["id"], task}, set()]
    assert (await user.ask(NODE, id=task))["node"] == {"id": task}
    await user.ask(DISCARD, id=transfer["id"])


QUOTA = '[{"kind": "user", "name": "you", "bytesUsed": 90, "bytesLimit": 100}]'


async def test_what_the_quota_has_no_room_for_is_refused(demo: dict[str, Any], demo_state: Path) -> None:
    told = {"format": "json", "command": ["echo", QUOTA]}
    systems = {"file_systems": [{"path": "/tmp"}, {"path": "/", "quotas": [told]}]}
    async with another_server(demo_state, "quota", systems=systems) as described:
        user = Client(described, await fetch_token(described, "fireuser"))
        asked = {"system": "local", "path": "~/within-the-quota", "size": 11}
        error = await user.error(UPLOAD, input=asked)
        assert (error["extensions"]["code"], "90 of 100 bytes are used" in error["message"]) == ("NO_SPACE", True)
        for fits in ({"size": 10}, {"path": "/tmp/elsewhere"}):
            transfer = (await user.ask(UPLOAD, input={**asked, **fits}))["startUpload"]["transfer"]
            await user.ask(DISCARD, id=transfer["id"])


async def test_a_url_is_for_one_part_of_one_transfer_and_for_sending_alone(
    user: Client, other_user: Client, demo: dict[str, Any], workplace: Path, either: str
) -> None:
    own = await begin(user, b"data", system=either, path=str(workplace / "file"))
    theirs = await begin(other_user, b"data", system=either, path=f"~/{uuid4().hex}")
    url, other = (httpx.URL(each["parts"][0]["url"]) for each in (own, theirs))
    wrong = [
        url.copy_with(path=other.path),
        url.copy_set_param("uploadId", other.params["uploadId"]),
        url.copy_set_param("partNumber", 2),
        url.copy_set_param("X-Amz-Expires", 86_400),
        url.copy_with(params=None),
    ]
    async with store_client() as store:
        for each in wrong:
            assert (await store.put(each, content=b"evil")).status_code in (401, 403), each
        assert (await store.get(url)).status_code == 403
        assert (await store.delete(url)).status_code == 403
        assert (await store.put(url, content=b"longer")).status_code == 403
    for who, transfer in ((user, own), (other_user, theirs)):
        [part] = (await who.ask(PARTS, id=transfer["id"]))["transfer"]["parts"]
        assert part["etag"] is None
        await who.ask(DISCARD, id=transfer["id"])


@pytest.mark.parametrize("system", ["local", pytest.param("slurm", marks=pytest.mark.slurm)][: sized(1, 2)])
async def test_the_example_brings_a_file_there_and_back(demo: dict[str, Any], tmp_path: Path, system: str) -> None:
    example = tmp_path / "example of mine"
    example.write_bytes(os.urandom(17 * MIB))
    argv = (sys.executable, "examples/upload_and_download.py", "--system", system, "--file", str(example))
    env = {**os.environ, "FIRECREST_DEMO_STATE": demo["state"]}
    child = await asyncio.create_subprocess_exec(
        *argv, env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await child.communicate()
    assert child.returncode == 0, said.decode()
    assert f"{17 * MIB} bytes went to {system} and back" in said.decode()
