"""What `limits` says is what is enforced, and what is wrong with an argument is said before anything is certified."""

import os
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Result, Stdin
from firecrest_gql.errors import CommandFailed, CommandTimeout, ErrorCode
from firecrest_gql.files.attributes import Touch
from firecrest_gql.files.contents import Read, ReadEnd
from firecrest_gql.files.each import Told
from firecrest_gql.files.failures import PHRASES, STRERROR, failure, failure_of
from firecrest_gql.files.listing import file_of
from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.road import FileCommand, FileRoad
from firecrest_gql.files.writing import Remove, Upload
from firecrest_gql.settings import SystemSettings
from tests.client import Client
from tests.files import CHANGE, change
from tests.openssh import caller
from tests.test_files import commands

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

ONE = 'query($path: String!) { system(name: "local") { file(path: $path) { %s } } }'
LIMITS = 'system(name: "local") { limits { maxInlineFileSize } }'

# By field: what cannot be, and which argument is named.
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("touchFile", {"path": "here"}, "path"),
    ("touchFile", {"path": "~/a\0b"}, "path"),
    ("createDirectory", {"path": "~/a", "mode": "rwx"}, "mode"),
    ("createSymlink", {"path": "~/a", "linkTarget": ""}, "linkTarget"),
    ("createSymlink", {"path": "a", "linkTarget": "b"}, "path"),
    ("copyFile", {"path": "~/a", "target": "b"}, "target"),
    ("copyFile", {"path": "~/" + "x" * 256, "target": "~/b"}, "path"),
    ("copyFile", {"path": "/a", "target": "/a/b"}, "target"),
    ("moveFile", {"path": "~/a", "target": "base64:!"}, "target"),
    ("moveFile", {"path": "~x", "target": "~/b"}, "path"),
    ("compressFiles", {"path": "~/a", "target": "b"}, "target"),
    ("compressFiles", {"path": "a", "target": "~/b"}, "path"),
    ("compressFiles", {"path": "~/a", "target": "~/a/b"}, "target"),
    ("compressFiles", {"path": "~/a", "target": "~/b", "match": "a\0"}, "match"),
    ("extractArchive", {"path": "~/a", "target": "b"}, "target"),
    ("changeMode", {"path": "~/a", "mode": "u+q"}, "mode"),
    ("changeOwner", {"path": "~/a", "owner": "a b"}, "owner"),
    ("changeOwner", {"path": "~/a"}, "owner"),
]


@pytest.mark.parametrize(("field", "asked", "argument"), WRONG)
async def test_a_wrong_argument_is_named_before_a_certificate_is_made(
    demo: dict[str, Any], user: Client, field: str, asked: dict[str, Any], argument: str
) -> None:
    query = CHANGE % (field[0].upper() + field[1:], field)
    answer = await user.post(query, input={"system": "local", **asked})
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == ErrorCode.INVALID_INPUT
    assert argument in error["message"].partition(":")[0]
    assert commands(demo, answer.headers["X-Request-ID"]) == []


async def test_a_read_of_exactly_the_limit_passes_and_one_byte_more_names_the_limit_and_the_way_out(
    user: Client, folder: Path
) -> None:
    limit = (await user.ask(f"{{ {LIMITS} }}"))["system"]["limits"]["maxInlineFileSize"]
    (folder / "large").write_bytes(b"x" * (limit + 1))
    for field in (f"content(length: {limit})", f"head(bytes: {limit})", f"tail(bytes: {limit})"):
        said = await user.ask(ONE % f"found: {field} {{ length truncated }}", path=str(folder / "large"))
        assert said["system"]["file"]["found"] == {"length": limit, "truncated": True}
    for field in (f"content(length: {limit + 1})", f"head(bytes: {limit + 1})", f"tail(bytes: {limit + 1})"):
        error = await user.error(ONE % f"{field} {{ length }}", path=str(folder / "large"))
        assert error["extensions"]["code"] == ErrorCode.TOO_LARGE
        assert all(word in error["message"] for word in ("maxInlineFileSize", str(limit), "startDownload"))


async def test_an_upload_over_the_limit_names_the_limit_and_the_way_out(user: Client, folder: Path) -> None:
    limit = (await user.ask(f"{{ {LIMITS} }}"))["system"]["limits"]["maxInlineFileSize"]
    query = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }"
    given = {"system": "local", "path": str(folder / "x"), "content": None}
    [error] = (await user.upload(query, b"x" * (limit + 1), input=given))["errors"]
    assert error["extensions"]["code"] == ErrorCode.TOO_LARGE
    assert all(word in error["message"] for word in ("maxInlineFileSize", str(limit), "startUpload"))


TWINS: dict[str, FileCommand[Any]] = {
    "startUpload": Upload("/a", Stdin(), "0644"),
    "startDownload": Read("/a", 0, 1),
    "startCopy": Copy("/a", "/b"),
    "startMove": Move("/a", "/b"),
    "startRemove": Remove("/a"),
}


class OutOfTime:
    """A transport on which everything takes too long."""

    async def run(self, system: object, caller: object, command: object) -> Any:
        """Never an answer."""
        raise CommandTimeout("sh on local took longer than its limit of 30 s and was ended")


@pytest.mark.parametrize(("twin", "command"), [*TWINS.items(), ("startDownload", ReadEnd("/a", 1))])
async def test_what_takes_too_long_names_its_twin_in_the_transfer_queue(twin: str, command: FileCommand[Any]) -> None:
    system = cast("SystemSettings", SimpleNamespace(allowed_paths=("/",)))
    with pytest.raises(CommandTimeout, match=rf"30 s .*; {twin} "):
        await FileRoad(OutOfTime()).run(system, caller("ada"), command)
    with pytest.raises(CommandTimeout, match=r"ended$"):
        await FileRoad(OutOfTime()).run(system, caller("ada"), Touch("/a"))


async def test_only_regular_files_are_read_and_nothing_waits_for_a_pipe(user: Client, folder: Path) -> None:
    os.mkfifo(folder / "pipe", 0o666)
    await change(user, "createSymlink", path=str(folder / "link"), linkTarget="pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    (folder / "socket").chmod(0o666)
    for path in (*(str(folder / name) for name in ("pipe", "link", "socket")), "/dev/zero"):
        for field in ("content { text }", "head { text }", "tail { text }", "checksum"):
            error = await user.error(ONE % field, path=path)
            assert error["extensions"]["code"] == ErrorCode.INVALID_INPUT, (path, field)
            assert "regular" in error["message"]
    found = await user.ask(ONE % "entries { nodes { name type } }", path=str(folder))
    kinds = {node["name"]: node["type"] for node in found["system"]["file"]["entries"]["nodes"]}
    assert kinds == {"pipe": "FIFO", "socket": "SOCKET", "link": "SYMLINK"}


async def test_owners_without_a_name_and_times_beyond_the_calendar_spoil_no_listing(user: Client, folder: Path) -> None:
    (folder / "file").write_text("x")
    os.chown(folder / "file", 4294967294, 4294967294)
    fields = "entries { nodes { name uid gid owner group modifiedAt size } }"
    [node] = (await user.ask(ONE % fields, path=str(folder)))["system"]["file"]["entries"]["nodes"]
    assert (node["uid"], node["gid"], node["owner"]) == (4294967294, 4294967294, "4294967294")
    record = ["f", "1", "u", "g", "1", "1", "644", "-rw-r--r--", "9" * 15, "-" + "9" * 15, "1e300", "1", "1", "", "/a"]
    file = file_of(record, "local")
    assert (file.modified_at, file.accessed_at, file.changed_at) == (None, None, None)
    os.chown(folder / "file", os.getuid(), os.getgid())


WORDS = [*STRERROR, *PHRASES]


@given(st.sampled_from(WORDS), st.sampled_from(["rm", "stat", "mv"]), st.sampled_from(["", "\n", "'", ": ", "\\", '"']))
def test_words_in_a_files_name_are_no_diagnostic(words: str, program: str, more: str) -> None:
    path = f"/tmp/{words}{more}"
    for argv in ([program, "--", path], [program, "--", path + "/below"]) if program != "mv" else (["mv", path, "/x"],):
        run = subprocess.run(argv, capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=False)
        for named in (path, "/another", "./held"):
            assert failure(named, run.stderr, run.returncode).code == ErrorCode.NOT_FOUND, run.stderr
    said = failure("/another", f"{program}: skipping {path!r}, since it is so\n".encode(), 1)
    assert isinstance(said, CommandFailed)


@pytest.mark.parametrize("line", ["sh: 1: cannot open /a b: No such file", "x: cannot open `/a b' (No such file)"])
def test_the_words_of_a_shell_and_of_file_are_understood(line: str) -> None:
    assert failure("/a b", line.encode(), 2).code == ErrorCode.NOT_FOUND


def test_each_of_several_paths_has_its_own_error_and_never_that_of_another() -> None:
    said = b"x: /a: Permission denied\nx: /b/a: Is a directory\n"
    codes = [failure_of(path, Result(1, b"", said)).code for path in ("/a", "/b/a", "/c")]
    assert codes == [ErrorCode.PERMISSION_DENIED, ErrorCode.IS_A_DIRECTORY, ErrorCode.CONFLICT]


ODD_PATHS = st.binary(min_size=1, max_size=20).filter(lambda data: b"\0" not in data).map(os.fsdecode).map("/".__add__)
SAID = {"No such file or directory": ErrorCode.NOT_FOUND, "Permission denied": ErrorCode.PERMISSION_DENIED}


@given(st.dictionaries(ODD_PATHS, st.sampled_from(["", *SAID]), max_size=6), st.integers(1, 4))
def test_answers_and_failures_are_told_apart_whatever_the_paths_are(paths: dict[str, str], width: int) -> None:
    values = [["", path, f"x: {words}"] if words else [path, *[""] * (width - 1)] for path, words in paths.items()]
    output = b"".join(os.fsencode(value) + b"\0" for record in values for value in record)
    told = Told.of(Result(123, output, b""), width)
    assert [record[0] for record in told.answers] == [path for path, words in paths.items() if not words]
    assert {path: told.failure(path).code for path, words in paths.items() if words} == {
        path: SAID[words] for path, words in paths.items() if words
    }
