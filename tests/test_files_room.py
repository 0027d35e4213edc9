"""Many files at once: few commands, and no more of them in memory than an answer may carry."""

import asyncio
import base64
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import ErrorCode
from firecrest_gql.files.contents import Read
from firecrest_gql.files.ends import End, Ends, Span
from firecrest_gql.files.reading import Reading
from firecrest_gql.files.road import FileRoad
from firecrest_gql.model.files import FileContent
from firecrest_gql.settings import SystemSettings
from resolvers.allowance import Allowance
from tests.client import Client
from tests.openssh import caller
from tests.test_files import commands

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

T = TypeVar("T")
LIMIT, ANSWER = 5 * 2**20, 32 * 2**20
QUERY = """query($path: String!) { system(name: "local") { file(path: $path) {
    entries { nodes { name found: %s { length truncated } } } } } }"""


async def asked(demo: dict[str, Any], user: Client, folder: Path, field: str) -> tuple[dict[str, Any], list[str], int]:
    """What is found of each entry, the codes of errors, and how many commands it took."""
    said = await user.post(QUERY % field, path=str(folder))
    answer = said.json()
    nodes = answer["data"]["system"]["file"]["entries"]["nodes"]
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    return {node["name"]: node["found"] for node in nodes}, codes, len(commands(demo, said.headers["X-Request-ID"]))


@pytest.mark.parametrize("field", ["content", "content(offset: 1)", "head", "tail", "tail(bytes: 1000)"])
async def test_any_piece_of_a_hundred_files_is_one_command(
    demo: dict[str, Any], user: Client, folder: Path, field: str
) -> None:
    for number in range(100):
        (folder / f"{number:03}").write_text("x\n" * number)
    found, codes, count = await asked(demo, user, folder, field)
    assert (codes, count) == ([], 3)  # the directory, its page, the pieces
    if field == "content":
        assert [found[name]["length"] for name in sorted(found)] == [2 * number for number in range(100)]


async def test_a_link_and_a_file_that_tells_no_size_are_read_whole(
    demo: dict[str, Any], user: Client, folder: Path
) -> None:
    (folder / ".large").write_bytes(b"x" * 1_000_000)
    for link, target in {"a": ".large", "b": ".large", "proc": "/proc/self/status"}.items():
        (folder / link).symlink_to(target)
    found, codes, count = await asked(demo, user, folder, "content")
    assert [found[name]["length"] for name in ("a", "b")] == [1_000_000] * 2
    assert found["proc"]["length"] > 100
    assert (codes, count) == ([], 4)  # once more, for the two


async def test_what_an_answer_has_no_room_for_is_not_read(demo: dict[str, Any], user: Client, folder: Path) -> None:
    for number in range(16):
        (folder / str(number)).write_bytes(b"x" * (LIMIT + 1))
    for field in ("head", "content"):
        found, codes, count = await asked(demo, user, folder, field)
        lengths = [node["length"] for node in found.values() if node is not None]
        assert lengths == [LIMIT] * (ANSWER // LIMIT)
        assert set(codes) == {ErrorCode.TOO_LARGE}
        assert count < 12


@pytest.mark.skipif(os.getuid() != 0, reason="a file is to be another user's")
async def test_a_large_file_that_may_not_be_read_spoils_no_other(
    demo: dict[str, Any], user: Client, folder: Path
) -> None:
    for name, size in {"small": 10, "closed": LIMIT, "large": LIMIT}.items():
        (folder / name).write_bytes(b"x" * size)
    (folder / "closed").chmod(0o600)
    found, codes, _ = await asked(demo, user, folder, "content")
    assert codes == [ErrorCode.PERMISSION_DENIED]
    assert {name: node and node["length"] for name, node in found.items()} == {
        "small": 10,
        "closed": None,
        "large": LIMIT,
    }


class Disk:
    """A transport to files of these sizes, which notes how many bytes commands may tell that run at the same time."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self._sizes = sizes
        self._asked = self.most = 0

    async def run(self, system: object, caller: object, command: Command[T]) -> T:
        """What the program would tell."""
        asked = self._told(command)
        self._asked += sum(asked.values())
        self.most = max(self.most, self._asked)
        await asyncio.sleep(0)
        self._asked -= sum(asked.values())
        told = {path: b"x" * min(self._sizes[path], length + 1) for path, length in asked.items()}
        values = [value for path, data in told.items() for value in (path.encode(), b"0", base64.b64encode(data))]
        [stdout, *_] = told.values()
        if isinstance(command, Ends):
            stdout = b"".join(value + b"\0" for value in values)
        return command.parse(Result(0, stdout, b""))

    def _told(self, command: Command[Any]) -> dict[str, int]:
        if isinstance(command, Ends):
            return dict.fromkeys(command.paths, command.span.length)
        assert isinstance(command, Read)
        return {command.path: command.length}


@given(
    st.dictionaries(st.sampled_from("abcdefgh").map("/".__add__), st.tuples(st.integers(0, 99), st.integers(0, 99))),
    st.integers(1, 300),
)
async def test_no_more_is_read_at_once_than_there_is_room_for(sizes: dict[str, tuple[int, int]], limit: int) -> None:
    allowance, disk = Allowance(limit), Disk({path: size for path, (size, _) in sizes.items()})
    limits = SimpleNamespace(max_output_size=30_000)
    system = cast("SystemSettings", SimpleNamespace(name="local", allowed_paths=("/",), limits=limits))
    reading = Reading(FileRoad(disk), system, caller("ada"), allowance)
    spans = [Span(End.HEAD, 100), Span(End.HEAD, 50)]
    guesses = [{path: min(span.length, guess) for path, (_, guess) in sizes.items()} for span in spans]
    answers = await asyncio.gather(*map(reading.read, spans, guesses))
    assert disk.most <= limit
    for span, told in zip(spans, answers, strict=True):
        for path, content in told.items():
            if isinstance(content, FileContent):
                assert len(content.data) == min(disk._sizes[path], span.length)
            else:
                assert content.code == ErrorCode.TOO_LARGE
    held = sum(len(content.data) for told in answers for content in told.values() if isinstance(content, FileContent))
    assert allowance.left == limit - held
