"""Reading files: pieces that fit together, text that is cut only between characters, and bytes as they are."""

import base64
import io
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.files.contents import Read, ReadEnd, first_lines, last_lines
from firecrest_gql.model.files import FileContent
from tests.client import Client
from tests.files import change, content, path_of, write

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

LIMIT = 5 * 2**20
END = "offset length truncated text base64"
SHOWN = 'query($path: String!) { system(name: "local") { file(path: $path) { %s } } }'


async def end(user: Client, which: str, path: Path, **given: int) -> dict[str, Any]:
    """What `head` or `tail` shows."""
    said = ", ".join(f"{name}: {value}" for name, value in given.items())
    field = f"{which}({said})" if given else which
    query = SHOWN % f"{field} {{ offset length truncated text }}"
    return dict((await user.ask(query, path=path_of(path)))["system"]["file"][which])


async def test_a_file_is_read_piece_by_piece_and_no_character_is_cut(user: Client, folder: Path) -> None:
    text = "aé€😀" * 5 + "z"
    await write(user, folder / "text", text.encode())
    pieces, offset, more = "", 0, True
    while more:
        piece = await content(user, folder / "text", offset=offset, length=7)
        pieces, offset, more = pieces + piece["text"], piece["nextOffset"], piece["truncated"]
    assert pieces == text


@given(st.one_of(st.text().map(str.encode), st.binary()), st.integers(1, 9))
def test_any_file_is_read_whole_in_pieces_of_any_length(data: bytes, length: int) -> None:
    pieces, offset, more = b"", 0, True
    while more:
        answer = Result(0, data[offset : offset + length + 1], b"")
        piece = Read("/file", offset, length).parse(answer)
        assert piece.data or not piece.truncated, "no progress"
        assert len(piece.data) <= length
        pieces, offset, more = pieces + piece.data, piece.next_offset, piece.truncated
    assert pieces == data


@given(st.text(), st.integers(4, 20))
def test_a_piece_of_a_text_is_text(text: str, length: int) -> None:
    piece = Read("/file", 0, length).parse(Result(0, text.encode()[: length + 1], b""))
    assert text.startswith(piece.data.decode())


@given(st.one_of(st.text().map(str.encode), st.binary()), st.integers(1, 20))
def test_the_end_of_a_file_is_told_with_where_it_begins(data: bytes, length: int) -> None:
    begin = max(0, len(data) - length)
    shown = ReadEnd("/file", length).parse(Result(0, b"%d\0" % begin + data[begin:], b""))
    assert data[shown.offset :] == shown.data
    assert shown.truncated is (shown.offset > 0)
    assert shown.offset - begin < 4


@given(st.binary(max_size=30), st.integers(0, 9))
def test_lines_are_cut_where_they_end(data: bytes, lines: int) -> None:
    data = data.translate(bytes(10 if byte % 3 == 0 else byte for byte in range(256)))
    parts = list(io.BytesIO(data))
    content = FileContent(data=data, offset=7, truncated=False)
    first, last = first_lines(content, lines), last_lines(content, lines)
    assert (first.data, first.truncated) == (b"".join(parts[:lines]), len(parts) > lines)
    assert last.data == b"".join(parts[len(parts) - min(lines, len(parts)) :])
    assert last.offset + len(last.data) == 7 + len(data)


async def test_bytes_that_are_no_text_come_whole(user: Client, folder: Path) -> None:
    data = bytes(range(256)) * 4
    await write(user, folder / "binary", data)
    piece = await content(user, folder / "binary", offset=100, length=130)
    assert base64.b64decode(piece["base64"]) == data[100:230]
    assert piece["text"] is None
    assert piece["nextOffset"] == 230


async def test_reading_behind_the_end_gives_nothing(user: Client, folder: Path) -> None:
    await write(user, folder / "short", b"abc")
    piece = await content(user, folder / "short", offset=2**40)
    assert (piece["text"], piece["truncated"]) == ("", False)
    assert (await content(user, folder / "short", length=0))["text"] == ""


async def test_head_and_tail_show_lines_and_bytes(user: Client, folder: Path) -> None:
    lines = [f"line {number}\n" for number in range(100)]
    path = folder / "lines"
    await write(user, path, "".join(lines).encode())
    assert (await end(user, "head", path))["text"] == "".join(lines[:10])
    assert (await end(user, "tail", path))["text"] == "".join(lines[-10:])
    assert (await end(user, "head", path, lines=3)) == {
        "offset": 0,
        "length": 21,
        "truncated": True,
        "text": "".join(lines[:3]),
    }
    last = await end(user, "tail", path, lines=2)
    assert (last["text"], last["truncated"]) == ("".join(lines[-2:]), True)
    assert last["offset"] == path.stat().st_size - len(last["text"])
    assert (await end(user, "tail", path, lines=1000))["truncated"] is False
    assert (await end(user, "head", path, bytes=4))["text"] == "line"
    assert (await end(user, "tail", path, bytes=3))["text"] == "99\n"
    assert (await end(user, "head", path, lines=0))["text"] == ""


async def test_the_last_bytes_begin_with_a_whole_character(user: Client, folder: Path) -> None:
    await write(user, folder / "text", "xé€".encode())
    shown = await end(user, "tail", folder / "text", bytes=4)
    assert (shown["text"], shown["offset"]) == ("€", 3)


async def test_the_ends_of_many_files_are_those_of_each(user: Client, folder: Path) -> None:
    for name, data in {
        "empty": b"",
        "text": "aé€😀z".encode(),
        "binary": bytes(range(256)),
        "new\nline": b"n\n",
    }.items():
        await write(user, folder / name, data)
    await change(user, "createDirectory", path=str(folder / "directory"))
    os.mkfifo(folder / "pipe")
    ends = " ".join(
        f"{which}{n}: {which}(bytes: {n}) {{ {END} }}" for which in ("head", "tail") for n in (0, 4, 10, 256)
    )
    many = (await user.post(SHOWN % f"entries(first: 10) {{ nodes {{ rawPath {ends} }} }}", path=str(folder))).json()
    nodes = many["data"]["system"]["file"]["entries"]["nodes"]
    assert len(nodes) == 6
    for node in nodes:
        one = (await user.post(SHOWN % ends, path=node.pop("rawPath"))).json()
        assert node == one["data"]["system"]["file"]
    codes = Counter(error["extensions"]["code"] for error in many["errors"])
    assert codes == {"IS_A_DIRECTORY": 8, "INVALID_INPUT": 8}


async def test_lines_that_are_longer_than_guessed_are_read_all_the_same(user: Client, folder: Path) -> None:
    lines = [letter * 100_000 + "\n" for letter in "abc"]
    await write(user, folder / "long", "".join(lines).encode())
    assert (await end(user, "head", folder / "long", lines=2))["length"] == 200_002
    assert (await end(user, "tail", folder / "long", lines=2))["length"] == 200_002


READS_REFUSED = {
    "a negative offset": ("content(offset: -1) { text }", "INVALID_INPUT", "offset"),
    "an offset beyond all files": ('content(offset: "99999999999999999999") { text }', "INVALID_INPUT", "offset"),
    "a negative length": ("content(length: -1) { text }", "INVALID_INPUT", "length"),
    "a length over the limit": (f"content(length: {LIMIT + 1}) {{ text }}", "TOO_LARGE", "length"),
    "negative lines": ("head(lines: -1) { text }", "INVALID_INPUT", "lines"),
    "lines and bytes": ("tail(lines: 1, bytes: 1) { text }", "INVALID_INPUT", "lines, bytes"),
    "bytes over the limit": (f"tail(bytes: {LIMIT + 1}) {{ text }}", "TOO_LARGE", "bytes"),
    "the bytes of a directory": ("content { text }", "IS_A_DIRECTORY", "/"),
    "the last bytes of a directory": ("tail { text }", "IS_A_DIRECTORY", "/"),
}


@pytest.mark.parametrize(("field", "code", "named"), READS_REFUSED.values(), ids=READS_REFUSED)
async def test_what_cannot_be_read_is_refused_by_name(user: Client, field: str, code: str, named: str) -> None:
    error = await user.error(f'{{ system(name: "local") {{ file(path: "~") {{ {field} }} }} }}')
    assert error["extensions"]["code"] == code
    assert named in error["message"]


async def test_what_may_not_be_read_is_refused_for_what_it_is(user: Client) -> None:
    for field in ("content { text }", "head { text }", "tail { text }", "checksum"):
        code = await user.code(f'{{ system(name: "local") {{ file(path: "/etc/shadow") {{ {field} }} }} }}')
        assert code == "PERMISSION_DENIED", field
