"""Listings and searches: every entry once, in the order asked, of any directory."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.errors import ErrorCode
from firecrest_gql.files.listing import FIELDS
from firecrest_gql.files.pages import ListPage, Wanted
from firecrest_gql.model.files import FileOrder
from tests.client import Client
from tests.files import ODD_NAMES, change, path_of, write
from tests.service import SYSTEMS

QUERY = """query($system: String!, $path: String!) { system(name: $system) { file(path: $path) {
    found: %s { nodes { rawPath name type size linkTarget } edges { cursor } pageInfo { hasNextPage endCursor }
    %s } } } }"""

ONE = "query($system: String!, $path: String!) { system(name: $system) { file(path: $path) { %s } } }"


async def ask(user: Client, path: str, field: str, more: str = "", system: str = "local") -> dict[str, Any]:
    """One page."""
    said = await user.ask(QUERY % (field, more), system=system, path=path)
    return dict(said["system"]["file"]["found"])


async def names_of(user: Client, path: str, field: str, system: str = "local") -> list[str]:
    """The paths of one page below the directory."""
    found = await ask(user, path, field, system=system)
    return [node["rawPath"].removeprefix(path + "/") for node in found["nodes"]]


async def code(user: Client, path: str, field: str, system: str = "local") -> str:
    """Why there is no page."""
    return await user.code(QUERY % (field, ""), system=system, path=path)


async def all_pages(user: Client, path: str, size: int, arguments: str) -> list[str]:
    """The names of every page, one page after the other."""
    names: list[str] = []
    after = "null"
    while True:
        page = await ask(user, path, f"entries(first: {size}, after: {after} {arguments})")
        assert len(page["nodes"]) <= size
        names += [node["rawPath"].removeprefix(path + "/") for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return names
        after = f'"{page["pageInfo"]["endCursor"]}"'


def fill(folder: Path, names: Sequence[str]) -> None:
    """Empty files of these names, which the user may read."""
    for name in names:
        (folder / name).touch()


def forbid(folder: Path) -> None:
    """Nobody but root reads it."""
    folder.chmod(0)


def date(path: Path, seconds: int) -> None:
    """When it was changed."""
    os.utime(path, (seconds, seconds))


async def test_any_name_is_listed_once_in_the_order_of_its_bytes(user: Client, folder: Path) -> None:
    fill(folder, ODD_NAMES)
    expected = [path_of(folder / name).removeprefix(f"{folder}/") for name in sorted(ODD_NAMES, key=os.fsencode)]
    assert await all_pages(user, str(folder), 3, "") == expected
    assert await all_pages(user, str(folder), 1, ", orderBy: NAME_DESC") == expected[::-1]


@pytest.mark.parametrize("order", ["SIZE", "MODIFIED"])
async def test_sizes_and_times_order_a_listing_and_names_what_is_equal(user: Client, folder: Path, order: str) -> None:
    for name, number in {"c": 9, "a": 10, "b": 10, "e": 1000, "d": 0}.items():
        await write(user, folder / name, b"x" * number)
        date(folder / name, number - 5)
    assert await all_pages(user, str(folder), 2, f", orderBy: {order}") == ["d", "c", "a", "b", "e"]
    assert await all_pages(user, str(folder), 2, f", orderBy: {order}_DESC") == ["e", "b", "a", "c", "d"]


async def test_a_page_goes_on_behind_an_entry_that_is_gone(user: Client, folder: Path) -> None:
    fill(folder, ["a", "b", "c", "d"])
    page = await ask(user, str(folder), "entries(first: 2)")
    (folder / "b").unlink()
    after = page["pageInfo"]["endCursor"]
    assert await names_of(user, str(folder), f'entries(after: "{after}")') == ["c", "d"]


async def test_a_cursor_of_another_order_is_refused(user: Client, folder: Path) -> None:
    fill(folder, ["a", "b"])
    after = (await ask(user, str(folder), "entries(first: 1)"))["pageInfo"]["endCursor"]
    assert await code(user, str(folder), f'entries(after: "{after}", orderBy: SIZE)') == ErrorCode.INVALID_INPUT
    assert await code(user, str(folder), 'entries(after: "c_AAAA")') == ErrorCode.INVALID_INPUT


async def test_the_total_count_is_of_all_pages(user: Client, folder: Path) -> None:
    fill(folder, [f"f{number}" for number in range(7)] + [".hidden", "new\nline"])
    assert (await ask(user, str(folder), "entries(first: 2)", "totalCount"))["totalCount"] == 8
    assert (await ask(user, str(folder), "entries(first: 0)", "totalCount"))["totalCount"] == 8
    assert (await ask(user, str(folder), "entries(showHidden: true)", "totalCount"))["totalCount"] == 9
    assert (await ask(user, str(folder), 'entries(match: "f*", first: 1)', "totalCount"))["totalCount"] == 7


async def test_a_recursive_listing_goes_as_deep_as_asked_and_not_into_what_is_hidden(
    user: Client, folder: Path
) -> None:
    await change(user, "createDirectory", path=str(folder / "a" / "b" / "c"), parents=True)
    await change(user, "createDirectory", path=str(folder / ".hidden"))
    for path in ("a/b/c/deep", "a/x", ".hidden/y", "z"):
        await write(user, folder / path)
    top = str(folder)
    assert await names_of(user, top, "entries(recursive: true)") == ["a", "a/b", "a/b/c", "a/b/c/deep", "a/x", "z"]
    assert await names_of(user, top, "entries(recursive: true, maxDepth: 2)") == ["a", "a/b", "a/x", "z"]
    assert ".hidden/y" in await names_of(user, top, "entries(recursive: true, showHidden: true)")
    assert await names_of(user, top, 'entries(recursive: true, match: "[xz]")') == ["a/x", "z"]
    for wrong in ("recursive: true, maxDepth: 0", "maxDepth: 2"):
        assert await code(user, top, f"entries({wrong})") == ErrorCode.INVALID_INPUT
    assert await all_pages(user, top, 2, ", recursive: true") == await names_of(user, top, "entries(recursive: true)")


async def test_links_are_listed_as_themselves_or_as_what_they_point_to(user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    for link, target in {"link": "file", "dangling": "nowhere", "loop": "loop"}.items():
        await change(user, "createSymlink", path=str(folder / link), linkTarget=target)
    plain = (await ask(user, str(folder), "entries"))["nodes"]
    assert {node["name"]: node["type"] for node in plain} == {
        **dict.fromkeys(("dangling", "link", "loop"), "SYMLINK"),
        "file": "REGULAR",
    }
    followed = {node["name"]: node for node in (await ask(user, str(folder), "entries(dereference: true)"))["nodes"]}
    assert (followed["link"]["type"], followed["link"]["size"]) == ("REGULAR", 5)
    assert "dangling" in followed


async def test_a_link_to_a_directory_is_listed_as_the_directory(user: Client, folder: Path) -> None:
    await change(user, "createDirectory", path=str(folder / "real"))
    await write(user, folder / "real" / "x")
    await change(user, "createSymlink", path=str(folder / "link"), linkTarget="real")
    assert await names_of(user, str(folder / "link"), "entries") == ["x"]
    await change(user, "createSymlink", path=str(folder / "file"), linkTarget="real/x")
    assert await code(user, str(folder / "file"), "entries") == ErrorCode.NOT_A_DIRECTORY


async def test_an_empty_directory_has_an_empty_page(user: Client, folder: Path) -> None:
    page = await ask(user, str(folder), "entries", "totalCount")
    assert (page["nodes"], page["pageInfo"]["hasNextPage"], page["totalCount"]) == ([], False, 0)


async def test_files_are_found_by_name_kind_and_words(user: Client, folder: Path) -> None:
    await change(user, "createDirectory", path=str(folder / "a" / "b"), parents=True)
    await write(user, folder / "a" / "one.txt", b"it's $(here), really\n")
    await write(user, folder / "a" / "b" / "new\nline.txt", b"before\n--here\0and\n")
    await write(user, folder / ".hidden.txt", b"nothing")
    await write(user, folder / "two.log", b"here\n")
    top = str(folder)
    found = await names_of(user, top, 'search(name: "*.txt")')
    assert found == [".hidden.txt", "a/b/new\nline.txt", "a/one.txt"]
    assert await names_of(user, top, "search(type: DIRECTORY)") == ["a", "a/b"]
    assert await names_of(user, top, "search(type: DIRECTORY, maxDepth: 1)") == ["a"]
    assert await names_of(user, top, 'search(contains: "here")') == ["a/b/new\nline.txt", "a/one.txt", "two.log"]
    assert await names_of(user, top, 'search(contains: "--here")') == ["a/b/new\nline.txt"]
    assert await names_of(user, top, 'search(contains: "$(here)", name: "*.txt")') == ["a/one.txt"]
    counted = await ask(user, top, 'search(contains: "here", first: 1)', "totalCount")
    assert (len(counted["nodes"]), counted["totalCount"]) == (1, 3)
    after = counted["pageInfo"]["endCursor"]
    assert await names_of(user, top, f'search(contains: "here", after: "{after}")') == ["a/one.txt", "two.log"]
    for wrong in ('contains: "a\\nb"', 'contains: ""', "type: UNKNOWN", "maxDepth: 0", 'name: "\\u0000"'):
        assert await code(user, top, f"search({wrong})") == ErrorCode.INVALID_INPUT, wrong


@pytest.mark.slurm
@pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out")
async def test_what_nobody_may_read_is_refused_or_left_out_on_a_real_sshd(user: Client, remote: str) -> None:
    for path in (f"{remote}/open", f"{remote}/closed/inner"):
        await change(user, "createDirectory", "slurm", path=path, parents=True)
    await change(user, "changeMode", "slurm", path=f"{remote}/closed", mode="000")
    await change(user, "createDirectory", "slurm", path=f"{remote}/open/under", mode="0400")
    for shown in ("nodes { name }", "edges { node { name } }"):
        query = ONE % f"entries(recursive: true, first: 3) {{ {shown} totalCount }}"
        said = (await user.post(query, system="slurm", path=remote)).json()
        page = said["data"]["system"]["file"]["entries"]
        nodes = page.get("nodes") or [edge["node"] for edge in page["edges"]]
        assert [node["name"] for node in nodes] == ["closed", "open", "under"]
        assert page["totalCount"] == 3
        places = [
            error["path"][:4] + [last for last in error["path"][4:] if last != "node"] for error in said["errors"]
        ]
        assert places == [["system", "file", "entries", shown[:5], index] for index in (0, 2)]
        assert {error["extensions"]["code"] for error in said["errors"]} == {ErrorCode.PERMISSION_DENIED}
        assert [name in error["message"] for error, name in zip(said["errors"], ("/closed'", "/under'"), strict=True)]
    for field in ('entries(recursive: true, match: "op*")', "search(type: REGULAR)"):
        said = (await user.post(ONE % f"{field} {{ nodes {{ name }} }}", system="slurm", path=remote)).json()
        [error] = said["errors"]
        assert error["path"] == ["system", "file", field.partition("(")[0]]
        assert error["extensions"]["code"] == ErrorCode.PERMISSION_DENIED
        assert len(said["data"]["system"]["file"][field.partition("(")[0]]["nodes"]) == ("op*" in field)
    for field in ("entries", "entries(recursive: true, maxDepth: 1)"):
        assert len(await names_of(user, remote, field, "slurm")) == 2
    for field in ("entries", 'search(contains: "x")'):
        assert await code(user, f"{remote}/closed", field, "slurm") == ErrorCode.PERMISSION_DENIED
    await change(user, "changeMode", "slurm", path=f"{remote}/closed", mode="0300")
    assert await code(user, f"{remote}/closed", "entries", "slurm") == ErrorCode.PERMISSION_DENIED
    await change(user, "changeMode", "slurm", path=f"{remote}/closed", mode="0700")


NAME = st.binary(min_size=1, max_size=20).map(os.fsdecode).filter(lambda name: "\0" not in name and "/" not in name)


@given(st.lists(NAME, unique=True, max_size=5), st.binary(max_size=30).filter(lambda data: data.count(b"\0") < 14))
def test_what_find_prints_is_read_whatever_the_names_are(names: list[str], cut: bytes) -> None:
    numbers = {"%y": "f", "%m": "644", "%M": "-rw-r--r--", "%l": "", "%u": "u", "%g": "g"}
    records = [[*(numbers.get(field, "1") for field in FIELDS[:-1]), f"./{name}", ""] for name in names]
    values = [str(len(names)), *(value for record in records for value in record)]
    data = b"".join(os.fsencode(value) + b"\0" for value in values)
    page = ListPage("local", "/d", Wanted(order=FileOrder.SIZE), 10)
    found = page.parse(Result(0, data + cut, b""))
    assert [(entry.file.location, entry.key, entry.below) for entry in found.entries] == [
        (f"/d/{name}", "1", name) for name in names
    ]
    assert found.passed >= len(names)
