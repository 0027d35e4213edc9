"""What replaces a file is open to nobody to whom the file was closed; what is new obeys the account's umask."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Stdin
from firecrest_gql.files.packing import Compress
from firecrest_gql.files.placing import Copy
from firecrest_gql.files.writing import Upload
from tests.client import Client
from tests.files import change, names, write

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]


def permissions(path: Path) -> int:
    """Its permissions, without what kind of entry it is."""
    return path.stat().st_mode & 0o7777


def run(command: Upload | Copy, umask: int = 0o022) -> None:
    """The command's program as this user, with this umask."""
    data = command.stdin.data
    assert isinstance(data, bytes)
    subprocess.run(command.argv, input=data, umask=umask, check=True)


@pytest.mark.parametrize("field", ["uploadFile", "copyFile", "compressFiles"])
async def test_what_replaces_a_private_file_is_private(user: Client, folder: Path, field: str) -> None:
    await write(user, folder / "source")
    await write(user, folder / "private")
    (folder / "private").chmod(0o600)
    if field == "uploadFile":
        await write(user, folder / "private", b"new")
    else:
        asked: dict[str, Any] = {"path": str(folder / "source"), "target": str(folder / "private"), "overwrite": True}
        await change(user, field, **asked)
    assert permissions(folder / "private") == 0o600


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_new_file_obeys_the_umask_and_a_mode_that_is_asked_for_does_not(
    tmp_path: Path, umask: int, mode: int
) -> None:
    run(Upload(str(tmp_path / "new"), Stdin.of(b"x")), umask)
    assert permissions(tmp_path / "new") == mode
    run(Upload(str(tmp_path / "asked"), Stdin.of(b"x"), "0664"), umask)
    assert permissions(tmp_path / "asked") == 0o664


@pytest.mark.parametrize("old", [0o400, 0o640, 0o755, 0o4755])
def test_a_replaced_file_keeps_its_permissions_but_no_setuid_bit(tmp_path: Path, old: int) -> None:
    (tmp_path / "source").write_text("new")
    for command in (
        Upload(str(tmp_path / "file"), Stdin.of(b"new"), None, overwrite=True),
        Copy(str(tmp_path / "source"), str(tmp_path / "file"), overwrite=True),
    ):
        (tmp_path / "file").unlink(missing_ok=True)
        (tmp_path / "file").touch()
        (tmp_path / "file").chmod(old)
        run(command)
        assert (permissions(tmp_path / "file"), (tmp_path / "file").read_text()) == (old & 0o777, "new")


def test_a_link_that_replaces_a_file_or_is_replaced_changes_nothing_that_a_link_points_to(tmp_path: Path) -> None:
    for name in ("elsewhere", "file", "source"):
        (tmp_path / name).touch(0o600)
    (tmp_path / "elsewhere").chmod(0o604)
    (tmp_path / "link").symlink_to("elsewhere")
    run(Copy(str(tmp_path / "link"), str(tmp_path / "file"), overwrite=True))
    assert (tmp_path / "file").is_symlink()
    run(Upload(str(tmp_path / "link"), Stdin.of(b"x"), None, overwrite=True))
    assert permissions(tmp_path / "link") == 0o644
    assert permissions(tmp_path / "elsewhere") == 0o604


@pytest.mark.parametrize(("made", "act"), [("mktemp", "upload"), ("mktemp", "compress"), ("mkdir", "compress")])
def test_an_end_at_the_first_moment_leaves_no_temporary_file(tmp_path: Path, made: str, act: str) -> None:
    (tmp_path / "source").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / made).write_text(f'#!/bin/sh\n/usr/bin/{made} "$@"\nkill -TERM "$PPID"\n')
    (tmp_path / "bin" / made).chmod(0o755)
    new = str(tmp_path / "new")
    command = Upload(new, Stdin()) if act == "upload" else Compress(str(tmp_path / "source"), new, "source")
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    run = subprocess.run(command.argv, stdin=subprocess.DEVNULL, env=env, check=False)
    assert run.returncode == 143
    assert names(tmp_path) == ["bin", "source"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a file to a group of others")
async def test_a_group_that_the_user_cannot_give_is_no_reason_to_open_the_file_to_another(
    user: Client, folder: Path
) -> None:
    await write(user, folder / "shared")
    os.chown(folder / "shared", -1, 1)
    (folder / "shared").chmod(0o660)
    await write(user, folder / "shared", b"new")
    assert (folder / "shared").stat().st_gid != 1
    assert permissions(folder / "shared") == 0o600
