"""Strings of any kind in transfers: their jobs' scripts call what was meant, and whole transfers do what was asked."""

import hashlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from firecrest_gql.command import Remote
from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.files.road import FileCommand
from firecrest_gql.settings import TransferSettings
from firecrest_gql.transfers.script import job_script
from firecrest_gql.transfers.staged import Fetch, Send, configuration
from firecrest_gql.transfers.staged_trees import FetchTree
from tests.attacks_on_shells import as_name, attacks
from tests.client import signed_in
from tests.file_commands import ALONE, Place, Strings
from tests.files import names, path_of, write
from tests.recorder import Calls, Lane, Recorder, comparable, meant, recording
from tests.sizes import size
from tests.transfers import carried_out
from tests.words import as_bytes

SCRIPTS = size(20, 500)
WHOLE = size(2, 36)
PLAIN = Strings("plain0name", "plain0new", "plain0words", "plain0line")
MD5 = re.compile(r"[0-9a-f]{32}")
MOVES = ("copy", "copy over", "move", "move over", "remove", "remove all", "synchronise", "compress", "compress over")
UNPACKS = ("compress what a link names", "extract", "extract into", "extract zip")
STAGED = ("fetch", "fetch over", "fetch a tree", "send", "send an archive")
KINDS = [*itertools.product((*STAGED, *MOVES, *UNPACKS), (False, True))]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Whatever a test does, nothing of it has ever been run."""
    with recording() as made:
        yield made
        assert made.traces() == []


class Objects(BaseHTTPRequestHandler):
    """A store without locks: it takes whatever is put, and gives what it holds."""

    held: ClassVar[bytes] = b""

    def do_PUT(self) -> None:
        """Taken, to the last byte."""
        size = int(self.headers["Content-Length"])
        self.send_response(200 if len(self.rfile.read(size)) == size else 400)
        self.end_headers()

    def do_GET(self) -> None:
        """The range that is asked for."""
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        self.send_response(206)
        self.end_headers()
        self.wfile.write(self.held[first : last + 1])

    def log_message(self, *_: object) -> None:
        """Nothing is worth it."""


@pytest.fixture
def objects() -> Iterator[str]:
    """The address of such a store."""
    with serving(Objects) as address:
        yield address


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that answers so."""
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/"
        server.shutdown()


def command(kind: str, place: Place) -> tuple[Remote, bytes]:
    """The command of this name, and for those of staging the lines of the parts that are to be moved."""
    content = Path(place.tar if kind == "fetch a tree" else place.file).read_bytes()
    part = f"1 0 {len(content)} {hashlib.md5(content, usedforsecurity=False).hexdigest()}\n".encode()
    Objects.held = content
    staging: dict[str, tuple[Remote, bytes]] = {
        "fetch": (Fetch(place.new, len(content), "0600", sha256=None), part),
        "fetch over": (Fetch(place.file, len(content), overwrite=True), part),
        "fetch a tree": (FetchTree(place.new, len(content)), part),
        "send": (Send(place.file, 2**20, len(content)), part.rpartition(b" ")[0] + b" \n"),
        "send an archive": (Send(place.blank, 2**20, None, "cat"), b""),
    }
    return staging.get(kind) or (ALONE[kind](place), b"")


def carry_out(
    recorder: Recorder, lane: Lane, home: Path, url: str, kind: tuple[str, bool], strings: Strings
) -> tuple[int, Calls]:
    """The status of a job that does so, as a scheduler would run its script, and what was called."""
    name, confined = kind
    place, folder = Place(home / "place", strings), home / "folder"
    place.prepare()
    folder.mkdir()
    remote, parts = command(name, place)
    (folder / "input").write_bytes(parts)
    (folder / "secrets").write_bytes(configuration(TransferSettings(), [("-", url), ("1", url)]))
    assert isinstance(remote, FileCommand)
    argv = remote.confined([f"/srv/{strings.new}"]) if confined else list(remote.argv)
    script = home / "script"
    script.write_bytes(job_script(argv, str(folder), recorder.path).encode("ascii"))
    environment = {"HOME": str(home), "PATH": recorder.path, **lane.environment}
    lane.taken()
    job = subprocess.Popen(["/bin/sh", script], cwd=home, env=environment, start_new_session=True)
    status = job.wait(120)
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)  # what measured the job sleeps
    calls = lane.taken()
    assert calls[tuple(argv)] == 1, (kind, (folder / "stderr").read_text())
    for made in (place.folder, folder):
        shutil.rmtree(made)
    return status, without_checksums(comparable(calls, home))


def without_checksums(calls: Calls) -> Calls:
    """The calls; an archive of the same has another checksum each time."""
    told: Calls = Counter()
    for call, times in calls.items():
        told[tuple(MD5.sub("MD5", word) for word in call)] += times
    return told


def test_a_transfers_job_calls_what_it_was_meant_to_call(recorder: Recorder, tmp_path: Path, objects: str) -> None:
    lane, texts = recorder.lane("lane"), attacks(2 * SCRIPTS, recorder.canary)
    act = partial(carry_out, recorder, lane, tmp_path, objects)
    templates = {kind: act(kind, PLAIN) for kind in KINDS[:SCRIPTS]}
    assert {kind: status for kind, (status, _) in templates.items()} == dict.fromkeys(templates, 0)
    for number in range(SCRIPTS):
        kind = KINDS[number % len(KINDS)]
        name, new, words, line = (texts[(2 * number + step) % len(texts)] for step in range(4))
        strings = Strings(as_name(name), as_name(new), words, line.replace("\n", " "))
        status, calls = act(kind, strings)
        expected = meant(templates[kind][1], dict(zip(astuple(PLAIN), astuple(strings), strict=True)))
        assert (status, calls) == (0, expected), (kind, strings, calls - expected, expected - calls)


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    def do_POST(self) -> None:
        """The same bytes."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is worth it."""


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of a server that answers with what it was sent."""
    with serving(Echo) as address:
        yield address


def test_a_secret_is_one_value_to_curl_whatever_is_in_it(recorder: Recorder, tmp_path: Path, echo: str) -> None:
    for text in attacks(size(10, 300), recorder.canary):
        path = f"/{text.encode('utf-8', 'replace').decode()}"
        lines = configuration(TransferSettings(ca_bundle=path), [("*", echo)]).replace(b"* cacert =", b"* data-raw =")
        (tmp_path / "secrets").write_bytes(
            b"".join(line.removeprefix(b"* ") for line in lines.splitlines(keepends=True))
        )
        environment = {"PATH": recorder.quiet_path, "LC_ALL": "C"}
        curl = ["curl", "-q", "-K", str(tmp_path / "secrets"), "-sS", "--fail", "--noproxy", "*"]
        said = subprocess.run(curl, env=environment, capture_output=True, check=True)
        assert said.stdout == as_bytes(path)


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_whole_transfers_do_what_was_asked_whatever_names_are_theirs(demo: dict[str, Any], folder: Path) -> None:
    texts = attacks(200, "touch oops")
    for number in range(WHOLE):
        user = await signed_in(demo)
        source, target, third = (folder / f"{number}{as_name(texts[5 * number + step])}" for step in range(3))
        await write(user, source, b"bytes")
        where = {"system": "local", "path": path_of(source), "target": path_of(target)}
        await carried_out(user, "startCopy", **where)
        await carried_out(user, "startMove", **where | {"overwrite": True})
        packed = {"system": "local", "path": path_of(target), "target": path_of(third)}
        await carried_out(user, "startCompress", **packed)
        await carried_out(user, "startRemove", system="local", path=path_of(target))
        await carried_out(user, "startExtract", **packed | {"path": path_of(third), "target": path_of(folder)})
        assert (source.exists(), target.read_bytes()) == (False, b"bytes")
        await carried_out(user, "startDownload", system="local", path=path_of(target))
    assert "oops" not in names(folder.parent, "**/*")
