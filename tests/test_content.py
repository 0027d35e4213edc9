"""Files over plain HTTP: what `contentUrl` leads to."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.errors import ErrorCode
from firecrest_gql.files.downloading import OCTETS, Opened
from firecrest_gql.gateway.content import disposition, part_of
from tests.client import Client
from tests.files import ODD_NAMES, change, path_of, write
from tests.openssh import processes_with
from tests.service import SYSTEMS
from tests.waiting import until

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

URL = "query($system: String!, $path: String!) { system(name: $system) { file(path: $path) { contentUrl } } }"
LIMIT = '{ system(name: "local") { limits { maxInlineFileSize } } }'


async def url_of(user: Client, path: Path | str, system: str = "local") -> Any:
    """The file's address."""
    given = path_of(path) if isinstance(path, Path) else path
    return (await user.ask(URL, system=system, path=given))["system"]["file"]["contentUrl"]


async def get(user: Client, url: str, method: str = "GET", **headers: str) -> httpx.Response:
    """The answer to a request with these headers."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.request(method, url, headers={**user.headers, **said})


def code(answer: httpx.Response) -> str:
    """The code of the one error of an answer in JSON."""
    [error] = answer.json()["errors"]
    assert error["extensions"]["requestId"] == answer.headers["X-Request-ID"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_the_bytes_of_a_file_of_any_name_come_as_they_are(user: Client, folder: Path, name: str) -> None:
    data = bytes(range(256)) * 1000
    await write(user, folder / name, data)
    answer = await get(user, await url_of(user, folder / name))
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


async def test_only_regular_files_have_an_address_and_it_is_no_credential(
    user: Client, other_user: Client, folder: Path
) -> None:
    await write(user, folder / "file")
    await change(user, "createSymlink", path=str(folder / "link"), linkTarget="file")
    assert [await url_of(user, folder), await url_of(user, folder / "link")] == [None, None]
    url = await url_of(user, folder / "file")
    assert url.startswith(user.demo["graphql_url"].removesuffix("graphql") + "content/")
    for token in (None, "x"):
        answer = await get(Client(user.demo, token), url)
        assert (answer.status_code, code(answer)) == (401, ErrorCode.UNAUTHENTICATED)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_no_script_runs_in_a_browser_from_a_file(user: Client, folder: Path) -> None:
    await write(user, folder / "page.html", b"<!doctype html><html><script>alert(1)</script></html>")
    answer = await get(user, await url_of(user, folder / "page.html"))
    assert answer.headers["Content-Type"] == "text/html; charset=us-ascii"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="page.html"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"].split("; ")


@pytest.mark.parametrize(
    ("asked", "status", "told", "data"),
    [
        ("bytes=0-3", 206, "bytes 0-3/10", b"0123"),
        ("bytes=3-", 206, "bytes 3-9/10", b"3456789"),
        ("bytes=-4", 206, "bytes 6-9/10", b"6789"),
        ("bytes=8-99", 206, "bytes 8-9/10", b"89"),
        ("bytes=-99", 206, "bytes 0-9/10", b"0123456789"),
        ("bytes=10-", 416, "bytes */10", b""),
        ("bytes=-0", 416, "bytes */10", b""),
        ("bytes=5-3", 200, None, b"0123456789"),
        ("bytes=0-1,4-5", 200, None, b"0123456789"),
        ("lines=1-2", 200, None, b"0123456789"),
    ],
)
async def test_a_range_of_the_bytes_comes(
    user: Client, folder: Path, asked: str, status: int, told: str | None, data: bytes
) -> None:
    await write(user, folder / "file", b"0123456789")
    answer = await get(user, await url_of(user, folder / "file"), Range=asked)
    assert (answer.status_code, answer.headers.get("Content-Range"), answer.content) == (status, told, data)
    assert answer.headers["Accept-Ranges"] == "bytes"


async def test_a_download_goes_on_only_where_the_file_is_still_the_same(user: Client, folder: Path) -> None:
    await write(user, folder / "file", b"0123456789")
    url = await url_of(user, folder / "file")
    tag = (await get(user, url)).headers["ETag"]
    assert (await get(user, url, Range="bytes=5-", If_Range=tag)).content == b"56789"
    for other in ('"other"', "W/" + tag, "Sun, 06 Nov 1994 08:49:37 GMT"):
        assert (await get(user, url, Range="bytes=5-", If_Range=other)).status_code == 200
    assert (await get(user, url, If_None_Match=tag)).status_code == 304
    await write(user, folder / "file", b"9876543210")
    answer = await get(user, url, Range="bytes=5-", If_Range=tag)
    assert (answer.status_code, answer.content) == (200, b"9876543210")
    assert (await get(user, url, If_None_Match=tag)).status_code == 200


async def test_head_tells_what_get_would_bring(user: Client, folder: Path) -> None:
    await write(user, folder / "file", b"0123456789")
    url = await url_of(user, folder / "file")
    told, brought = await get(user, url, "HEAD"), await get(user, url)
    assert (told.status_code, told.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Content-Disposition", "Accept-Ranges"):
        assert told.headers[name] == brought.headers[name]
    refused = await get(user, url, "DELETE")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


async def test_an_empty_file_is_empty(user: Client, folder: Path) -> None:
    await write(user, folder / "empty", b"")
    url = await url_of(user, folder / "empty")
    answer = await get(user, url)
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"", OCTETS)
    assert (await get(user, url, Range="bytes=0-")).status_code == 416


async def test_exactly_the_limit_comes_and_more_only_in_parts(user: Client, folder: Path) -> None:
    limit = (await user.ask(LIMIT))["system"]["limits"]["maxInlineFileSize"]
    with (folder / "file").open("wb") as file:
        file.truncate(limit)
    url = await url_of(user, folder / "file")
    assert len((await get(user, url)).content) == limit
    with (folder / "file").open("ab") as file:
        file.write(b"x")
    answer = await get(user, url)
    assert (answer.status_code, code(answer)) == (413, ErrorCode.TOO_LARGE)
    assert "startDownload" in answer.text
    assert (await get(user, url, "HEAD")).headers["Content-Length"] == str(limit + 1)
    assert (await get(user, url, Range=f"bytes={limit}-")).content == b"x"


async def test_what_cannot_be_read_is_an_error_with_a_code(user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    url = await url_of(user, folder / "file")
    (folder / "file").unlink()
    assert code(await get(user, url)) == ErrorCode.NOT_FOUND
    assert (await get(user, url)).status_code == 404
    (folder / "file").mkdir()
    assert code(await get(user, url)) == ErrorCode.IS_A_DIRECTORY
    (folder / "file").rmdir()
    os.mkfifo(folder / "file")
    assert code(await get(user, url)) == ErrorCode.INVALID_INPUT
    base = url.rpartition("/")[0]
    system = (await user.ask('{ system(name: "local") { id } }'))["system"]["id"]
    for wrong, status in (
        (system, 404),
        ("file_!", 400),
        ("x", 404),
        ("file_eA", 404),
        ("file_bm9uZQAvZXRjL3Bhc3N3ZA", 404),
    ):
        assert (await get(user, f"{base}/{wrong}")).status_code == status, wrong


async def test_the_remote_command_ends_when_the_client_leaves(user: Client, folder: Path) -> None:
    limit = (await user.ask(LIMIT))["system"]["limits"]["maxInlineFileSize"]
    with (folder / "left").open("wb") as file:
        file.truncate(limit)
    url = await url_of(user, folder / "left")
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
    writer.write(f"GET {httpx.URL(url).path} HTTP/1.1\r\nHost: x\r\n".encode())
    writer.write(f"Authorization: Bearer {user.token}\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    writer.transport.abort()
    await until(lambda: not processes_with(str(folder / "left")), seconds=20)


async def test_a_portals_page_may_read_ranges(user: Client, strict: dict[str, Any]) -> None:
    url = strict["graphql_url"].replace("graphql", "content/file_x")
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization, range"}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.options(url, headers={"Origin": "https://portal.example", **asked})
        assert answer.status_code == 200
        said = await http.get(url, headers={"Origin": "https://portal.example"})
    assert "Content-Range" in said.headers["Access-Control-Expose-Headers"]


@pytest.mark.slurm
@pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out")
async def test_on_a_real_sshd_the_rights_of_the_user_hold(user: Client, other_user: Client, remote: str) -> None:
    home = (await user.ask('{ system(name: "slurm") { account { home } } }'))["system"]["account"]["home"]
    path = remote.replace("~", home) + "/file"
    await change(user, "copyFile", "slurm", path="/etc/passwd", target=path)
    await change(user, "changeMode", "slurm", path=path, mode="0600")
    url = await url_of(user, path, "slurm")
    assert (await get(user, url, Range="bytes=0-3")).content == b"root"
    answer = await get(other_user, url)
    assert (answer.status_code, code(answer)) == (403, ErrorCode.PERMISSION_DENIED)


@given(st.text(max_size=40))
def test_any_words_for_a_range_are_one_or_none(text: str) -> None:
    part = part_of({"range": text})
    assert part.first is None or part.last is None or part.first <= part.last


@given(st.text(min_size=1, max_size=40))
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    told = disposition(name.encode("utf-8", "replace").decode())
    assert told.isascii()
    assert told.isprintable()
    assert told.count('"') == 2


def test_a_type_is_told_only_where_it_is_one() -> None:
    for kind, told in {
        "text/html; charset=utf-8": "text/html; charset=utf-8",
        "image/png; charset=binary": "image/png",
        "inode/x-empty; charset=binary": OCTETS,
        "cannot open `x' (Permission denied)": OCTETS,
        "": OCTETS,
        "text/html; charset=utf-8\r\nSet-Cookie: x": OCTETS,
    }.items():
        assert Opened.read(f"tag\x001\x000\x000\x00{kind}".encode()).type == told, kind
