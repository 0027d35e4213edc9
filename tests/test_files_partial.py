"""Listings of which something is missing: what is there is told, and that something is not."""

import asyncio
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar, cast

import pytest

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import CommandFailed, ErrorCode, FirecrestError
from firecrest_gql.files.directories import Directories
from firecrest_gql.files.listing import Stat
from firecrest_gql.files.pages import ListPage, Wanted
from firecrest_gql.files.road import FileRoad
from firecrest_gql.model.files import File
from firecrest_gql.settings import SystemSettings
from tests.client import Client
from tests.openssh import caller

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

T = TypeVar("T")
SYSTEM = cast("SystemSettings", SimpleNamespace(name="local", allowed_paths=("/",)))
QUERY = (
    'query($path: String!) { system(name: "local") { file(path: $path) { %s { nodes { name type } totalCount } } } }'
)
# In the place of xargs: the names are all known, and nothing has been looked at; then it has.
NAMED, LOOKED_AT = 'cat > "${0%/*}/names"', '/usr/bin/xargs "$@" < "${0%/*}/names"'


class Here:
    """Runs commands on this machine, with the programs of a folder before its own."""

    def __init__(self, programs: Path) -> None:
        self._environment = {"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C"}

    async def run(self, system: object, caller: object, command: Command[T]) -> T:
        """What the program says here."""
        run = await asyncio.to_thread(self._run, command.argv, command.stdin.data)
        return command.parse(Result(run.returncode, run.stdout, run.stderr))

    def _run(self, argv: Sequence[str], data: object) -> subprocess.CompletedProcess[bytes]:
        assert isinstance(data, bytes)
        return subprocess.run(argv, input=data, capture_output=True, env=self._environment, check=False)


async def page(programs: Path, folder: Path) -> list[str]:
    """The names of the first page, whose program finds these programs first."""
    road = FileRoad(Here(programs))
    directory = (await road.run(SYSTEM, caller("ada"), Stat("local", (str(folder),))))[str(folder)]
    assert isinstance(directory, File)
    listed = await Directories(road).page(SYSTEM, caller("ada"), directory, Wanted(), first=9, after=None, count=False)
    return [entry.below for entry in listed.entries]


def standing_in(folder: Path, name: str, text: str) -> Path:
    """A folder with a program of this name."""
    (folder / "bin").mkdir()
    (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / "bin" / name).chmod(0o755)
    return folder / "bin"


async def test_a_page_whose_entries_all_vanish_is_looked_at_again(tmp_path: Path) -> None:
    listed = tmp_path / "listed"
    listed.mkdir()
    for name in "ab":
        (listed / name).touch()
    vanish = f"{NAMED}; [ ! -e {listed}/a ] || {{ rm {listed}/a {listed}/b; : > {listed}/c; }}; {LOOKED_AT}"
    assert await page(standing_in(tmp_path, "xargs", vanish), listed) == ["c"]


async def test_a_directory_that_changes_faster_than_it_is_listed_is_a_conflict(tmp_path: Path) -> None:
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / "0").touch()
    vanish = f'{NAMED}; rm {listed}/0; {LOOKED_AT}; told=$?; : > {listed}/0; exit "$told"'
    with pytest.raises(FirecrestError) as raised:
        await page(standing_in(tmp_path, "xargs", vanish), listed)
    assert raised.value.code == ErrorCode.CONFLICT


async def test_a_page_that_could_not_be_sorted_is_no_page(tmp_path: Path) -> None:
    full = 'cat > /dev/null; echo "sort: write failed: /tmp/sortX: No space left on device" >&2; exit 2'
    with pytest.raises(FirecrestError) as raised:
        await page(standing_in(tmp_path, "sort", full), tmp_path)
    assert raised.value.code == ErrorCode.NO_SPACE


async def test_links_that_lead_in_a_loop_are_listed_as_what_can_be_told_of_them(user: Client, folder: Path) -> None:
    (folder / "file").write_text("x")
    (folder / "sub").mkdir()
    for link, target in {"dot": ".", "x": "y", "y": "x", "closed": "/root/.ssh/id", "link": "file"}.items():
        (folder / link).symlink_to(target)
    (folder / "sub" / "up").symlink_to("..")
    expected = {
        "file": "REGULAR",
        "link": "REGULAR",
        "sub": "DIRECTORY",
        "dot": "DIRECTORY",
        **dict.fromkeys(("x", "y", "closed"), "SYMLINK"),
    }
    said = await user.ask(QUERY % "entries(dereference: true)", path=str(folder))
    found = said["system"]["file"]["entries"]
    assert {node["name"]: node["type"] for node in found["nodes"]} == expected
    assert found["totalCount"] == len(expected)
    for asked in ("recursive: true", "orderBy: SIZE"):
        answer = (await user.post(QUERY % f"entries(dereference: true, {asked})", path=str(folder))).json()
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes == {ErrorCode.COMMAND_FAILED, ErrorCode.PERMISSION_DENIED}
        nodes = answer["data"]["system"]["file"]["entries"]["nodes"]
        assert {"file", "link", "sub"} <= {node["name"] for node in nodes}


@pytest.mark.skipif(os.getuid() != 0, reason="a file is to be another user's")
async def test_a_file_that_may_not_be_searched_is_told_of(user: Client, folder: Path) -> None:
    (folder / "open").write_text("words\n")
    (folder / "closed\nfile").write_text("words\n")
    (folder / "closed\nfile").chmod(0o600)
    answer = (await user.post(QUERY % 'search(contains: "words")', path=str(folder))).json()
    assert [node["name"] for node in answer["data"]["system"]["file"]["search"]["nodes"]] == ["open"]
    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == (ErrorCode.PERMISSION_DENIED, ["system", "file", "search"])


@pytest.mark.parametrize(
    ("said", "closed", "lost"),
    [
        ("find: './a': No such file or directory", False, None),
        ("find: './a': Permission denied", True, None),
        ("grep: ./new\nline: Permission denied", True, None),
        ("find: './a': Input/output error", False, "Input/output error"),
        ("grep: ./a: Stale file handle\nfind: './b': Permission denied", True, "Stale file handle"),
    ],
)
def test_what_is_said_of_an_entry_is_kept_unless_it_is_gone(said: str, closed: bool, lost: str | None) -> None:
    found = ListPage("local", "/d", Wanted(), 3).parse(Result(0, b"3\0", said.encode() + b"\n"))
    assert (found.closed, found.lost) == (closed, lost)


def test_a_program_that_is_missing_is_no_empty_directory() -> None:
    with pytest.raises(CommandFailed):
        ListPage("local", "/d", Wanted(), 3).parse(Result(0, b"3\0", b"sh: 1: find: not found\n"))
