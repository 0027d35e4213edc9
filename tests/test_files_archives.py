"""Archives as a user makes them and takes them apart; what an evil one may try."""

import io
import lzma
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Result
from firecrest_gql.errors import ErrorCode, FirecrestError
from firecrest_gql.files.packing import Compress
from firecrest_gql.files.unpacking import Bounds, Extract
from firecrest_gql.model.files import Compression
from tests.client import Client
from tests.files import ODD_NAMES, change, names, path_of, refused, write
from tests.service import SYSTEMS

TARS = ["NONE", "GZIP", "BZIP2", "XZ", "ZSTD"]
FILE, LINK, HARD, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
DEVICE, PIPE = tarfile.CHRTYPE, tarfile.FIFOTYPE
UP = "../" * 12
EVIL = Path("/tmp/evil")

Member = tuple[str, bytes, str]  # the name, the type, and what a link leads to or a file holds


def tar(*members: Member) -> bytes:
    """An archive as no honest program would write it."""
    said = io.BytesIO()
    with tarfile.open(fileobj=said, mode="w") as archive:
        for name, kind, rest in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o6755
            data = rest.encode() if kind == FILE else b""
            member.size, member.linkname = len(data), rest if kind in (LINK, HARD) else ""
            archive.addfile(member, io.BytesIO(data))
    return said.getvalue()


def zipped(*members: tuple[str, bytes, int]) -> bytes:
    """A zip file of names, bytes and modes."""
    said = io.BytesIO()
    with zipfile.ZipFile(said, "w") as archive:
        for name, data, mode in members:
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr, entry.compress_type = 3, mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return said.getvalue()


async def tree(user: Client, top: Path) -> None:
    """A directory with files of odd names, a link, and a directory that nobody may write in."""
    await change(user, "createDirectory", path=str(top / "closed"), parents=True)
    for name in ODD_NAMES:
        await write(user, top / name, os.fsencode(name))
    await write(user, top / "closed" / ".hidden")
    await change(user, "createSymlink", path=str(top / "link"), linkTarget="closed/.hidden")
    await change(user, "changeMode", path=str(top / "closed"), mode="0555")


def told(top: Path) -> dict[str, object]:
    """What a tree holds: the mode of each directory, the bytes of each file, where each link leads."""
    return {str(path.relative_to(top)): _told(path) for path in top.rglob("*")}


def _told(path: Path) -> object:
    if path.is_symlink():
        return path.readlink()
    return path.stat().st_mode if path.is_dir() else path.read_bytes()


@pytest.mark.parametrize("compression", TARS)
async def test_what_goes_into_an_archive_comes_out_of_it(user: Client, folder: Path, compression: str) -> None:
    await tree(user, folder / "a")
    asked = {"path": str(folder / "a"), "target": str(folder / "a.tar"), "compression": compression}
    made = await change(user, "compressFiles", **asked)
    assert (made["name"], made["type"]) == ("a.tar", "REGULAR")
    given: dict[str, Any]
    for given in ({}, {"compression": compression}):
        target = folder / f"out-{len(given)}"
        out = await change(user, "extractArchive", path=str(folder / "a.tar"), target=str(target), **given)
        assert (out["name"], out["type"], out["mode"]) == (target.name, "DIRECTORY", "0755")
        assert told(target / "a") == told(folder / "a")
    assert sorted(names(folder)) == ["a", "a.tar", "out-0", "out-1"]


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_an_archive_and_what_it_is_of_may_have_any_name(user: Client, folder: Path, name: str) -> None:
    await change(user, "createDirectory", path=str(folder / "in"))
    await write(user, folder / name, b"odd")
    await change(user, "compressFiles", path=path_of(folder / name), target=path_of(folder / "in" / name))
    asked: dict[str, Any] = {"path": path_of(folder / "in" / name), "target": path_of(folder / "in")}
    await change(user, "extractArchive", overwrite=True, **asked)
    assert (folder / "in" / name).read_bytes() == b"odd"


async def test_only_files_of_the_names_that_match_come_in(user: Client, folder: Path) -> None:
    await tree(user, folder / "a")
    asked: dict[str, Any] = {"path": str(folder / "a"), "target": str(folder / "a.tgz")}
    await change(user, "compressFiles", match=".h*", **asked)
    with tarfile.open(folder / "a.tgz") as archive:
        assert archive.getnames() == ["a/closed/.hidden"]
    code, message = await refused(user, "compressFiles", match="no-such", **asked | {"overwrite": True})
    assert (code, message.split(":")[0]) == (ErrorCode.NOT_FOUND, "match")


async def test_links_come_in_as_links_unless_what_they_point_to_is_asked_for(user: Client, folder: Path) -> None:
    await tree(user, folder / "a")
    kinds = {}
    for dereference in (False, True):
        target = folder / f"{dereference}.tgz"
        asked: dict[str, Any] = {"path": str(folder / "a"), "target": str(target), "dereference": dereference}
        await change(user, "compressFiles", **asked)
        with tarfile.open(target) as archive:
            kinds[dereference] = archive.getmember("a/link").issym()
    assert kinds == {False: True, True: False}


async def test_an_archive_replaces_nothing_unless_asked_and_never_goes_into_itself(user: Client, folder: Path) -> None:
    await write(user, folder / "file")
    await write(user, folder / "old", b"old")
    asked: dict[str, Any] = {"path": str(folder / "file"), "target": str(folder / "old")}
    assert (await refused(user, "compressFiles", **asked))[0] == ErrorCode.ALREADY_EXISTS
    assert (folder / "old").read_bytes() == b"old"
    assert (await change(user, "compressFiles", overwrite=True, **asked))["size"] > 10
    inside: dict[str, Any] = {"path": str(folder), "target": str(folder / "x" / "new.tgz")}
    assert (await refused(user, "compressFiles", **inside))[0] == ErrorCode.INVALID_INPUT


async def test_zip_files_are_read_and_not_made(user: Client, folder: Path) -> None:
    odd = [name for name in ODD_NAMES if name.isprintable() or name == "new\nline"]
    await write(user, folder / "a", zipped(*((name, name.encode(), 0o100644) for name in odd), ("s", b"", 0o104755)))
    await change(user, "extractArchive", path=str(folder / "a"), target=str(folder / "out"))
    assert names(folder / "out") == sorted([*odd, "s"])
    assert {name: (folder / "out" / name).read_bytes() for name in odd} == {name: name.encode() for name in odd}
    assert (folder / "out" / "s").stat().st_mode & 0o7777 == 0o755
    asked = {"path": str(folder / "a"), "target": str(folder / "b"), "compression": "ZIP"}
    assert (await refused(user, "compressFiles", **asked))[0] == ErrorCode.UNSUPPORTED


@pytest.mark.parametrize(
    "members",
    [
        [("/tmp/evil", FILE, "")],
        [("../evil", FILE, "")],
        [("a/../../evil", FILE, "")],
        [("l", LINK, "/etc/passwd")],
        [("l", LINK, "../evil")],
        [("l", LINK, UP + "etc/passwd")],
        [("l", LINK, UP + "proc/self/cwd/evil")],
        [("d", FOLDER, ""), ("d/up", LINK, ".."), ("l", LINK, "d/up/d/up/../..")],
        [("d", FOLDER, ""), ("d/up", LINK, ".."), ("l", LINK, "d/up/../evil")],
        [("l", LINK, "/tmp"), ("l/evil", FILE, "")],
        [("l", LINK, ".."), ("l/evil", FILE, "")],
        [("h", HARD, "/etc/passwd")],
        [("h", HARD, UP + "etc/passwd")],
        [("l", LINK, "/etc/passwd"), ("h", HARD, "l")],
        [("device", DEVICE, "")],
        [("pipe", PIPE, "")],
    ],
    ids=lambda members: " ".join(f"{name}:{rest}" for name, _, rest in members)[:60],
)
async def test_an_archive_that_leads_out_is_refused_whole(user: Client, folder: Path, members: list[Member]) -> None:
    await change(user, "createDirectory", path=str(folder / "in"))
    await write(user, folder / "in" / "a", tar(("first", FILE, "x"), *members))
    for target in ("new", "in"):
        asked: dict[str, Any] = {"path": str(folder / "in" / "a"), "target": str(folder / target), "overwrite": True}
        assert (await refused(user, "extractArchive", **asked))[0] == ErrorCode.INVALID_INPUT
    assert names(folder, "**/*") == ["a", "in"]
    assert names(EVIL.parent, EVIL.name) == []


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", b"", 0o100644)],
        [("/tmp/evil", b"", 0o100644)],
        [("a\\..\\..\\evil", b"", 0o100644)],
        [("l", b"/tmp", 0o120777)],
        [("l", b"..", 0o120777), ("l/evil", b"", 0o100644)],
    ],
)
async def test_a_zip_file_that_leads_out_is_refused_whole(
    user: Client, folder: Path, members: list[tuple[str, bytes, int]]
) -> None:
    await write(user, folder / "a.zip", zipped(("first", b"x", 0o100644), *members))
    asked = {"path": str(folder / "a.zip"), "target": str(folder / "new")}
    assert (await refused(user, "extractArchive", **asked))[0] == ErrorCode.INVALID_INPUT
    assert names(folder, "**/*") == ["a.zip"]
    assert names(EVIL.parent, EVIL.name) == []


async def test_links_that_stay_inside_come_out_and_no_file_is_setuid(user: Client, folder: Path) -> None:
    inside = [("d", FOLDER, ""), ("d/l", LINK, "../f"), ("d/..x", LINK, "nowhere"), ("f", FILE, "x"), ("h", HARD, "f")]
    await write(user, folder / "a", tar(*inside))
    await change(user, "extractArchive", path=str(folder / "a"), target=str(folder / "out"))
    assert (folder / "out" / "d" / "l").read_bytes() == b"x"
    assert (folder / "out" / "h").stat().st_nlink == 2
    assert (folder / "out" / "f").stat().st_mode & 0o7000 == 0


async def test_what_is_there_already_stays_unless_asked(user: Client, folder: Path) -> None:
    await write(user, folder / "a", tar(("d", FOLDER, ""), ("d/new", FILE, "new"), ("d/old", FILE, "new")))
    await change(user, "createDirectory", path=str(folder / "out" / "d"), parents=True)
    for name in ("old", "other"):
        await write(user, folder / "out" / "d" / name, b"old")
    asked: dict[str, Any] = {"path": str(folder / "a"), "target": str(folder / "out")}
    code, message = await refused(user, "extractArchive", **asked)
    assert (code, str(folder / "out" / "d" / "old") in message) == (ErrorCode.ALREADY_EXISTS, True)
    assert names(folder / "out" / "d") == ["old", "other"]
    await change(user, "extractArchive", overwrite=True, **asked)
    assert told(folder / "out" / "d") == {"new": b"new", "old": b"new", "other": b"old"}


async def test_nothing_is_written_through_a_link_that_is_there(user: Client, folder: Path) -> None:
    await write(user, folder / "a", tar(("d", FOLDER, ""), ("d/new", FILE, "new")))
    for name in ("out", "elsewhere"):
        await change(user, "createDirectory", path=str(folder / name))
    await change(user, "createSymlink", path=str(folder / "out" / "d"), linkTarget="../elsewhere")
    asked: dict[str, Any] = {"path": str(folder / "a"), "target": str(folder / "out"), "overwrite": True}
    assert (await refused(user, "extractArchive", **asked))[0] == ErrorCode.NOT_A_DIRECTORY
    assert names(folder / "elsewhere") == []


async def test_a_bomb_is_too_large_and_leaves_nothing(user: Client, folder: Path) -> None:
    zeros = 2**27  # of which each of these makes less than a thousandth
    header = tarfile.TarInfo("zeros")
    header.size = zeros
    for name, data in {
        "a.tar.xz": lzma.compress(header.tobuf() + bytes(zeros), preset=0),
        "a.zip": zipped(("zeros", bytes(zeros), 0o100644)),
    }.items():
        await write(user, folder / name, data)
        code, message = await refused(user, "extractArchive", path=str(folder / name), target=str(folder / "out"))
        assert (code, "startExtract" in message) == (ErrorCode.TOO_LARGE, True)
    assert names(folder) == ["a.tar.xz", "a.zip"]


@pytest.mark.parametrize(
    ("data", "name"), [(b"", "a.tar"), (b"", "a.gz"), (b"words" * 999, "a"), (b"\x1f\x8bwords", "a"), (b"PK\3\4x", "a")]
)
async def test_what_is_no_archive_is_told_as_that(user: Client, folder: Path, data: bytes, name: str) -> None:
    await write(user, folder / name, data)
    asked = {"path": str(folder / name), "target": str(folder / "out")}
    assert (await refused(user, "extractArchive", **asked))[0] == ErrorCode.INVALID_INPUT
    assert names(folder) == [name]


async def test_each_error_names_the_path_that_met_it(user: Client, folder: Path) -> None:
    await write(user, folder / "a", tar(("f", FILE, "x")))
    for field, path, target, named, code in [
        ("extractArchive", "missing", "out", "missing", ErrorCode.NOT_FOUND),
        ("extractArchive", "a", "a", "a", ErrorCode.NOT_A_DIRECTORY),
        ("extractArchive", "a", "no/out", "no/out", ErrorCode.NOT_FOUND),
        ("extractArchive", ".", "out", "", ErrorCode.IS_A_DIRECTORY),
        ("compressFiles", "missing", "out", "missing", ErrorCode.NOT_FOUND),
        ("compressFiles", "a", "no/out", "no/out", ErrorCode.NOT_FOUND),
    ]:
        said = await refused(user, field, path=str(folder / path), target=str(folder / target))
        assert said[0] == code, said
        assert repr(str(folder / named)) in said[1]


@pytest.mark.slurm
@pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out")
async def test_archives_go_round_on_a_real_sshd_and_keep_to_the_users_rights(
    user: Client, other_user: Client, remote: str
) -> None:
    on = {"system": "slurm"}
    await change(user, "createDirectory", path=f"{remote}/a/closed", parents=True, **on)
    await change(user, "touchFile", path=f"{remote}/a/new\nline", **on)
    await change(user, "compressFiles", path=f"{remote}/a", target=f"{remote}/a.tgz", **on)
    await change(user, "extractArchive", path=f"{remote}/a.tgz", target=remote, overwrite=True, **on)
    await change(user, "changeMode", path=f"{remote}/a/closed", mode="000", **on)
    asked = {"path": f"{remote}/a", "target": f"{remote}/b.tgz", **on}
    assert (await refused(user, "compressFiles", **asked))[0] == ErrorCode.PERMISSION_DENIED
    home = (await user.ask('{ system(name: "slurm") { account { home } } }'))["system"]["account"]["home"]
    theirs = remote.replace("~", home)
    asked = {"path": f"{theirs}/a.tgz", "target": f"{theirs}/out", **on}
    assert (await refused(other_user, "extractArchive", **asked))[0] == ErrorCode.PERMISSION_DENIED


def run(command: Compress | Extract, path: str) -> FirecrestError | None:
    """The program with these programs to be found, and the error that is read from it."""
    done = subprocess.run(command.argv, capture_output=True, check=False, env={"PATH": path, "HOME": "/root"})
    try:
        command.parse(Result(done.returncode, done.stdout, done.stderr))
    except FirecrestError as error:
        return error
    return None


BOUNDS = Bounds(100_000, 4, 1000)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in Path("/usr/bin").iterdir():
        if name.name not in ("zstd", "unzip"):
            (tools / name.name).symlink_to(name)
    (tmp_path / "a.zst").write_bytes(b"\x28\xb5\x2f\xfdx")
    (tmp_path / "a.zip").write_bytes(zipped(("x", b"", 0o644)))
    cases: list[tuple[Compress | Extract, str]] = [
        (Compress(str(tools), str(tmp_path / "b"), "bin", Compression.ZSTD), "zstd"),
        (Extract(str(tmp_path / "a.zst"), str(tmp_path / "out"), "a.zst", BOUNDS), "zstd"),
        (Extract(str(tmp_path / "a.zip"), str(tmp_path / "out"), "a.zip", BOUNDS), "unzip"),
    ]
    for command, program in cases:
        error = run(command, str(tools))
        assert error is not None
        assert (error.code, f"no program {program}," in error.message) == (ErrorCode.UNSUPPORTED, True)
    assert names(tmp_path) == ["a.zip", "a.zst", "bin"]


def same_zipped(*members: Member) -> bytes:
    """A zip file of the same files."""
    return zipped(*((name, rest.encode(), 0o644) for name, _, rest in members))


@pytest.mark.parametrize("make", [tar, same_zipped])
def test_the_bounds_hold_to_the_byte_and_to_the_entry(tmp_path: Path, make: Any) -> None:
    most = "x" * 99_999
    (tmp_path / "exact").write_bytes(make(("a", FILE, most), ("b", FILE, "y"), ("c", FILE, ""), ("d", FILE, "")))
    (tmp_path / "bytes").write_bytes(make(("a", FILE, most), ("b", FILE, "yy")))
    (tmp_path / "file").write_bytes(make(("a", FILE, "x" * 150_000)))
    (tmp_path / "entries").write_bytes(make(*((str(number), FILE, "") for number in range(5))))
    path = os.environ["PATH"]
    assert run(Extract(str(tmp_path / "exact"), str(tmp_path / "out"), "exact", BOUNDS), path) is None
    shutil.rmtree(tmp_path / "out")
    for name in ("bytes", "file", "entries"):
        error = run(Extract(str(tmp_path / name), str(tmp_path / "out"), name, BOUNDS), path)
        assert error is not None
        assert (error.code, ("entries" in error.message) == (name == "entries")) == (ErrorCode.TOO_LARGE, True), name
    assert names(tmp_path) == ["bytes", "entries", "exact", "file"]
