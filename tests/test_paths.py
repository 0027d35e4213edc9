"""Paths, ids and cursors: what comes in means one thing, and what goes out comes back as it was."""

import base64
import string
from collections.abc import Callable
from contextlib import suppress
from posixpath import normpath
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.errors import InvalidInput, PermissionDenied
from firecrest_gql.files.paths import MAX_NAME_BYTES, allow, resolve
from firecrest_gql.model.files import raw, shown
from resolvers import cursors, ids

T = TypeVar("T")
NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & set(b"\0/"))
PATHS = st.lists(NAMES, min_size=1, max_size=6).map(lambda names: b"/" + b"/".join(names))
ANYTHING = st.text(st.characters(codec=None))
HOME = "/home/user"


def text(data: bytes) -> str:
    """The path as the domain has it."""
    return data.decode("utf-8", "surrogateescape")


def answer(ask: Callable[[], T], argument: str) -> T | None:
    """What is answered; None where it is refused, which names the argument."""
    with suppress(InvalidInput):
        return ask()
    with pytest.raises(InvalidInput, match=f"^{argument}:"):
        ask()
    return None


@given(PATHS)
def test_a_path_of_any_bytes_comes_back_as_it_was_shown(data: bytes) -> None:
    path = resolve(raw(text(data)), argument="path")
    assert path == normpath(text(data))
    assert resolve(raw(path), argument="path") == path


@given(PATHS)
def test_a_path_that_is_shown_is_text(data: bytes) -> None:
    assert shown(text(data)).encode("utf-8")
    assert raw(text(data)).encode("utf-8")


@given(ANYTHING)
def test_whatever_is_given_is_an_absolute_path_without_steps_back_or_refused_by_name(given_path: str) -> None:
    path = answer(lambda: resolve(given_path, argument="target", home=HOME), "target")
    names = path.split("/") if path is not None else [""]
    assert names[0] == ""
    assert not {".", ".."} & set(names)
    assert path == "/" or "" not in names[1:]
    assert "\0" not in (path or "")
    assert all(len(name.encode("utf-8", "surrogateescape")) <= MAX_NAME_BYTES for name in names)


@pytest.mark.parametrize(
    ("given_path", "expected"),
    [
        ("~", HOME),
        ("~/", HOME),
        ("~/a/../b", f"{HOME}/b"),
        ("~/../other", "/home/other"),
        ("/", "/"),
        ("//", "/"),
        ("//a//b/", "/a/b"),
        ("/..", "/"),
        ("/a/./b", "/a/b"),
        ("/~", "/~"),
        ("/a b\n", "/a b\n"),
        ("base64:L2E=", "/a"),
        ("base64:L/8=", "/\udcff"),
    ],
)
def test_a_path_means(given_path: str, expected: str) -> None:
    assert resolve(given_path, argument="path", home=HOME) == expected


@pytest.mark.parametrize(
    "given_path",
    ["", "a", "./a", "~user", "~user/a", "base64:", "base64:YQ==", "base64:!", "base64:fg==", "/a\0", "/\ud800", "-rf"],
)
def test_a_path_is_refused(given_path: str) -> None:
    with pytest.raises(InvalidInput, match=r"^path:"):
        resolve(given_path, argument="path", home=HOME)


def test_a_name_may_be_as_long_as_file_systems_allow() -> None:
    assert resolve("/" + "é" * 127, argument="path")
    with pytest.raises(InvalidInput, match="255 bytes"):
        resolve("/" + "é" * 128, argument="path")
    with pytest.raises(InvalidInput, match="4096 bytes"):
        resolve("/a" * 2049, argument="path")


@pytest.mark.parametrize(
    ("path", "trees", "inside"),
    [
        ("/scratch/a", ("/scratch",), True),
        ("/scratch", ("/scratch/",), True),
        ("/scratch2/a", ("/scratch",), False),
        ("/", ("/scratch",), False),
        ("/etc/passwd", ("/scratch", "/project"), False),
        ("/etc/passwd", ("/",), True),
    ],
)
def test_only_the_allowed_trees_are_touched(path: str, trees: tuple[str, ...], inside: bool) -> None:
    if inside:
        allow(path, trees, argument="path")
    else:
        with pytest.raises(PermissionDenied, match=r"^path:"):
            allow(path, trees, argument="path")


PARTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.sampled_from(["system", "job", "file"]), st.lists(PARTS, min_size=1, max_size=3))
def test_an_id_leads_back_to_what_it_was_made_of(kind: str, parts: list[str]) -> None:
    made = ids.encode(kind, *parts)
    assert ids.decode(made) == (kind, parts)
    assert set(made) <= set(string.ascii_letters + string.digits + "_-")


@given(PATHS)
def test_a_file_of_any_name_has_an_id(data: bytes) -> None:
    assert ids.decode(ids.encode("file", "local", text(data))) == ("file", ["local", text(data)])


@given(ANYTHING)
def test_what_is_no_id_is_refused_and_no_fault_of_ours(given_id: str) -> None:
    answer(lambda: ids.decode(given_id), "id")


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_a_cursor_leads_back_to_its_keys(keys: list[str]) -> None:
    assert cursors.decode(cursors.encode(*keys), len(keys)) == keys


@given(ANYTHING, st.integers(1, 3))
def test_what_is_no_cursor_is_refused_and_no_fault_of_ours(cursor: str, count: int) -> None:
    keys = answer(lambda: cursors.decode(cursor, count), "after")
    assert keys is None or len(keys) == count


def test_a_cursor_of_another_list_is_refused() -> None:
    for cursor in (cursors.encode("a", "b"), ids.encode("file", "a")):
        with pytest.raises(InvalidInput, match=r"^after:"):
            cursors.decode(cursor, 1)


@pytest.mark.parametrize(("first", "fits"), [(0, True), (1, True), (1000, True), (1001, False), (-1, False)])
def test_a_page_has_a_size_within_the_limit(first: int, fits: bool) -> None:
    if fits:
        cursors.check_first(first, 1000)
    else:
        with pytest.raises(InvalidInput, match="maxPageSize, 1000"):
            cursors.check_first(first, 1000)


def test_bytes_that_are_text_are_shown_as_they_are() -> None:
    assert raw("/a/é") == "/a/é"
    assert raw("/\udcff") == "base64:" + base64.b64encode(b"/\xff").decode()
    assert shown("/\udcff") == "/�"
