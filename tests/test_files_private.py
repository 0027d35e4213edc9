"""Two users on a real sshd: what the modes of one's files keep from the other is kept, whichever way is asked.

The tables of what is asked are those of `test_files_confined`, which fails until a new operation stands in them.
"""

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from firecrest_gql.errors import ErrorCode
from tests.client import Client
from tests.files import change
from tests.service import SYSTEMS
from tests.test_files_confined import CHANGES, OF_LINKS, READS, code_of, picture

pytestmark = [
    *(pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc, pytest.mark.slurm),
    pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out"),
]
FILE = 'query($path: String!) { system(name: "slurm") { file(path: $path) { %s } } }'
FILES = 'query($paths: [String!]!) { system(name: "slurm") { files(paths: $paths) { %s } } }'
UPLOAD = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }"
AT_ONCE = "mutation($input: %sInput!) { %s(input: $input) { __typename } }"
AS_TASK = "mutation($input: %sInput!) { %s(input: $input, waitSeconds: 30) { task { status error { code message } } } }"
SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) {
    task { status error { code } } } }"""
TAIL = 'subscription($path: String!) { fileTail(system: "slurm", path: $path, offset: 0) { text } }'
SEEN = (ErrorCode.ALREADY_EXISTS, ErrorCode.IS_A_DIRECTORY, ErrorCode.NOT_A_DIRECTORY)
SECRET = b"secret words\n"
OF_FILES = {name: field for name, field in {**READS, **OF_LINKS}.items() if name not in ("entries", "search")}


@dataclass(frozen=True)
class Theirs:
    """A user's directory, which everybody may list, with what nobody else may read."""

    folder: str
    hidden: str
    archive: str
    closed: str
    inside: str

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The files."""
        return self.hidden, self.archive, self.inside

    @property
    def private(self) -> tuple[str, ...]:
        """And the directory in which one of them is."""
        return (*self.unreadable, self.closed)

    def shown(self, path: str) -> tuple[ErrorCode, ...]:
        """What may be said of it, besides that it is closed: of what everybody sees, that it is there, and its kind."""
        return () if path.startswith(f"{self.closed}/") else SEEN


@pytest.fixture
async def theirs(user: Client) -> AsyncIterator[Theirs]:
    """Made by the first user where everybody comes, which is not so of their home; it is removed again."""
    folder = f"/var/tmp/theirs-{uuid.uuid4().hex}"
    await change(user, "createDirectory", "slurm", path=folder, mode="0755")
    made = Theirs(folder, *(f"{folder}/{name}" for name in ("hidden", "hidden.tgz", "closed", "closed/inside")))
    await change(user, "createDirectory", "slurm", path=made.closed, mode="0755")
    for path, mode in ((made.hidden, "0600"), (made.inside, "0644")):
        given = {"system": "slurm", "path": path, "content": None, "mode": mode}
        assert "errors" not in await user.upload(UPLOAD, SECRET, input=given)
    await change(user, "compressFiles", "slurm", path=made.closed, target=made.archive)
    await change(user, "changeMode", "slurm", path=made.archive, mode="0600")
    await change(user, "changeMode", "slurm", path=made.closed, mode="0700")
    yield made
    await user.ask(AT_ONCE % ("RemoveFile", "removeFile"), input={"system": "slurm", "path": folder, "recursive": True})


@pytest.fixture
async def mine(other_user: Client) -> AsyncIterator[str]:
    """A directory of the second user's, with a file of theirs in it; it is removed again."""
    made = f"~/own-{uuid.uuid4().hex}"
    await change(other_user, "createDirectory", "slurm", path=made)
    folder = str((await other_user.ask(FILE % "path", path=made))["system"]["file"]["path"])
    await change(other_user, "createDirectory", "slurm", path=f"{made}/directory")
    given = {"system": "slurm", "path": f"{folder}/own", "content": None}
    assert "errors" not in await other_user.upload(UPLOAD, b"own", input=given)
    yield folder
    query = AT_ONCE % ("RemoveFile", "removeFile")
    await other_user.ask(query, input={"system": "slurm", "path": made, "recursive": True})


async def attempted(user: Client, field: str, **given: Any) -> dict[str, Any]:
    """The whole answer to a change, or to a transfer once it has ended."""
    query = (AS_TASK if field.startswith("start") else AT_ONCE) % (field[0].upper() + field[1:], field)
    if "content" in given:
        return dict(await user.upload(query, b"overwritten", input={"system": "slurm", **given}))
    return dict((await user.post(query, input={"system": "slurm", **given})).json())


def denied(said: dict[str, Any], also: Sequence[ErrorCode] = ()) -> bool:
    """Whether all of it was refused for want of permission, or so, at once or by the task that was made of it."""
    assert "secret" not in json.dumps(said)
    tasks = [payload["task"]["error"] for payload in (said["data"] or {}).values() if payload is not None]
    codes = [error["extensions"]["code"] for error in said.get("errors", [])] + [
        task and task["code"] for task in tasks
    ]
    return bool(codes) and {*codes} <= {ErrorCode.PERMISSION_DENIED, *also}


async def test_no_change_and_no_transfer_reaches_what_is_anothers(
    other_user: Client, theirs: Theirs, mine: str
) -> None:
    before, own_before, reached = picture(Path(theirs.folder)), contents(mine), []
    for field, more in CHANGES.items():
        own = f"{mine}/{'directory' if field == 'startSync' else 'own'}"
        given = {name: f"{mine}/{value}" if name == "target" else value for name, value in more.items()}
        for path in theirs.private if field != "createSymlink" else (f"{theirs.folder}/new", f"{theirs.closed}/new"):
            said = await attempted(other_user, field, path=path, **given)
            made_already = (field, path) == ("createDirectory", theirs.closed)
            reached += [] if made_already or denied(said, theirs.shown(path)) else [(field, path, said)]
        for target in (*theirs.private, f"{theirs.closed}/new", f"{theirs.folder}/new") if "target" in more else ():
            said = await attempted(other_user, field, **{**given, "path": own, "target": target})
            reached += [] if denied(said, theirs.shown(target)) else [(field, target, said)]
    assert reached == []
    assert picture(Path(theirs.folder)) == before
    assert contents(mine) == own_before


def contents(folder: str) -> dict[str, bytes]:
    """Each entry and its bytes, without times: a directory's is that of what was begun in it."""
    return {path: about[-1] for path, about in picture(Path(folder)).items()}


async def test_no_field_shows_what_is_anothers(other_user: Client, theirs: Theirs, mine: str) -> None:
    for name, target in {"file": theirs.hidden, "closed": theirs.closed, "deep": theirs.inside}.items():
        await change(other_user, "createSymlink", "slurm", path=f"{mine}/{name}", linkTarget=target)
    for path in (*theirs.unreadable, f"{mine}/file", f"{mine}/deep"):
        for name, field in OF_FILES.items():
            of_link = path.startswith(mine)
            seen = (name == "mimeType" and of_link) or (name == "diskUsage" and path != theirs.inside)
            said = (await other_user.post(FILE % field, path=path)).json()
            assert "secret" not in json.dumps(said), (path, field)
            assert seen or code_of(said) == ErrorCode.PERMISSION_DENIED, (path, field, said)
    for path in (theirs.closed, f"{mine}/closed"):
        for field in ("entries { nodes { name } totalCount }", 'search(name: "*") { nodes { name } }'):
            assert await other_user.code(FILE % field, path=path) == ErrorCode.PERMISSION_DENIED
    assert await other_user.code(FILE % "diskUsage", path=theirs.closed) == ErrorCode.PERMISSION_DENIED
    for field in ("head { text }", "tail { text }", "checksum", "content { text }"):
        said = (await other_user.post(FILES % field, paths=[*theirs.unreadable])).json()
        assert {error["extensions"]["code"] for error in said["errors"]} == {ErrorCode.PERMISSION_DENIED}, said
        assert "secret" not in json.dumps(said)


async def test_no_search_listing_or_cursor_shows_what_is_anothers(
    user: Client, other_user: Client, theirs: Theirs
) -> None:
    page = "(first: 1) { nodes { name } pageInfo { endCursor } }"
    for path, field in {theirs.closed: "entries", theirs.folder: "entries", f"{theirs.closed}/": "search"}.items():
        told = (await user.ask(FILE % f"found: {field}{page}", path=path))["system"]["file"]["found"]
        after = told["pageInfo"]["endCursor"]
        for where in (theirs.closed, theirs.folder):
            asked = f'{field}(after: "{after}") {{ nodes {{ name content {{ text }} head {{ text }} }} }}'
            said = (await other_user.post(FILE % asked, path=where)).json()
            assert "inside" not in json.dumps(said["data"]), said
            assert "secret" not in json.dumps(said)
    for asked in ("entries(recursive: true)", 'search(name: "*")', 'search(name: "*", contains: "secret")'):
        said = (await other_user.post(FILE % f"found: {asked} {{ nodes {{ name }} }}", path=theirs.folder)).json()
        names = {node["name"] for node in said["data"]["system"]["file"]["found"]["nodes"]}
        assert names == (set() if "contains" in asked else {"closed", "hidden", "hidden.tgz"})


async def test_no_id_url_or_stream_shows_what_is_anothers(user: Client, other_user: Client, theirs: Theirs) -> None:
    asked = "query($id: ID!) { node(id: $id) { id ... on File { content { text } } } nodes(ids: [$id]) { id } }"
    async with httpx.AsyncClient(trust_env=False) as http:
        for path in theirs.unreadable:
            told = (await user.ask(FILE % "id contentUrl", path=path))["system"]["file"]
            said = (await other_user.post(asked, id=told["id"])).json()
            assert {error["extensions"]["code"] for error in said["errors"]} == {ErrorCode.PERMISSION_DENIED}
            assert "secret" not in json.dumps(said)
            for method, more in (("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=0-3"})):
                answer = await http.request(method, told["contentUrl"], headers=other_user.headers | more)
                assert (answer.status_code, b"secr" in answer.content) == (403, False)
                assert (await http.request(method, told["contentUrl"], headers=more)).status_code == 401
            with pytest.raises(AssertionError, match=ErrorCode.PERMISSION_DENIED):
                await anext(other_user.events(TAIL, path=path))


async def test_no_job_is_made_of_what_is_anothers(other_user: Client, theirs: Theirs, mine: str) -> None:
    for given in ({"scriptPath": theirs.hidden}, {"scriptPath": theirs.inside}):
        job = {"system": "slurm", "workingDirectory": mine, **given}
        said = (await other_user.post(SUBMIT, input=job)).json()
        assert "SUCCEEDED" not in json.dumps(said), said
        assert "secret" not in json.dumps(said)
