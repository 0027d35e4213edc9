"""What files hold and how much room they take, asked for many at once."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Result
from firecrest_gql.errors import ErrorCode, FirecrestError
from firecrest_gql.files.measuring import DiskUsage, MimeTypes, Usage
from firecrest_gql.model.files import FileSystemUsage
from tests.client import Client
from tests.files import ODD_NAMES, change, path_of, write
from tests.service import SYSTEMS

ENTRIES = """query($path: String!) { system(name: "local") { file(path: $path) { diskUsage mimeType
    entries { nodes { rawPath mimeType diskUsage } } } } }"""
ONE = "query($system: String!, $path: String!) { system(name: $system) { file(path: $path) { %s } } }"


async def entries(user: Client, folder: Path) -> dict[str, dict[str, Any]]:
    """What is told of each entry."""
    file = (await user.ask(ENTRIES, path=str(folder)))["system"]["file"]
    return {node["rawPath"]: node for node in file["entries"]["nodes"]} | {"": file}


async def test_a_type_is_told_whatever_the_name_is(user: Client, folder: Path) -> None:
    for name in ODD_NAMES:
        await write(user, folder / name, b"some words\n")
    told = await entries(user, folder)
    assert {told[path_of(folder / name)]["mimeType"] for name in ODD_NAMES} == {"text/plain"}
    assert told[""]["mimeType"] == "inode/directory"


async def test_types_are_of_the_bytes_and_of_links_themselves(user: Client, folder: Path) -> None:
    await write(user, folder / "a.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    await write(user, folder / "empty", b"")
    await change(user, "createSymlink", path=str(folder / "dangling"), linkTarget="nowhere")
    told = await entries(user, folder)
    types = {Path(path).name: node["mimeType"] for path, node in told.items() if path}
    assert types == {"a.txt": "image/png", "empty": "inode/x-empty", "dangling": "inode/symlink"}


async def test_disk_usage_is_of_the_whole_tree_of_each(user: Client, folder: Path) -> None:
    await change(user, "createDirectory", path=str(folder / "a" / "b"), parents=True)
    await write(user, folder / "a" / "b" / "new\nline", b"x" * 100_000)
    await write(user, folder / "small", b"x")
    told = await entries(user, folder)
    assert 100_000 <= told[str(folder / "a")]["diskUsage"] < told[""]["diskUsage"]
    assert told[str(folder / "small")]["diskUsage"] >= 1


async def test_the_file_systems_tell_their_room_and_the_viewers_place_there(user: Client, home: Path) -> None:
    query = '{ system(name: "local") { fileSystems { path userPath usage { size used available } } } }'
    [found, *_] = (await user.ask(query))["system"]["fileSystems"]
    room = os.statvfs(found["path"])
    assert found["usage"]["size"] == room.f_blocks * room.f_frsize
    assert 0 < found["usage"]["available"] <= found["usage"]["size"]
    assert found["userPath"] == str(home)


@pytest.mark.slurm
@pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out")
async def test_what_cannot_be_read_whole_is_no_number_on_a_real_sshd(user: Client, remote: str) -> None:
    await change(user, "createDirectory", "slurm", path=f"{remote}/closed", parents=True)
    await change(user, "changeMode", "slurm", path=f"{remote}/closed", mode="000")
    assert await user.code(ONE % "diskUsage", system="slurm", path=remote) == ErrorCode.PERMISSION_DENIED
    await change(user, "copyFile", "slurm", path="/etc/passwd", target=f"{remote}/secret")
    await change(user, "changeMode", "slurm", path=f"{remote}/secret", mode="000")
    assert await user.code(ONE % "mimeType", system="slurm", path=f"{remote}/secret") == ErrorCode.PERMISSION_DENIED
    await change(user, "changeMode", "slurm", path=f"{remote}/closed", mode="0700")


def test_a_system_without_the_program_says_so() -> None:
    told = MimeTypes(("/a",)).parse(Result(127, b"", b"xargs: file: No such file or directory"))["/a"]
    assert isinstance(told, FirecrestError)
    assert told.code == ErrorCode.UNSUPPORTED


def test_a_file_system_that_is_gone_fails_alone() -> None:
    output = b"1B-blocks Used Avail File\n  100   40    60 /with space\n    -    -     - /proc\n"
    told = Usage(("/with space", "/gone", "/proc")).parse(Result(1, output, b"df: /gone: No such file or directory\n"))
    assert told["/with space"] == FileSystemUsage(100, 40, 60)
    assert [getattr(told[path], "code", None) for path in ("/gone", "/proc")] == ["NOT_FOUND", "COMMAND_FAILED"]


GONE, CLOSED = "du: cannot access 'x/gone': No such file or directory", "du: cannot read 'x/closed': Permission denied"


@pytest.mark.parametrize(("said", "told"), [(GONE, 4096), (f"{GONE}\n{CLOSED}", ErrorCode.PERMISSION_DENIED)])
def test_what_vanishes_in_a_tree_takes_no_room_and_hides_nothing_else(tmp_path: Path, said: str, told: object) -> None:
    (tmp_path / "du").write_text('#!/bin/sh\necho "$SAID" >&2\nprintf "4096\\t%s\\n" x\nexit 1\n')
    (tmp_path / "du").chmod(0o755)
    command = DiskUsage(("/tree", "/another\n"))
    assert isinstance(command.stdin.data, bytes)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C", "SAID": said}
    run = subprocess.run(command.argv, input=command.stdin.data, capture_output=True, env=env, check=True)
    sizes = command.parse(Result(run.returncode, run.stdout, run.stderr))
    assert {getattr(size, "code", size) for size in sizes.values()} == {told}


def test_a_file_whose_type_cannot_be_told_fails_alone() -> None:
    output = b"text/plain\0cannot open `/b' (Permission denied)\0inode/directory\0"
    told = MimeTypes(("/a", "/b", "/c")).parse(Result(0, output, b""))
    assert [getattr(value, "code", value) for value in told.values()] == [
        "text/plain",
        "PERMISSION_DENIED",
        "inode/directory",
    ]
