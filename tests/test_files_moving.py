"""Moves where a rename does not reach: nothing is lost, though both places have the same number of a device."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Result
from firecrest_gql.errors import ErrorCode, FirecrestError
from firecrest_gql.files.placing import Move
from tests.client import Client
from tests.files import names, refused

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Path]:
    """A directory with `here` and `there`, of one device, between which no rename goes."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    mounted = subprocess.run(["mount", "--bind", tmp_path / "there", tmp_path / "there"], check=False)
    if mounted.returncode != 0:
        pytest.skip("needs root, and the right to mount")
    yield tmp_path
    subprocess.run(["umount", tmp_path / "there"], check=True)


def move(path: Path, target: Path, programs: Path | None = None, **more: Any) -> FirecrestError | None:
    """The program with these programs first, and the error that is read from it."""
    command = Move(str(path), str(target), **more)
    search = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    run = subprocess.run(
        command.argv, capture_output=True, env={"PATH": search, "HOME": "/root", "LC_ALL": "C"}, check=False
    )
    try:
        command.parse(Result(run.returncode, run.stdout, run.stderr))
    except FirecrestError as error:
        return error
    return None


def program(folder: Path, name: str, text: str) -> Path:
    """A folder with a program that stands before the system's."""
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return folder


def test_a_copy_that_fails_leaves_the_old_target_where_no_rename_goes(apart: Path, tmp_path: Path) -> None:
    (apart / "here" / "new").write_text("new")
    (apart / "there" / "old").write_text("old")
    full = program(tmp_path / "full", "cp", 'echo "cp: No space left on device" >&2; exit 1')
    error = move(apart / "here" / "new", apart / "there" / "old", full, overwrite=True)
    assert error is not None
    assert error.code == ErrorCode.NO_SPACE
    assert ((apart / "here" / "new").read_text(), (apart / "there" / "old").read_text()) == ("new", "old")
    assert (names(apart / "here", ".*"), names(apart / "there", ".*")) == ([], [])


@pytest.mark.parametrize("there", ["there", "here"])
def test_everything_is_moved_whether_or_not_a_rename_goes(apart: Path, there: str) -> None:
    here = apart / "here"
    (here / "tree" / "sub").mkdir(parents=True)
    (here / "tree" / "sub" / "file").write_text("in a tree")
    (here / "file").write_text("file")
    (here / "link").symlink_to("nowhere")
    os.mkfifo(here / "pipe")
    numbers = {name: (here / name).lstat().st_ino for name in names(here)}
    for name, number in numbers.items():
        assert move(here / name, apart / there / f"{name}-moved") is None
        same = (apart / there / f"{name}-moved").lstat().st_ino == number
        assert same == (there == "here"), "a rename wherever one goes"
    assert (apart / there / "tree-moved" / "sub" / "file").read_text() == "in a tree"
    assert (apart / there / "link-moved").readlink() == Path("nowhere")
    assert names(here) + names(apart / "there") == sorted(f"{name}-moved" for name in numbers)


def test_a_file_that_can_have_no_second_name_is_renamed_all_the_same(apart: Path, tmp_path: Path) -> None:
    (apart / "here" / "file").write_text("words")
    number = (apart / "here" / "file").stat().st_ino
    unlinked = program(tmp_path / "bin", "ln", 'echo "ln: Operation not permitted" >&2; exit 1')
    assert move(apart / "here" / "file", apart / "here" / "moved", unlinked) is None
    assert (apart / "here" / "moved").stat().st_ino == number
    assert move(apart / "here" / "moved", apart / "there" / "copied", unlinked) is None
    assert (apart / "there" / "copied").stat().st_ino != number
    assert (names(apart / "here"), names(apart / "there")) == ([], ["copied"])


@pytest.mark.skipif(os.getuid() != 0, reason="the directory is to be another user's")
async def test_what_a_sticky_directory_does_not_let_go_is_named(user: Client, folder: Path, tmp_path: Path) -> None:
    sticky = Path("/var/tmp") / f"sticky-{os.getpid()}"
    sticky.mkdir()
    try:
        sticky.chmod(0o1777)
        (sticky / "theirs").touch()
        code, message = await refused(user, "moveFile", path=str(sticky / "theirs"), target=str(folder / "stolen"))
        assert (code, repr(str(sticky / "theirs")) in message) == (ErrorCode.PERMISSION_DENIED, True)
    finally:
        subprocess.run(["rm", "-r", sticky], check=True)  # noqa: ASYNC221
