"""Answers as JSON: what any parser takes, whatever names are on the systems, and piece by piece where they are long."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.gateway.encoding import LONG, encoded, is_long, slices
from tests.client import Client
from tests.files import write

TEXT = st.text(st.characters(codec=None, categories=("L", "Cc", "Cs", "P", "So")), max_size=20)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | TEXT.map(lambda text: (text + "é") * LONG),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(DATA)
async def test_an_answer_is_the_same_in_pieces_and_in_one(data: object) -> None:
    pieces = [piece async for piece in slices(data)]
    assert b"".join(pieces).decode() == encoded(data)
    assert all(len(piece.decode()) < 10 * LONG for piece in pieces)


@given(st.binary(max_size=20))
def test_bytes_that_are_no_characters_are_none_in_json(name: bytes) -> None:
    shown = json.loads(encoded([os.fsdecode(name)]).encode("utf-8"))[0]
    assert shown.encode("utf-8", "strict").decode() == shown
    assert "\ufffd" in shown or shown.encode() == name


def test_a_long_string_and_many_values_are_found_wherever_they_are() -> None:
    assert not is_long({"a": [1, None, "x" * (LONG // 2)], "b": {"c": True}})
    many: list[object] = ["x" * LONG, [None] * LONG, {str(n): {} for n in range(LONG)}, [["x" * 99] * 99] * 9]
    for long in many:
        assert is_long(long)
        assert is_long({"a": [{"b": long}]})


@pytest.mark.parametrize("data", ["漢" * (20 * LONG), [{"name": f"file-{n}"} for n in range(LONG)]])
async def test_others_have_their_turn_while_a_long_answer_is_encoded(data: object) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    pieces = [piece async for piece in slices({"data": data})]
    counting.cancel()
    assert turns >= len(pieces) - 1 >= 9


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_a_link_to_any_bytes_is_told_in_json_that_is_strict_and_made_again(user: Client, folder: Path) -> None:
    (folder / "link").symlink_to(os.fsdecode(b"no\xff\xfewhere"))
    query = 'query($path: String!) { system(name: "local") { file(path: $path) { linkTarget rawLinkTarget } } }'
    answer = await user.post(query, path=str(folder / "link"))
    assert b"\\ud" not in answer.content
    told = answer.json()["data"]["system"]["file"]
    assert told["linkTarget"] == "no\ufffd\ufffdwhere"
    asked = {"system": "local", "path": str(folder / "again"), "linkTarget": told["rawLinkTarget"]}
    await user.ask("mutation($input: CreateSymlinkInput!) { createSymlink(input: $input) { path } }", input=asked)
    assert (folder / "again").readlink() == (folder / "link").readlink()


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_a_long_text_comes_whole(user: Client, folder: Path) -> None:
    text = '漢字"\\\n' * 200_000
    await write(user, folder / "text", text.encode())
    query = 'query($path: String!) { system(name: "local") { file(path: $path) { content { text } } } }'
    answer = await user.post(query, path=str(folder / "text"))
    assert answer.json()["data"]["system"]["file"]["content"]["text"] == text
    assert answer.headers["cache-control"] == "no-store"
