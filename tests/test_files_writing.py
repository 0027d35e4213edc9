"""Changes of files as a user asks for them: what is there afterwards, what is refused, and what is left behind."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.errors import ErrorCode, FirecrestError, InvalidInput
from firecrest_gql.files.attributes import check_mode, check_owner
from firecrest_gql.files.placing import COPY, Move
from tests.client import Client
from tests.files import ODD_NAMES, change, names, path_of, refused, write
from tests.service import SYSTEMS
from tests.waiting import until

MEMORY = Path("/dev/shm")


def device(path: Path) -> int | None:
    """The number of the file system that has it."""
    return path.stat().st_dev if path.is_dir() else None


def mode(path: Path) -> int:
    """Its permissions."""
    return path.stat().st_mode


async def tree(user: Client, top: Path) -> None:
    """A directory with a file, a link to it, a dangling link, and a directory that nobody may write in."""
    await change(user, "createDirectory", path=str(top / "sub" / "closed"), parents=True)
    await write(user, top / "sub" / "file")
    await write(user, top / "sub" / "closed" / "inner")
    await change(user, "createSymlink", path=str(top / "link"), linkTarget="sub/file")
    await change(user, "createSymlink", path=str(top / "dangling"), linkTarget="nowhere")
    await change(user, "changeMode", path=str(top / "sub" / "closed"), mode="0555")


async def test_a_touched_file_is_there_and_keeps_what_it_holds(user: Client, folder: Path) -> None:
    made = await change(user, "touchFile", path=str(folder / "new"))
    assert (made["type"], made["size"]) == ("REGULAR", 0)
    await write(user, folder / "old")
    os.utime(folder / "old", (1, 1))
    assert (await change(user, "touchFile", path=str(folder / "old")))["size"] == 5
    assert (folder / "old").stat().st_mtime > 1


async def test_a_link_is_made_as_asked_and_replaces_nothing(user: Client, folder: Path) -> None:
    made = await change(user, "createSymlink", path=str(folder / "link"), linkTarget="-nowhere at\nall")
    assert (made["type"], made["linkTarget"]) == ("SYMLINK", "-nowhere at\nall")
    code, message = await refused(user, "createSymlink", path=str(folder / "link"), linkTarget="/")
    assert code == ErrorCode.ALREADY_EXISTS
    assert str(folder / "link") in message
    assert (await refused(user, "createSymlink", path=str(folder / "x"), linkTarget=""))[0] == ErrorCode.INVALID_INPUT


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_any_name_is_copied_moved_and_changed(user: Client, folder: Path, name: str) -> None:
    await write(user, folder / "source", b"odd")
    copied = await change(user, "copyFile", path=str(folder / "source"), target=path_of(folder / name))
    assert copied["rawPath"] == path_of(folder / name)
    assert (await change(user, "changeMode", path=path_of(folder / name), mode="u=rw,go="))["mode"] == "0600"
    await change(user, "createDirectory", path=str(folder / "below"))
    await change(user, "moveFile", path=path_of(folder / name), target=path_of(folder / "below" / name))
    assert names(folder / "below") == [name]
    assert names(folder) == ["below", "source"]


async def test_a_tree_is_copied_whole_with_its_links(user: Client, folder: Path) -> None:
    await tree(user, folder / "a")
    await change(user, "copyFile", path=str(folder / "a"), target=str(folder / "b"))
    assert (folder / "b" / "link").readlink() == Path("sub/file")
    assert (folder / "b" / "dangling").readlink() == Path("nowhere")
    assert (folder / "b" / "sub" / "closed" / "inner").read_bytes() == b"words"
    assert (folder / "b" / "sub" / "closed").stat().st_mode & 0o777 == 0o555


async def test_a_dereferenced_copy_holds_files_in_place_of_links(user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    await change(user, "createSymlink", path=str(folder / "link"), linkTarget="file")
    copied = await change(user, "copyFile", path=str(folder / "link"), target=str(folder / "copy"), dereference=True)
    assert (copied["type"], copied["size"]) == ("REGULAR", 5)
    assert (await change(user, "copyFile", path=str(folder / "link"), target=str(folder / "same")))["type"] == "SYMLINK"


async def test_a_copy_that_fails_in_the_middle_leaves_nothing(user: Client, folder: Path) -> None:
    await tree(user, folder / "a")
    asked: dict[str, Any] = {"path": str(folder / "a"), "target": str(folder / "b"), "dereference": True}
    assert (await refused(user, "copyFile", **asked))[0] == ErrorCode.NOT_FOUND  # of the dangling link
    assert names(folder) == ["a"]


@pytest.mark.parametrize("field", ["copyFile", "moveFile"])
async def test_nothing_is_overwritten_unless_asked(user: Client, folder: Path, field: str) -> None:
    await write(user, folder / "new", b"new")
    await write(user, folder / "old", b"old")
    await change(user, "createSymlink", path=str(folder / "dangling"), linkTarget="nowhere")
    for target in ("old", "dangling"):
        code, message = await refused(user, field, path=str(folder / "new"), target=str(folder / target))
        assert code == ErrorCode.ALREADY_EXISTS
        assert str(folder / target) in message
    assert (folder / "old").read_bytes() == b"old"
    for target in ("old", "dangling"):
        await write(user, folder / "new", b"new")
        await change(user, field, path=str(folder / "new"), target=str(folder / target), overwrite=True)
        assert (folder / target).read_bytes() == b"new"
        assert not (folder / target).is_symlink()
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize("field", ["copyFile", "moveFile"])
async def test_a_directory_that_holds_something_is_never_replaced(user: Client, folder: Path, field: str) -> None:
    await write(user, folder / "file")
    for name in ("full", "other"):
        await change(user, "createDirectory", path=str(folder / name))
        await write(user, folder / name / "kept")
    await change(user, "createDirectory", path=str(folder / "empty"))
    cases = [
        ("other", "full", ErrorCode.NOT_EMPTY),
        ("file", "full", ErrorCode.NOT_EMPTY),
        ("file", "empty", ErrorCode.IS_A_DIRECTORY),
        ("other", "file", ErrorCode.NOT_A_DIRECTORY),
    ]
    for path, target, code in cases:
        asked: dict[str, Any] = {"path": str(folder / path), "target": str(folder / target), "overwrite": True}
        assert (await refused(user, field, **asked))[0] == code, (path, target)
    await change(user, field, path=str(folder / "other"), target=str(folder / "empty"), overwrite=True)
    assert (folder / "empty" / "kept").exists()


@pytest.mark.parametrize("field", ["copyFile", "moveFile"])
async def test_an_error_names_the_path_that_met_it(user: Client, folder: Path, field: str) -> None:
    await write(user, folder / "file")
    cases = [
        ("missing", "new", "missing", ErrorCode.NOT_FOUND),
        ("file", "missing/new", "missing/new", ErrorCode.NOT_FOUND),
        ("file", "file/new", "file/new", ErrorCode.INVALID_INPUT),
        ("file", "file", "file", ErrorCode.INVALID_INPUT),
    ]
    for path, target, named, code in cases:
        asked: dict[str, Any] = {"path": str(folder / path), "target": str(folder / target)}
        said = await refused(user, field, **asked)
        assert said[0] == code, said
        assert repr(str(folder / named)) in said[1]


@pytest.mark.parametrize("field", ["copyFile", "moveFile"])
async def test_a_directory_does_not_go_into_itself_by_another_name(user: Client, folder: Path, field: str) -> None:
    await change(user, "createDirectory", path=str(folder / "a"))
    await change(user, "createSymlink", path=str(folder / "b"), linkTarget="a")
    asked = {"path": str(folder / "a"), "target": str(folder / "b" / "inside")}
    assert (await refused(user, field, **asked))[0] == ErrorCode.INVALID_INPUT
    assert names(folder / "a") == []


async def test_a_move_to_another_file_system_brings_everything_and_removes_the_source(
    user: Client, folder: Path
) -> None:
    if device(MEMORY) in (None, device(folder)):
        pytest.skip("needs a second file system")
    await tree(user, folder / "a")
    target = MEMORY / folder.name
    try:
        await change(user, "moveFile", path=str(folder / "a" / "sub" / "file"), target=str(target))
        assert target.read_bytes() == b"words"
        said = await refused(user, "moveFile", path=str(folder / "a" / "link"), target=str(target))
        assert said[0] == ErrorCode.ALREADY_EXISTS
        await change(user, "moveFile", path=str(target), target=str(folder / "back"))
    finally:
        target.unlink(missing_ok=True)
    assert (folder / "back").read_bytes() == b"words"
    assert names(MEMORY, ".firecrest.*") == []


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("moveFile", {"target": "~/changes-elsewhere"}),
        ("changeMode", {"mode": "000"}),
        ("changeOwner", {"owner": "nobody"}),
    ],
)
async def test_the_home_and_what_leads_to_it_stay_as_they_are(
    user: Client, home: Path, folder: Path, field: str, asked: dict[str, Any]
) -> None:
    await change(user, "createSymlink", path=str(folder / "alias"), linkTarget=str(home.parent))
    before = mode(home)
    for path in ("/", "~", str(home.parent), str(folder / "alias" / home.name)):
        assert (await refused(user, field, path=path, **asked))[0] == ErrorCode.PERMISSION_DENIED, path
    assert mode(home) == before


async def test_the_home_is_no_target_either(user: Client, home: Path, folder: Path) -> None:
    await change(user, "createDirectory", path=str(folder / "empty"))
    for target in ("/", "~", str(home.parent)):
        asked: dict[str, Any] = {"path": str(folder / "empty"), "target": target, "overwrite": True}
        assert (await refused(user, "moveFile", **asked))[0] == ErrorCode.PERMISSION_DENIED, target


async def test_modes_are_changed_in_both_notations_and_below(user: Client, folder: Path) -> None:
    await tree(user, folder / "a")
    assert (await change(user, "changeMode", path=str(folder / "a"), mode="0700"))["mode"] == "0700"
    changed = await change(user, "changeMode", path=str(folder / "a"), mode="u+rwX,go=rX", recursive=True)
    assert changed["mode"] == "0755"
    assert (folder / "a" / "sub" / "closed" / "inner").stat().st_mode & 0o777 == 0o644
    for wrong in ("", "9", "rwxr-xr-x", "u+rw;id", "0644 /", "--reference=/etc/passwd"):
        assert (await refused(user, "changeMode", path=str(folder / "a"), mode=wrong))[0] == ErrorCode.INVALID_INPUT


async def test_an_owner_is_changed_only_as_the_system_allows(user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    account = (await user.ask('{ system(name: "local") { account { uid groups { name gid } } } }'))["system"]["account"]
    path = str(folder / "file")
    group = account["groups"][0]
    assert (await change(user, "changeOwner", path=path, group=group["name"]))["group"] == group["name"]
    both = await change(user, "changeOwner", path=path, owner=str(account["uid"]), group=str(group["gid"]))
    assert both["group"] == group["name"]
    said = await refused(user, "changeOwner", path=path, group="domain users of nobody")
    assert "the system knows none of this name" in said[1]
    for asked in ({}, {"owner": "a:b"}, {"group": "$(id)"}, {"owner": "--reference=/etc"}, {"owner": "no.such.user"}):
        assert (await refused(user, "changeOwner", path=path, **asked))[0] == ErrorCode.INVALID_INPUT, asked


@pytest.mark.slurm
@pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out")
async def test_what_the_system_forbids_is_refused_on_a_real_sshd(user: Client, other_user: Client, remote: str) -> None:
    on = {"system": "slurm"}
    home = (await user.ask('{ system(name: "slurm") { account { home } } }'))["system"]["account"]["home"]
    await change(user, "touchFile", path=f"{remote}/mine", **on)
    await change(user, "changeMode", path=f"{remote}/mine", mode="0600", **on)
    theirs = remote.replace("~", home) + "/mine"
    for field, asked in {
        "touchFile": {},
        "changeMode": {"mode": "0777"},
        "changeOwner": {"owner": "fireuser2"},
        "moveFile": {"target": "~/stolen"},
        "copyFile": {"target": "~/stolen"},
    }.items():
        code, message = await refused(other_user, field, path=theirs, **asked, **on)
        assert code == ErrorCode.PERMISSION_DENIED, (field, message)
    said = await refused(user, "changeOwner", path=f"{remote}/mine", owner="fireuser2", **on)
    assert said[0] == ErrorCode.PERMISSION_DENIED
    await change(user, "moveFile", path=f"{remote}/mine", target=f"{remote}/moved", **on)
    await change(user, "copyFile", path=f"{remote}/moved", target=f"{remote}/copied", **on)
    code, _ = await refused(user, "moveFile", path=f"{remote}/moved", target=f"{remote}/copied", **on)
    assert code == ErrorCode.ALREADY_EXISTS


async def test_an_interrupted_copy_leaves_neither_half_a_target_nor_a_temporary_tree(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in "ab":
        (source / name).mkdir(parents=True)
    first, last = sorted(source.iterdir(), key=lambda path: path.stat().st_ino)  # the order in which cp takes them
    (first / "file").write_bytes(b"x")
    first.chmod(0o555)
    os.mkfifo(last / "never")  # with -L, which opens it, cp waits here for ever
    argv = [
        "sh",
        "-c",
        COPY.replace("cp -R", "cp --copy-contents -R"),
        "sh",
        str(source),
        str(tmp_path / "t"),
        "0",
        "-L",
    ]
    copying = subprocess.Popen(argv, start_new_session=True, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        await until(lambda: any(tmp_path.glob(f".firecrest.*/{last.name}")))
    finally:
        os.killpg(copying.pid, signal.SIGTERM)
    assert await asyncio.to_thread(copying.wait, 30) == 143
    assert names(tmp_path) == ["source"]


def test_a_rename_that_finds_the_target_at_the_last_moment_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    put = COPY[COPY.index("refuse() {") : COPY.index("t= probe=\n")] + 'put "$1" "$2" 0'
    run = subprocess.run(["sh", "-c", put, "sh", tmp_path / "new", tmp_path / "old"], capture_output=True, check=False)
    assert run.returncode == 1
    with pytest.raises(FirecrestError) as raised:
        Move("/new", "/old").parse(Result(2, b"", run.stderr))
    assert raised.value.code == ErrorCode.ALREADY_EXISTS
    assert (tmp_path / "old").read_text() == "old"


@given(st.text(max_size=30))
def test_what_chmod_would_not_understand_never_reaches_it(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    try:
        check_mode(text)
    except InvalidInput:
        return
    file = tmp_path_factory.getbasetemp() / "mode"
    file.touch()
    run = subprocess.run(["chmod", "--", text, file], capture_output=True, check=False)
    assert b"invalid mode" not in run.stderr


@given(st.from_regex(r"[ugoa]{0,3}[-+=]([rwxXst]{0,4}|[ugo])(,[ugoa]{0,2}[-+=][rwx]{0,2}){0,2}", fullmatch=True))
def test_every_symbolic_mode_is_taken(text: str) -> None:
    check_mode(text)


@given(st.text(alphabet="abc:; $\n-/'\"", min_size=1, max_size=8))
def test_an_owner_is_one_word_without_a_colon(text: str) -> None:
    try:
        check_owner(text, None)
    except InvalidInput:
        return
    assert not set(text.removesuffix("$")) & set(":; $\n/'\""), "only the last may be $, as useradd(8) has it"
    assert not text.startswith("-")
