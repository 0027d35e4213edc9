"""Names of any bytes make the round trip through every operation."""

import base64
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.client import Client, signed_in
from tests.files import path_of
from tests.service import SYSTEMS
from tests.sizes import size
from tests.together import shared

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

SLURM = pytest.param(
    "slurm",
    marks=[
        pytest.mark.slurm,
        pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out"),
    ],
)
BOTH = pytest.mark.parametrize("system", ["local", SLURM])
TOGETHER = size(10, 40)  # names in one request
AT_ONCE = 6  # requests
UPLOAD = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { file { rawPath size } } }"
STATS = "query($s: String!, $paths: [String!]!) { system(name: $s) { files(paths: $paths) { rawPath } } }"

NAME = (
    st.binary(min_size=1, max_size=255) | st.text(min_size=1, max_size=60).map(lambda text: text.encode()[:255])
).filter(lambda name: not set(name) & set(b"\0/") and name not in (b".", b".."))


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """So many different examples."""
    found: dict[Any, None] = dict.fromkeys([])

    @settings(max_examples=4 * count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(value: Any) -> None:
        if len(found) < count:
            found[value] = None

    draw()
    return list(found)


async def home_of(user: Client, system: str) -> Path:
    """The user's home there."""
    said = await user.ask("query($s: String!) { system(name: $s) { account { home } } }", s=system)
    return Path(said["system"]["account"]["home"])


async def act(
    user: Client, field: str, system: str, many: list[dict[str, Any]], answer: str = "path"
) -> dict[str, Any]:
    """One change many times in one request; each answer by its number."""
    kind = f"{field[0].upper()}{field[1:]}Input!"
    variables = ", ".join(f"$i{number}: {kind}" for number in range(len(many)))
    fields = " ".join(f"a{number}: {field}(input: $i{number}) {{ {answer} }}" for number in range(len(many)))
    given_inputs = {f"i{number}": {"system": system, **each} for number, each in enumerate(many)}
    return dict((await user.post(f"mutation({variables}) {{ {fields} }}", **given_inputs)).json())


async def pages(demo: dict[str, Any], system: str, folder: Path) -> dict[str, dict[str, Any]]:
    """All entries of the folder, by what is to be passed as their path."""
    query = """query($s: String!, $path: String!, $after: String) { system(name: $s) { file(path: $path) {
        entries(showHidden: true, first: 100, after: $after) { nodes { rawPath size type checksum content { base64 } }
        pageInfo { hasNextPage endCursor } } } } }"""
    found: dict[str, dict[str, Any]] = {}
    after = None
    while True:
        page = (await (await signed_in(demo)).ask(query, s=system, path=str(folder), after=after))["system"]["file"][
            "entries"
        ]
        assert not {node["rawPath"] for node in page["nodes"]} & set(found)
        found |= {node["rawPath"]: node for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@BOTH
async def test_names_of_any_bytes_make_the_round_trip(demo: dict[str, Any], system: str) -> None:
    names = [os.fsdecode(name) for name in drawn(NAME, size(30, 2000))]
    user = await signed_in(demo)
    folder = await home_of(user, system) / f"names-{uuid.uuid4().hex}"
    await act(user, "createDirectory", system, [{"path": str(folder / sub)} for sub in ("", "moved")])
    groups = [names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)]

    async def send(_: int, some: list[str]) -> None:
        user = await signed_in(demo)
        for name in some:
            given_input = {"system": system, "path": path_of(folder / name), "content": None}
            told = {"rawPath": path_of(folder / name), "size": len(os.fsencode(name))}
            assert await user.upload(UPLOAD, os.fsencode(name), input=given_input) == {
                "data": {"uploadFile": {"file": told}}
            }

    async def move(_: int, some: list[str]) -> None:
        moves = [{"path": path_of(folder / name), "target": path_of(folder / "moved" / name)} for name in some]
        said = await act(await signed_in(demo), "moveFile", system, moves, "file { rawPath }")
        assert [given["file"] for given in said["data"].values()] == [{"rawPath": to["target"]} for to in moves]

    async def remove(_: int, some: list[str]) -> None:
        user, paths = await signed_in(demo), [path_of(folder / "moved" / name) for name in some]
        stats = (await user.ask(STATS, s=system, paths=paths))["system"]["files"]
        assert [file["rawPath"] for file in stats] == paths
        assert "errors" not in await act(user, "removeFile", system, [{"path": path} for path in paths])

    await shared(range(AT_ONCE), groups, send)
    await shared(range(AT_ONCE), groups, move)
    told = await pages(demo, system, folder / "moved")
    assert {path: base64.b64decode(file["content"]["base64"]) for path, file in told.items()} == {
        path_of(folder / "moved" / name): os.fsencode(name) for name in names
    }
    await shared(range(AT_ONCE), groups, remove)
    assert await pages(demo, system, folder / "moved") == {}
    await act(await signed_in(demo), "removeFile", system, [{"path": str(folder), "recursive": True}])
