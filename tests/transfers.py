"""Transfers as a user of the API asks for them, on either system."""

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client
from tests.files import names
from tests.processes import processes
from tests.sizes import size
from tests.waiting import until

FIELDS = "id kind status final message progress { done total unit } error { code message retryable }"
TASK = f"task {{ {FIELDS} }}"
TRANSFER = """transfer { id kind sourcePath targetPath size bytesTransferred system { name }
    job { jobId name partition account state dependency reason } }"""
START = "mutation($input: %sInput!, $wait: Float! = 0) { %s(input: $input, waitSeconds: $wait) { %s %s } }"
TASK_OF = f"query($id: ID!) {{ transfer(id: $id) {{ {TASK} }} }}"
ROOM = 256 * 1024  # bytes of the file system that is full soon
MANY = 4000  # files, which take cp long enough to be stopped at it
# A bounded run tries each on one of the two.
LOCAL_FIRST = ["local", pytest.param("slurm", marks=pytest.mark.slurm)][: size(1, 2)]
SLURM_FIRST = [pytest.param("slurm", marks=pytest.mark.slurm), "local"][: size(1, 2)]
CANCEL = "mutation($id: ID!) { cancelTask(input: {id: $id}) { task { id status } } }"


def query(field: str) -> str:
    """The mutation of this name."""
    return START % (field[0].upper() + field[1:], field, TRANSFER, TASK)


async def start(user: Client, field: str, *, wait: float = 0, **given: Any) -> dict[str, Any]:
    """The transfer and its task."""
    return dict((await user.ask(query(field), input=given, wait=wait))[field])


async def refused(user: Client, field: str, **given: Any) -> tuple[str, str]:
    """The code and the sentence with which it is refused."""
    error = await user.error(query(field), input=given)
    return error["extensions"]["code"], error["message"]


async def ended(user: Client, transfer_id: str) -> dict[str, Any]:
    """Wait until the transfer's task is final; the task."""
    task: dict[str, Any] = {}

    async def final() -> bool:
        nonlocal task
        task = (await user.ask(TASK_OF, id=transfer_id))["transfer"]["task"]
        return bool(task["final"])

    await until(final, seconds=size(120, 900), what=transfer_id)
    return task


async def carried_out(user: Client, field: str, **given: Any) -> dict[str, Any]:
    """The transfer, once it has succeeded."""
    begun = await start(user, field, **given)
    task = await ended(user, begun["transfer"]["id"])
    assert task["status"] == "SUCCEEDED", task
    return dict(begun["transfer"])


def home_of(demo: dict[str, Any], system: str) -> Path:
    """The first user's home on the system; both are on this machine."""
    return Path(next(each["home"]["fireuser"] for each in demo["systems"] if each["name"] == system))


def folder_of(demo: dict[str, Any], system: str, task_id: str) -> Path:
    """Where the job of this task keeps what it is about."""
    return home_of(demo, system) / ".firecrest" / "transfers" / task_id


@pytest.fixture(params=["local", pytest.param("slurm", marks=pytest.mark.slurm)])
def either(request: pytest.FixtureRequest, demo: dict[str, Any]) -> str:
    """Each system: processes move the bytes on the one, jobs of a queue on the other."""
    return str(request.param)


@pytest.fixture
async def workplace(demo: dict[str, Any], either: str) -> AsyncIterator[Path]:
    """A new directory in the user's home; nothing temporary may be left in it."""
    home = home_of(demo, either)
    made = home / f"transfers-{uuid4().hex}"
    made.mkdir()
    shutil.chown(made, home.owner(), home.group())
    yield made
    assert names(made, "**/.firecrest.*") == []
    shutil.rmtree(made)


@pytest.fixture
def little_room(workplace: Path) -> Iterator[Path]:
    """A directory of the user's on a file system of its own, which is small."""
    made = workplace / "small"
    made.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(made)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    owned(made)
    yield made
    subprocess.run(["umount", "-l", str(made)], check=True)


def owned(path: Path) -> Path:
    """The path, given to whoever owns the directory."""
    for each in (path, *path.rglob("*")):
        os.chown(each, path.parent.stat().st_uid, path.parent.stat().st_gid, follow_symlinks=False)
    return path


def file(path: Path, data: bytes = b"bytes") -> Path:
    """A file of the user's."""
    path.write_bytes(data)
    return owned(path)


def tree(path: Path, count: int) -> Path:
    """A directory of the user's with so many files."""
    path.mkdir()
    for number in range(count):
        (path / f"{number}").write_bytes(b"%d" % number)
    return owned(path)


async def stopped(program: str, word: str) -> int:
    """The id of the process of this program with the word in an argument, stopped as soon as it is there."""
    found: list[int] = []

    def there() -> bool:
        found[:] = [pid for pid, argv in processes() if argv[0] == program and any(word in part for part in argv)]
        return bool(found)

    await until(there, what=f"{program} works on {word}")
    os.kill(found[0], signal.SIGSTOP)
    return found[0]
