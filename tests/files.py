"""Files as a user of the API reads and changes them on `local`, whose disk is this machine's."""

import base64
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client

ODD_NAMES = ["\udcff\udcfe", "it's", "new\nline", "-rf", "$(touch oops)", "back\\slash", "a b", "*", "é", "x" * 255]

CHANGE = """mutation($input: %sInput!) { %s(input: $input) { path file {
    name rawPath type size mode owner group linkTarget modifiedAt } } }"""
CONTENT = """query($path: String!, $offset: BigInt! = 0, $length: Int) { system(name: "local") { file(path: $path) {
    content(offset: $offset, length: $length) { offset nextOffset truncated text base64 } } } }"""


async def content(user: Client, path: Path, **given: int) -> dict[str, Any]:
    """What is read of the file."""
    return dict((await user.ask(CONTENT, path=path_of(path), **given))["system"]["file"]["content"])


async def change(user: Client, field: str, system: str = "local", **given: Any) -> dict[str, Any]:
    """The file after the change."""
    said = await user.ask(CHANGE % (field[0].upper() + field[1:], field), input={"system": system, **given})
    return dict(said[field]["file"])


async def refused(user: Client, field: str, system: str = "local", **given: Any) -> tuple[str, str]:
    """The code and the sentence with which a change is refused."""
    query = CHANGE % (field[0].upper() + field[1:], field)
    error = await user.error(query, input={"system": system, **given})
    return error["extensions"]["code"], error["message"]


async def write(user: Client, path: Path, data: bytes = b"words", system: str = "local") -> None:
    """A file with these bytes, over whatever was there."""
    query = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }"
    given = {"system": system, "path": path_of(path), "content": None, "overwrite": True}
    said = await user.upload(query, data, input=given)
    assert "errors" not in said, said


def path_of(path: Path) -> str:
    """The path as the API takes it."""
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(os.fsencode(path)).decode("ascii")


def names(folder: Path, pattern: str = "*") -> list[str]:
    """What is in it, temporary files too."""
    return sorted(found.name for found in folder.glob(pattern))


@pytest.fixture
async def remote(user: Client) -> AsyncIterator[str]:
    """A new directory in the user's home on `slurm`, which lasts longer than the tests: it is removed again."""
    made = f"~/files-{uuid.uuid4().hex}"
    await change(user, "createDirectory", "slurm", path=made, mode="0755")
    yield made
    await change(user, "changeMode", "slurm", path=made, mode="u+rwX", recursive=True)
    await user.ask(
        f'mutation {{ removeFile(input: {{ system: "slurm", path: "{made}", recursive: true }}) {{ path }} }}'
    )


@pytest.fixture
async def home(user: Client) -> Path:
    """The user's home on `local`."""
    return Path((await user.ask('{ system(name: "local") { account { home } } }'))["system"]["account"]["home"])


@pytest.fixture
async def folder(user: Client, home: Path, request: pytest.FixtureRequest) -> AsyncIterator[Path]:
    """A new directory in the home; nothing temporary may be left in it."""
    made = home / f"files-{abs(hash(request.node.nodeid))}"
    await change(user, "createDirectory", path=str(made))
    yield made
    assert names(made, "**/.firecrest.*") == []
