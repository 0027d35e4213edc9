"""Strings of any kind in transfers: their jobs' scripts call what was meant, and whole transfers do what was asked."""

import itertools
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import astuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Remote
from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.files.road import FileCommand
from firecrest_gql.settings import TransferSettings
from firecrest_gql.transfers.script import job_script
from firecrest_gql.transfers.staged import Fetch, configuration
from tests.attacks_on_shells import as_name, attacks
from tests.client import signed_in
from tests.file_commands import ALONE, Place, Strings
from tests.files import names, path_of, write
from tests.recorder import Calls, Lane, Recorder, comparable, meant, recording
from tests.sizes import size
from tests.transfers import carried_out
from tests.words import as_bytes

SCRIPTS = size(20, 400)
WHOLE = size(2, 36)
PLAIN = Strings("plain0name", "plain0new", "plain0words", "plain0line")
EMPTY = "1 0 0 d41d8cd98f00b204e9800998ecf8427e\n"  # the one part of a file without a byte
MOVES = ("copy", "copy over", "move", "move over", "remove", "remove all", "synchronise", "compress", "compress over")
UNPACKS = ("compress what a link names", "extract", "extract into", "extract zip")
KINDS = [*itertools.product((*MOVES, *UNPACKS, "fetch"), (False, True))]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Whatever a test does, nothing of it has ever been run."""
    with recording() as made:
        yield made
        assert made.traces() == []


def command(kind: str, place: Place) -> Remote:
    """The command of this name; what is fetched is empty, so that no store is needed."""
    return Fetch(place.new, 0, "0600", sha256=None) if kind == "fetch" else ALONE[kind](place)


def carry_out(
    recorder: Recorder, lane: Lane, home: Path, kind: tuple[str, bool], strings: Strings
) -> tuple[int, Calls]:
    """The status of a job that does so, as a scheduler would run its script, and what was called."""
    name, confined = kind
    place, folder = Place(home / "place", strings), home / "folder"
    place.prepare()
    folder.mkdir()
    (folder / "input").write_text(EMPTY)
    remote = command(name, place)
    assert isinstance(remote, FileCommand)
    argv = remote.confined([f"/srv/{strings.new}"]) if confined else list(remote.argv)
    script = home / "script"
    script.write_bytes(job_script(argv, str(folder), recorder.path).encode("ascii"))
    environment = {"HOME": str(home), "PATH": recorder.path, **lane.environment}
    lane.taken()
    job = subprocess.Popen(["/bin/sh", script], cwd=home, env=environment, start_new_session=True)
    status = job.wait()
    os.killpg(job.pid, signal.SIGKILL)  # what measured the job sleeps
    calls = lane.taken()
    assert calls[tuple(argv)] == 1, (kind, (folder / "stderr").read_text())
    for made in (place.folder, folder):
        shutil.rmtree(made)
    return status, comparable(calls, home)


def test_a_transfers_job_calls_what_it_was_meant_to_call(recorder: Recorder, tmp_path: Path) -> None:
    lane, texts = recorder.lane("lane"), attacks(2 * SCRIPTS, recorder.canary)
    templates = {kind: carry_out(recorder, lane, tmp_path, kind, PLAIN) for kind in KINDS[: SCRIPTS or None]}
    assert {status for status, _ in templates.values()} == {0}, templates
    for number in range(SCRIPTS):
        kind = KINDS[number % len(KINDS)]
        name, new, words, line = (texts[(2 * number + step) % len(texts)] for step in range(4))
        strings = Strings(as_name(name), as_name(new), words, line.replace("\n", " "))
        status, calls = carry_out(recorder, lane, tmp_path, kind, strings)
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
    with ThreadingHTTPServer((LOOPBACK, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/"
        server.shutdown()


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
