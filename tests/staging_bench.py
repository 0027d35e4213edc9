"""The folder of a transfer's job, shells that run the programs in it, and a plain HTTP server in the store's place."""

import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Command, Result
from firecrest_gql.settings import TransferSettings
from firecrest_gql.transfers.staged import TRIES, configuration

SHELLS = (["dash"], ["bash", "--posix"], ["busybox", "sh"])


class Objects(BaseHTTPRequestHandler):
    """GET of a range and PUT, of bytes in memory; the first answers may be failures, or all from one offset on.

    Where there is such an offset everybody else is answered once nobody will ask for it any more.
    """

    protocol_version = "HTTP/1.1"
    server: "Store"

    def do_GET(self) -> None:
        """The range that is asked for."""
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        self.server.asked.append(int(first))
        hopeless = int(first) == self.server.hopeless
        if self.server.hopeless is not None and not hopeless:
            self.server.given_up.wait()
        self._answer(503 if hopeless else 206, self.server.held[self.path][int(first) : int(last) + 1])
        if self.server.asked.count(self.server.hopeless) == TRIES:
            self.server.given_up.set()

    def do_PUT(self) -> None:
        """Keep the body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._answer(200, b""):
            self.server.held[self.path] = body

    def _answer(self, status: int, body: bytes) -> bool:
        failing = self.server.failures > 0
        self.server.failures -= failing
        body = b"" if failing else body
        self.send_response(503 if failing else status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return not failing

    def log_message(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


class Store(ThreadingHTTPServer):
    """Where the bytes are."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Objects)
        self.held: dict[str, bytes] = {}
        self.failures = 0
        self.hopeless: int | None = None
        self.asked: list[int | None] = []
        self.given_up = threading.Event()

    def url(self, name: str) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self.server_port}/{name}?X-Amz-Signature=secret"


@dataclass
class Bench:
    """A folder of a transfer, and a shell that runs programs there."""

    shell: list[str]
    home: Path
    store: Store
    settings: TransferSettings = field(default_factory=TransferSettings)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.home / "transfer"
        self.folder.mkdir(exist_ok=True)

    def program(self, name: str, text: str) -> None:
        """Have this program in place of the one with its name."""
        quick = self.home / "quick"
        quick.mkdir(exist_ok=True)
        (quick / name).write_text(f"#!/bin/sh\n{text}")
        (quick / name).chmod(0o755)

    def run(self, command: Command[Any], urls: list[tuple[str, str]], lines: str = "") -> Result:
        """As the job of a transfer does, but for the pauses."""
        self.program("sleep", "")
        (self.folder / "secrets").write_bytes(configuration(self.settings, urls))
        (self.folder / "input").write_text(lines)
        environment = {
            "LC_ALL": "C",
            "PATH": f"{self.home}/quick:{os.environ['PATH']}",
            "FIRECREST_TRANSFER": str(self.folder),
        }
        argv = [*self.shell, *list(command.argv)[1:]]
        done = subprocess.run(argv, capture_output=True, check=False, env=environment, cwd=self.folder, timeout=60)
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def store() -> Iterator[Store]:
    """It is served while the test runs."""
    served = Store()
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture(params=[pytest.param(shell, marks=pytest.mark.shells, id=shell[0]) for shell in SHELLS])
def bench(request: pytest.FixtureRequest, tmp_path: Path, store: Store) -> Bench:
    """Each shell."""
    return Bench(request.param, tmp_path, store)
