"""The allowed paths hold for every operation, whatever links lead out of them, and while links change."""

import asyncio
import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from strawberry.utils.str_converters import to_camel_case

from firecrest_gql.command import Result, Stdin
from firecrest_gql.errors import ErrorCode, FirecrestError
from firecrest_gql.files.attributes import ChangeMode, Touch
from firecrest_gql.files.contents import Read
from firecrest_gql.files.listing import Stat
from firecrest_gql.files.packing import Compress
from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.road import FileCommand
from firecrest_gql.files.unpacking import Bounds, Extract
from firecrest_gql.files.writing import MakeDirectory, Remove, Upload
from firecrest_gql.model.files import Compression, File
from firecrest_gql.settings import LimitSettings
from schema import build_schema
from tests.client import Client, fetch_token
from tests.service import SYSTEMS
from tests.sizes import size

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

SLURM = pytest.param(
    "slurm",
    marks=[
        pytest.mark.slurm,
        pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out"),
    ],
)

# What follows a link in the last place, and asks for which field of it.
READS = {
    "content": "content { text }",
    "head": "head { text }",
    "tail": "tail { text }",
    "checksum": "checksum",
    "entries": "entries { nodes { name } totalCount }",
    "search": 'search(name: "*") { nodes { name } }',
}
# What tells of the link itself.
OF_LINKS = {"mimeType": "mimeType", "diskUsage": "diskUsage"}
# With which arguments beside the path; a target, where there is one, is refused as well.
CHANGES: dict[str, dict[str, Any]] = {
    "uploadFile": {"content": None, "overwrite": True},
    "touchFile": {},
    "createDirectory": {"parents": True},
    "createSymlink": {"linkTarget": "/etc"},
    "copyFile": {"target": "stolen"},
    "moveFile": {"target": "stolen", "overwrite": True},
    "removeFile": {"recursive": True},
    "changeMode": {"mode": "0777", "recursive": True},
    "changeOwner": {"group": "nogroup", "recursive": True},
    "compressFiles": {"target": "stolen"},
    "extractArchive": {"target": "stolen", "overwrite": True},
    "startCopy": {"target": "stolen"},
    "startMove": {"target": "stolen"},
    "startRemove": {"recursive": True},
    "startSync": {"target": "stolen"},
    "startCompress": {"target": "stolen"},
    "startExtract": {"target": "stolen"},
    "startUpload": {"size": 1, "overwrite": True},
    "startDownload": {"compression": "GZIP"},
}
# Of these the last place may be a link that leads out, for it is what it points to that changes.
FOLLOWING = ("touchFile", "changeMode", "changeOwner")
MUTATION = "mutation($input: %sInput!) { %s(input: $input) { __typename } }"
FILE = "query($system: String!, $path: String!) { system(name: $system) { file(path: $path) { %s } } }"


@pytest.fixture(params=["local", SLURM])
def system(request: pytest.FixtureRequest) -> str:
    """The embedded system, and real sshd."""
    return str(request.param)


@pytest.fixture
async def inmate(confined: dict[str, Any]) -> Client:
    """A user who is kept at home."""
    return Client(confined, await fetch_token(confined, "fireuser"))


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that everybody may use, with a file and a directory in it, outside of every home."""
    made = Path("/var/tmp") / f"outside-{uuid.uuid4().hex}"
    (made / "sub").mkdir(parents=True)
    (made / "secret").write_text("secret")
    for path in (made, made / "sub", made / "secret"):
        path.chmod(0o777)
    yield made
    subprocess.run(["rm", "-r", made], check=True)


@pytest.fixture
async def cell(user: Client, system: str, outside: Path) -> AsyncIterator[str]:
    """A directory in the home with links in it that lead out; it is removed again."""
    home = (await user.ask("query($s: String!) { system(name: $s) { account { home } } }", s=system))["system"]
    made = f"{home['account']['home']}/cell-{uuid.uuid4().hex}"
    for place in (made, f"{made}/inner"):
        await send(user, "createDirectory", system, path=place)
    links = {"out": outside, "file": outside / "secret", "new": outside / "new", "in": "inner", "own": f"{made}/mine"}
    for name, target in links.items():
        await send(user, "createSymlink", system, path=f"{made}/{name}", linkTarget=str(target))
    await send(user, "touchFile", system, path=f"{made}/mine")
    yield made
    assert "errors" not in await send(user, "removeFile", system, path=made, recursive=True)


async def send(user: Client, field: str, system: str, **given: Any) -> dict[str, Any]:
    """The whole answer to a change."""
    query = MUTATION % (field[0].upper() + field[1:], field)
    if "content" in given:
        return dict(await user.upload(query, b"overwritten", input={"system": system, **given}))
    return dict((await user.post(query, input={"system": system, **given})).json())


def picture(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """All that a change could change."""
    paths = [folder, *folder.rglob("*")]
    return {str(path): (*_numbers(path), path.read_bytes() if path.is_file() else b"") for path in paths}


def _numbers(path: Path) -> tuple[int, int, int]:
    about = path.lstat()
    return about.st_mode, about.st_gid, about.st_mtime_ns


def code_of(said: dict[str, Any]) -> str | None:
    """The code of the one error of an answer."""
    return said["errors"][0]["extensions"]["code"] if "errors" in said else None


async def test_no_change_leaves_the_allowed_paths(inmate: Client, system: str, cell: str, outside: Path) -> None:
    before = picture(outside)
    up = "/.." * 12
    for field, more in CHANGES.items():
        ways = [str(outside / "secret"), f"{cell}/out/secret", f"{cell}/out/sub/x", cell + up + str(outside / "secret")]
        ways += [f"{cell}/file", f"{cell}/new"] if field in FOLLOWING else []
        more = {name: f"{cell}/{value}" if name == "target" else value for name, value in more.items()}
        for path in ways:
            said = await send(inmate, field, system, path=path, **more)
            dangling = path.endswith(("/new", "/x")) and code_of(said) == ErrorCode.NOT_FOUND
            assert code_of(said) == ErrorCode.PERMISSION_DENIED or dangling, (field, path, said)
        if "target" in more:
            for target in (f"{cell}/out/stolen", str(outside / "stolen"), f"{cell}/out/sub"):
                said = await send(inmate, field, system, **{**more, "path": f"{cell}/mine", "target": target})
                assert code_of(said) == ErrorCode.PERMISSION_DENIED, (field, target, said)
    assert picture(outside) == before


async def test_nothing_is_read_outside_the_allowed_paths(inmate: Client, system: str, cell: str, outside: Path) -> None:
    for path in (str(outside / "secret"), f"{cell}/out/secret", f"{cell}/out/sub", "/etc/passwd"):
        for query in ("path", *READS.values(), *OF_LINKS.values()):
            assert await inmate.code(FILE % query, system=system, path=path) == ErrorCode.PERMISSION_DENIED, path
    for link in ("file", "out"):
        for field, query in READS.items():
            said = (await inmate.post(FILE % query, system=system, path=f"{cell}/{link}")).json()
            assert code_of(said) in (ErrorCode.PERMISSION_DENIED, ErrorCode.NOT_A_DIRECTORY), (field, link, said)
            assert said["data"]["system"]["file"] == {field: None}
    for asked in ("dereference: true", "dereference: true, recursive: true"):
        query = f"entries({asked}) {{ nodes {{ size }} }}"
        assert await inmate.code(FILE % query, system=system, path=cell) == ErrorCode.PERMISSION_DENIED
    copy = {"target": f"{cell}/copy", "dereference": True}
    for path in (cell, f"{cell}/file", f"{cell}/out"):
        for field in ("copyFile", "compressFiles"):
            said = await send(inmate, field, system, path=path, **copy)
            assert code_of(said) in (ErrorCode.PERMISSION_DENIED, ErrorCode.INVALID_INPUT), said


@pytest.mark.parametrize("end", ["head", "tail"])
async def test_the_ends_of_many_are_read_inside_alone(inmate: Client, system: str, cell: str, end: str) -> None:
    await send(inmate, "uploadFile", system, path=f"{cell}/inner/a", content=None)
    query = "query($s: String!, $p: String!) { system(name: $s) { file(path: $p) { entries { nodes { %s } } } } }"
    said = (await inmate.post(query % f"name {end}(bytes: 4) {{ text }}", s=system, p=cell)).json()
    told = {node["name"]: node[end] for node in said["data"]["system"]["file"]["entries"]["nodes"]}
    assert told == {
        "file": None,
        "in": None,
        "inner": None,
        "mine": {"text": ""},
        "new": None,
        "out": None,
        "own": {"text": ""},
    }
    codes = [error["extensions"]["code"] for error in said["errors"]]
    assert codes.count(ErrorCode.PERMISSION_DENIED) == 2


async def test_an_id_made_elsewhere_leads_nowhere_else(
    user: Client, inmate: Client, system: str, outside: Path
) -> None:
    told = await user.ask(FILE % "id contentUrl", system=system, path=str(outside / "secret"))
    async with httpx.AsyncClient(trust_env=False) as http:
        url = told["system"]["file"]["contentUrl"].replace(
            user.demo["graphql_url"][:-8], inmate.demo["graphql_url"][:-8]
        )
        assert (await http.get(url, headers=inmate.headers)).status_code == 403
    query = "query($id: ID!) { node(id: $id) { id ... on File { content { text } } } }"
    assert await inmate.code(query, id=told["system"]["file"]["id"]) == ErrorCode.PERMISSION_DENIED
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert await inmate.code(query, ids=[told["system"]["file"]["id"]]) == ErrorCode.PERMISSION_DENIED


async def test_inside_the_allowed_paths_everything_is_done_as_anywhere(inmate: Client, system: str, cell: str) -> None:
    async def ask(path: str, query: str) -> Any:
        return (await inmate.ask(FILE % query, system=system, path=path))["system"]["file"]

    changes: dict[str, dict[str, Any]] = {
        "uploadFile": {"path": f"{cell}/in/a", "content": None},
        "touchFile": {"path": f"{cell}/own"},
        "createDirectory": {"path": f"{cell}/in/b/c", "parents": True},
        "createSymlink": {"path": f"{cell}/in/l", "linkTarget": "a"},
        "copyFile": {"path": f"{cell}/in/l", "target": f"{cell}/in/b/copy", "dereference": True},
        "moveFile": {"path": f"{cell}/in/b/copy", "target": f"{cell}/in/b/c/moved"},
        "changeMode": {"path": f"{cell}/in", "mode": "u+rwX,go-rwx", "recursive": True},
        "removeFile": {"path": f"{cell}/in/l"},
        "compressFiles": {"path": f"{cell}/in/a", "target": f"{cell}/a.tgz", "dereference": True},
        "extractArchive": {"path": f"{cell}/a.tgz", "target": f"{cell}/inner", "overwrite": True},
    }
    for field, more in changes.items():
        said = await send(inmate, field, system, **more)
        assert "errors" not in said, (field, said)
    moved = await ask(
        f"{cell}/in/b/c/moved", "path mode content { text } head { text } tail { text } checksum mimeType"
    )
    assert (moved["path"], moved["mode"]) == (f"{cell}/in/b/c/moved", "0600")
    assert [moved[way]["text"] for way in ("content", "head", "tail")] == ["overwritten"] * 3
    assert moved["mimeType"] == "text/plain"
    listed = await ask(f"{cell}/in", "entries(recursive: true) { nodes { path mimeType } totalCount }")
    paths = [node["path"] for node in listed["entries"]["nodes"]]
    assert paths == [f"{cell}/in/{name}" for name in ("a", "b", "b/c", "b/c/moved")]
    assert (await ask(f"{cell}/inner", "diskUsage"))["diskUsage"] > 0
    assert (await ask("~", "path type"))["type"] == "DIRECTORY"


def test_no_operation_is_forgotten() -> None:
    schema = build_schema(LimitSettings())._schema
    mutations = schema.mutation_type.fields if schema.mutation_type is not None else {}
    with_paths = {name for name, field in mutations.items() if "path" in field.args["input"].type.of_type.fields}
    assert with_paths == set(CHANGES), "each change of a path is tried outside the allowed paths"
    plain = {to_camel_case(field.name) for field in fields(File)} | {
        "id",
        "system",
        "path",
        "rawPath",
        "rawLinkTarget",
        "name",
        "contentUrl",
    }
    remote = set(schema.get_type("File").fields) - plain  # type: ignore[union-attr]
    assert remote == {*READS, *OF_LINKS}, "so is each reading field of a file"


RACES: list[FileCommand[Any]] = [
    Upload("/cell/way/secret", Stdin.of(b"overwritten"), "0777", overwrite=True),
    Upload("/cell/way/new", Stdin.of(b"new"), "0777"),
    Remove("/cell/way/secret", recursive=True),
    Read("/cell/way/secret", 0, 100),
    Touch("/cell/way/touched"),
    Stat("local", ("/cell/way/secret",)),
    ChangeMode("/cell/way/secret", "0604"),
    MakeDirectory("/cell/way/a/b", parents=True),
    Copy("/cell/way/secret", "/cell/stolen", overwrite=True),
    Move("/cell/way/secret", "/cell/stolen", overwrite=True),
    Copy("/cell/inner/secret", "/cell/way/put"),
    Compress("/cell/inner/secret", "/cell/way/put", "secret", overwrite=True),
    Extract("/cell/inner/secret", "/cell/way/sub", "secret", Bounds(1000, 10, 10), Compression.NONE),
]
FLIP = """
flip() { ln -sfn "$1" "$2/next" && mv -fT "$2/next" "$2/way"; }
while flip "$1" "$3" && flip "$2" "$3"; do :; done
"""


@pytest.mark.parametrize("command", RACES, ids=lambda command: type(command).__name__)
async def test_a_link_that_changes_meanwhile_leads_nobody_out(
    tmp_path: Path, outside: Path, command: FileCommand[Any]
) -> None:
    cell = tmp_path / "cell"
    (cell / "inner").mkdir(parents=True)
    before = picture(outside)
    flipping = subprocess.Popen(["sh", "-c", FLIP, "sh", outside, cell / "inner", cell])  # noqa: ASYNC220
    try:
        for _ in range(size(15, 500)):
            (cell / "inner" / "secret").write_text("own")
            argv = [word.replace("/cell", str(cell)) for word in command.confined(["/srv/nowhere"])]
            data = bytes(command.stdin.data).replace(b"/cell", os.fsencode(cell))  # type: ignore[arg-type]
            home = {**os.environ, "HOME": str(cell), "LC_ALL": "C"}
            run = await asyncio.to_thread(subprocess.run, argv, input=data, capture_output=True, env=home, check=False)
            assert b"secret\0" not in run.stdout.replace(b"/secret\0", b"")
            assert run.stdout != b"secret"
    finally:
        flipping.kill()
        await asyncio.to_thread(flipping.wait)
    assert picture(outside) == before
    stolen = cell / "stolen"
    assert not stolen.exists() or stolen.read_text() == "own"


def test_words_of_another_trees_name_are_another_tree(tmp_path: Path) -> None:
    for name in ("allowed", "allowed-not", "allowed\n", "*"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "link").symlink_to("allowed")

    def read(name: str, *trees: str) -> bytes | str:
        argv = Read(str(tmp_path / name / "file"), 0, 100).confined([str(tmp_path / tree) for tree in trees])
        home = {**os.environ, "HOME": str(tmp_path / "nowhere"), "LC_ALL": "C"}
        run = subprocess.run(argv, capture_output=True, env=home, check=False)
        try:
            return Read("/x", 0, 100).parse(Result(run.returncode, run.stdout, run.stderr)).data
        except FirecrestError as error:
            return error.code

    assert read("allowed", "allowed/") == read("allowed", "link") == read("link", "allowed") == b"allowed"
    assert read("allowed\n", "allowed\n") == b"allowed\n"
    for name in ("allowed-not", "allowed\n", "*"):
        assert read(name, "allowed") == ErrorCode.PERMISSION_DENIED
    assert read("allowed", "*", "gone") == ErrorCode.PERMISSION_DENIED
