"""Copies from one system to the other, through a real object store, in both directions."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.between import COPY, WAYS, Road
from tests.client import Client
from tests.files import ODD_NAMES, names
from tests.sizes import size as sized
from tests.transfers import ended, file, owned, refused, start, tree

pytestmark = [pytest.mark.s3, pytest.mark.slurm]
MIB = 2**20
LOOK = """query($id: ID!) { transfer(id: $id) {
    system { name } targetSystem { name } sourcePath targetPath size bytesTransferred sha256 expiresAt
    job { jobId system { name } } } }"""
one_way = pytest.mark.parametrize("road", WAYS[: sized(1, 2)], indirect=True)
back = pytest.mark.parametrize("road", WAYS[sized(1, 0) :], indirect=True)


async def copied(user: Client, asked: dict[str, Any]) -> dict[str, Any]:
    """The transfer, once it has succeeded."""
    begun = await start(user, COPY, **asked)
    task = await ended(user, begun["transfer"]["id"])
    assert task["status"] == "SUCCEEDED", task["error"]
    return dict((await user.ask(LOOK, id=begun["transfer"]["id"]))["transfer"])


@pytest.mark.parametrize("size", [sized(17, 300) * MIB + 1])
async def test_a_file_goes_over_whole_with_its_mode(user: Client, road: Road, size: int) -> None:
    data = os.urandom(size)
    file(road.here / "file", data).chmod(0o750)
    transfer = await copied(user, road.asked("file", "copy"))
    assert (road.there / "copy").read_bytes() == data
    assert (road.there / "copy").stat().st_mode & 0o7777 == 0o750
    assert (transfer["system"], transfer["targetSystem"]) == ({"name": road.source}, {"name": road.target})
    assert (transfer["size"], transfer["bytesTransferred"]) == (size, size)
    assert transfer["targetPath"] == str(road.there / "copy")


@pytest.mark.parametrize("name", ODD_NAMES[: sized(1, len(ODD_NAMES))])
async def test_a_directory_goes_over_with_everything_in_it(user: Client, road: Road, name: str) -> None:
    source = tree(road.here / name, sized(200, 10_000) if name == ODD_NAMES[0] else 200)
    (source / "it's\n").write_bytes(b"odd")
    (source / "run").write_bytes(b"#!/bin/sh")
    (source / "run").chmod(0o755)
    (source / "empty").mkdir()
    (source / "link").symlink_to("7")
    (source / "out").symlink_to("/etc/passwd")
    owned(source)
    source.chmod(0o555)
    await copied(user, road.asked(name))
    found = road.there / name
    assert names(found) == names(source)
    assert ((found / "42").read_bytes(), (found / "it's\n").read_bytes()) == (b"42", b"odd")
    assert ((found / "link").readlink(), (found / "out").readlink()) == (Path("7"), Path("/etc/passwd"))
    assert [each.stat().st_mode & 0o777 for each in (found, found / "run", found / "7")] == [0o555, 0o755, 0o644]
    assert found.stat().st_uid == road.there.stat().st_uid


@back
async def test_a_link_goes_as_it_is_or_as_what_it_points_to(user: Client, road: Road) -> None:
    source = tree(road.here / "tree", 3)
    (road.here / "link").symlink_to("tree")
    (road.here / "gone").symlink_to("nowhere")
    (source / "link").symlink_to("2")
    owned(road.here)
    await copied(user, road.asked("link"))
    await copied(user, road.asked("gone"))
    await copied(user, road.asked("link", "followed", dereference=True))
    assert ((road.there / "link").readlink(), (road.there / "gone").readlink()) == (Path("tree"), Path("nowhere"))
    followed = road.there / "followed"
    assert (followed.is_symlink(), (followed / "link").is_symlink()) == (False, False)
    assert (followed / "link").read_bytes() == b"2"
    assert await refused(user, COPY, **road.asked("gone", "x", dereference=True)) == (
        "NOT_FOUND",
        f"{str(road.here / 'gone')!r} does not exist",
    )


@back
async def test_what_cannot_work_is_refused_on_either_side_before_the_first_byte(user: Client, road: Road) -> None:
    file(road.here / "file")
    file(road.there / "old")
    tree(road.there / "full", 1)
    closed = tree(road.there / "closed", 0)
    closed.chmod(0o555)
    nowhere = {"targetSystem": "nowhere"}
    for asked, code in (
        (road.asked("none"), "NOT_FOUND"),
        (road.asked("file", "old"), "ALREADY_EXISTS"),
        (road.asked("file", "closed/file"), "PERMISSION_DENIED"),
        (road.asked("file", "none/file"), "NOT_FOUND"),
        (road.asked("file", "old/file"), "NOT_A_DIRECTORY"),
        (road.asked("file", "full", overwrite=True), "IS_A_DIRECTORY"),
        (road.asked("file", path="/etc/shadow"), "PERMISSION_DENIED"),
        (road.asked("file", path="/"), "INVALID_INPUT"),
        (road.asked("file", target="~"), "PERMISSION_DENIED"),
        (road.asked("file", account="two words"), "INVALID_INPUT"),
        (road.asked("file") | nowhere, "NOT_FOUND"),
    ):
        assert (await refused(user, COPY, **asked))[0] == code, asked
    assert (names(road.here), names(road.there)) == (["file"], ["closed", "full", "old"])


@one_way
async def test_what_is_there_is_replaced_where_that_is_asked(user: Client, road: Road) -> None:
    file(road.here / "file", b"")
    file(road.there / "file", b"old")
    tree(road.here / "tree", 2)
    tree(road.there / "tree", 0)
    await copied(user, road.asked("file", overwrite=True))
    await copied(user, road.asked("tree", overwrite=True))
    assert ((road.there / "file").read_bytes(), names(road.there / "tree")) == (b"", ["0", "1"])
