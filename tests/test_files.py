"""Files as a user of the API reads, writes and removes them; nothing is half done and every refusal says why."""

import asyncio
import base64
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client
from tests.files import ODD_NAMES, change, content, names, path_of, refused, write

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

LIMIT = 5 * 2**20

STAT = 'query($path: String!) { system(name: "local") { file(path: $path) { path rawPath name type size mode } } }'
UPLOAD = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path file { size mode checksum } } }"
REMOVE = """mutation($path: String!, $recursive: Boolean! = false) {
    removeFile(input: { system: "local", path: $path, recursive: $recursive }) { path } }"""


async def stat(user: Client, path: str) -> dict[str, Any]:
    return dict((await user.ask(STAT, path=path))["system"]["file"])


async def upload(user: Client, path: Path | str, data: bytes, **more: Any) -> Any:
    given = {"system": "local", "path": path if isinstance(path, str) else path_of(path), "content": None, **more}
    return await user.upload(UPLOAD, data, input=given)


def code_of(said: Any) -> str:
    [error] = said["errors"]
    return str(error["extensions"]["code"])


def commands(demo: dict[str, Any], request_id: str) -> list[str]:
    """The lines that the server logged of the remote commands of one request."""
    log = (Path(demo["state"]) / "log" / "serve.log").read_text()
    return [line for line in log.splitlines() if "firecrest_gql.ssh" in line and f"request={request_id} " in line]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
async def test_a_file_of_any_name_is_written_read_and_removed(user: Client, folder: Path, name: str) -> None:
    path, data = folder / name, b"bytes of " + os.fsencode(name)
    said = (await upload(user, path, data))["data"]["uploadFile"]
    assert said == {
        "path": path_of(path),
        "file": {"size": len(data), "mode": "0644", "checksum": hashlib.sha256(data).hexdigest()},
    }
    assert path.read_bytes() == data
    seen = await stat(user, path_of(path))
    assert seen["rawPath"] == path_of(path)
    assert seen["name"] == os.fsencode(name).decode("utf-8", "replace")
    assert (await content(user, path))["base64"] == base64.b64encode(data).decode()
    assert (await user.ask(REMOVE, path=path_of(path)))["removeFile"] == {"path": path_of(path)}
    assert names(folder) == []


async def test_a_home_is_written_with_a_tilde(user: Client, home: Path) -> None:
    assert (await stat(user, "~"))["path"] == str(home)
    assert (await stat(user, "~/./x/../"))["path"] == str(home)
    assert await user.code(STAT, path="~nobody/x") == "INVALID_INPUT"


NOWHERE = {
    "a relative path": ("here", "INVALID_INPUT"),
    "nothing": ("", "INVALID_INPUT"),
    "a NUL byte": ("/a\0b", "INVALID_INPUT"),
    "a long name": ("/" + "x" * 256, "INVALID_INPUT"),
    "a long path": ("/" + "x/" * 2500, "INVALID_INPUT"),
    "what is no base64": ("base64:!", "INVALID_INPUT"),
    "what is not there": ("/nowhere", "NOT_FOUND"),
    "a file as a directory": ("/etc/passwd/x", "NOT_A_DIRECTORY"),
    "what may not be entered": ("/root/.ssh/id", "PERMISSION_DENIED"),
}


@pytest.mark.parametrize(("path", "code"), NOWHERE.values(), ids=NOWHERE)
async def test_a_path_that_leads_nowhere_is_named(user: Client, path: str, code: str) -> None:
    error = await user.error(STAT, path=path)
    assert error["extensions"]["code"] == code
    assert ("path:" if code == "INVALID_INPUT" else path) in error["message"]


async def test_files_are_answered_in_the_order_asked_each_with_its_own_error(user: Client, folder: Path) -> None:
    await write(user, folder / "there")
    paths = ["/nowhere", str(folder / "there"), "here", "/root/.ssh/id", str(folder), str(folder / "there")]
    query = 'query($paths: [String!]!) { system(name: "local") { files(paths: $paths) { name } } }'
    said = (await user.post(query, paths=paths)).json()
    found = [file and file["name"] for file in said["data"]["system"]["files"]]
    assert found == [None, "there", None, None, folder.name, "there"]
    codes = {error["path"][-1]: error["extensions"]["code"] for error in said["errors"]}
    assert codes == {0: "NOT_FOUND", 2: "INVALID_INPUT", 3: "PERMISSION_DENIED"}


@pytest.mark.parametrize("field", ["size", "checksum", "head { text }", "diskUsage"])
async def test_what_one_odd_name_meets_is_not_what_another_meets(user: Client, folder: Path, field: str) -> None:
    closed = folder / "clo'sed"
    closed.mkdir()
    (closed / "new\nline").touch()
    closed.chmod(0)
    odd = [closed / "new\nline", folder / "no'where", folder / "no\nwhere", Path("/nowhere")]
    wanted = [*map(path_of, [*odd, closed]), str(folder)]
    query = f'query($paths: [String!]!) {{ system(name: "local") {{ files(paths: $paths) {{ {field} }} }} }}'
    said = (await user.post(query, paths=wanted)).json()
    codes = {error["path"][2]: error["extensions"]["code"] for error in said["errors"]}
    expected = ["PERMISSION_DENIED", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]
    of_directories = {"checksum": "IS_A_DIRECTORY", "head { text }": "IS_A_DIRECTORY", "diskUsage": "PERMISSION_DENIED"}
    more = {4: "PERMISSION_DENIED", 5: of_directories[field]} if field in of_directories else {}
    assert codes == {**dict(enumerate(expected)), **more}


async def test_one_request_makes_as_few_commands_as_possible(demo: dict[str, Any], user: Client, folder: Path) -> None:
    for number in range(20):
        await write(user, folder / str(number), str(number).encode())
    many = " ".join(f'f{n}: file(path: "{folder}/{n}") {{ size checksum(algorithm: MD5) }}' for n in range(20))
    one = await user.post(f'{{ system(name: "local") {{ {many} }} }}')
    assert len(one.json()["data"]["system"]) == 20
    assert len(commands(demo, one.headers["X-Request-ID"])) == 2  # all stats, all sums
    listed = "name checksum head { text } tail(lines: 1) { text }"
    query = 'query($path: String!) { system(name: "local") { file(path: $path) { entries { nodes { %s } } } } }'
    listing = await user.post(query % listed, path=str(folder))
    nodes = listing.json()["data"]["system"]["file"]["entries"]["nodes"]
    assert {node["name"]: node["checksum"] for node in nodes} == {
        str(number): hashlib.sha256(str(number).encode()).hexdigest() for number in range(20)
    }
    assert all(node["name"] == node["head"]["text"] == node["tail"]["text"] for node in nodes)
    assert len(commands(demo, listing.headers["X-Request-ID"])) == 5  # stat, listing, all sums, all heads, all tails


async def test_a_checksum_that_cannot_be_made_spoils_no_other(user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    await change(user, "createDirectory", path=str(folder / "sub"))
    query = 'query($path: String!) { system(name: "local") { file(path: $path) { entries { nodes { checksum } } } } }'
    said = (await user.post(query, path=str(folder))).json()
    sums = [node["checksum"] for node in said["data"]["system"]["file"]["entries"]["nodes"]]
    assert sums == [hashlib.sha256(b"words").hexdigest(), None]
    assert code_of(said) == "IS_A_DIRECTORY"


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "MD5"])
async def test_a_checksum_is_that_of_the_bytes(user: Client, folder: Path, algorithm: str) -> None:
    await write(user, folder / "file", b"\0\xff")
    query = """query($path: String!, $algorithm: ChecksumAlgorithm!) { system(name: "local") {
        file(path: $path) { checksum(algorithm: $algorithm) } } }"""
    said = await user.ask(query, path=str(folder / "file"), algorithm=algorithm)
    assert said["system"]["file"]["checksum"] == hashlib.new(algorithm, b"\0\xff").hexdigest()


async def test_an_upload_of_exactly_the_limit_fits_and_one_byte_more_does_not(user: Client, folder: Path) -> None:
    data = b"x" * LIMIT
    assert (await upload(user, folder / "largest", data))["data"]["uploadFile"]["file"]["size"] == LIMIT
    piece = await content(user, folder / "largest")
    assert (piece["nextOffset"], piece["truncated"]) == (LIMIT, False)
    said = await upload(user, folder / "too-large", data + b"x")
    assert code_of(said) == "TOO_LARGE"
    assert str(LIMIT) in said["errors"][0]["message"]
    assert names(folder) == ["largest"]


async def test_an_empty_upload_is_an_empty_file(user: Client, folder: Path) -> None:
    assert (await upload(user, folder / "empty", b""))["data"]["uploadFile"]["file"]["size"] == 0


async def test_an_upload_replaces_a_file_only_where_that_is_asked(user: Client, folder: Path) -> None:
    await upload(user, folder / "file", b"old")
    assert code_of(await upload(user, folder / "file", b"new")) == "ALREADY_EXISTS"
    assert (folder / "file").read_bytes() == b"old"
    assert "errors" not in await upload(user, folder / "file", b"new", overwrite=True, mode="0600")
    assert ((folder / "file").read_bytes(), (folder / "file").stat().st_mode & 0o7777) == (b"new", 0o600)


UPLOADS_REFUSED = {
    "onto a directory": ("~", {"overwrite": True}, "IS_A_DIRECTORY"),
    "into nothing": ("~/nowhere/file", {}, "NOT_FOUND"),
    "into a file": ("/etc/passwd/file", {}, "NOT_A_DIRECTORY"),
    "where nobody may write": ("/etc/file", {}, "PERMISSION_DENIED"),
    "with a word for its mode": ("~/file", {"mode": "rw"}, "INVALID_INPUT"),
    "with a long mode": ("~/file", {"mode": "00644"}, "INVALID_INPUT"),
}


@pytest.mark.parametrize(("path", "more", "code"), UPLOADS_REFUSED.values(), ids=UPLOADS_REFUSED)
async def test_an_upload_that_cannot_be_is_refused(user: Client, path: str, more: dict[str, Any], code: str) -> None:
    assert code_of(await upload(user, path, b"x", **more)) == code


async def test_an_upload_without_a_file_is_refused(user: Client) -> None:
    for stand_in in ("text", 5, {"a": 1}, ["x"]):
        given = {"system": "local", "path": "~/x", "content": stand_in}
        error = await user.error(UPLOAD, input=given)
        assert error["extensions"]["code"] == "INVALID_INPUT"


async def test_two_uploads_of_one_name_at_once_make_one_whole_file(user: Client, folder: Path) -> None:
    texts = [letter.encode() * 300_000 for letter in "ab"]
    said = await asyncio.gather(*(upload(user, folder / "one", text) for text in texts))
    assert sorted("errors" in each for each in said) == [False, True]
    assert (folder / "one").read_bytes() in texts


async def test_a_directory_is_made_with_its_parents_where_asked(user: Client, folder: Path) -> None:
    made = await change(user, "createDirectory", path=str(folder / "a"), mode="0700")
    assert (made["type"], made["mode"]) == ("DIRECTORY", "0700")
    assert (await refused(user, "createDirectory", path=str(folder / "a")))[0] == "ALREADY_EXISTS"
    assert (await refused(user, "createDirectory", path=str(folder / "b" / "c")))[0] == "NOT_FOUND"
    await change(user, "createDirectory", path=str(folder / "b" / "c"), parents=True)
    await change(user, "createDirectory", path=str(folder / "b" / "c"), parents=True)
    assert (await refused(user, "createDirectory", path="/etc/passwd/x", parents=True))[0] == "NOT_A_DIRECTORY"
    assert (await refused(user, "createDirectory", path="/made"))[0] == "PERMISSION_DENIED"
    assert (await refused(user, "createDirectory", path="~/x", mode="rwx"))[0] == "INVALID_INPUT"


async def test_a_directory_that_holds_something_is_removed_only_where_that_is_asked(user: Client, folder: Path) -> None:
    await change(user, "createDirectory", path=str(folder / "full" / "sub"), parents=True)
    assert await user.code(REMOVE, path=str(folder / "full")) == "NOT_EMPTY"
    await user.ask(REMOVE, path=str(folder / "full" / "sub"))
    await change(user, "createDirectory", path=str(folder / "full" / "sub"))
    await user.ask(REMOVE, path=str(folder / "full"), recursive=True)
    assert names(folder) == []
    assert await user.code(REMOVE, path=str(folder / "full")) == "NOT_FOUND"


async def test_a_link_is_removed_and_not_what_it_points_to(user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    await change(user, "createSymlink", path=str(folder / "link"), linkTarget=str(folder))
    await user.ask(REMOVE, path=str(folder / "link"), recursive=True)
    assert names(folder) == ["file"]


@pytest.mark.parametrize("path", ["/", "~", "~/", "~/.", "~/x/..", "~/..", "~/../..", "/usr/..", "//"])
async def test_neither_the_root_nor_the_home_nor_what_leads_to_it_is_removed(
    user: Client, home: Path, path: str
) -> None:
    assert await user.code(REMOVE, path=path, recursive=True) == "PERMISSION_DENIED"
    assert names(home.parent, home.name) == [home.name]


async def test_the_home_is_not_removed_under_another_name(user: Client, home: Path, folder: Path) -> None:
    await change(user, "createSymlink", path=str(folder / "up"), linkTarget=str(home.parent))
    assert await user.code(REMOVE, path=str(folder / "up" / home.name), recursive=True) == "PERMISSION_DENIED"
    assert {home.name, "fireuser2"} <= set(names(home.parent))


async def test_what_others_own_is_not_removed(user: Client) -> None:
    assert await user.code(REMOVE, path="/etc/passwd") == "PERMISSION_DENIED"
    assert names(Path("/etc"), "passwd") == ["passwd"]
