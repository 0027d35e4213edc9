"""A system for the tests of compute: this machine, each user with a home of its own, every command in its envelope.

What sshd adds (logins, certificates) the tests of the transport and of the whole show; here the commands are real.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncssh
import pytest
import pytest_asyncio
from broadcaster import Broadcast
from redis.asyncio import Redis

from firecrest_gql.command import Command, Remote, Result, Stream
from firecrest_gql.delegation.request import Purpose
from firecrest_gql.envelope import HEARTBEAT, HEARTBEAT_SECONDS, Envelope, command_line
from firecrest_gql.errors import CommandTimeout, SystemUnavailable
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.watch import JobWatch
from firecrest_gql.model.identity import Caller, Grant, Principal, Token
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.bell import RedisBell
from firecrest_gql.tasks.connection import connect
from tests.redis import RealValkey

T = TypeVar("T")

SYSTEM = SystemSettings.model_validate(
    {
        "name": "local",
        "login_nodes": [{"host": "127.0.0.1"}],
        "host_keys": [asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()],
        "delegation": {"source_addresses": ["127.0.0.1"]},
        "scheduler": {"kind": "direct"},
    }
)


def principal(username: str) -> Principal:
    """A user as authentication knows one."""
    expires = datetime.now(UTC) + timedelta(minutes=5)
    return Principal(f"subject-of-{username}", username, frozenset(), expires, Token("unused"))


def caller(username: str = "fireuser") -> Caller:
    """A user as a request names one."""
    return Caller(f"subject-of-{username}", username, Token("unused"), "r-1")


@dataclass
class ThisMachine:
    """Runs what the transport would; `ran` tells which commands and streams, in order; `down` refuses all."""

    homes: Path
    path: str = os.environ["PATH"]
    down: bool = False
    ran: list[Remote] = field(default_factory=list)
    running: int = 0
    refused: int = 0
    asked_by: list[Caller] = field(default_factory=list)

    def count(self, kind: type[Remote]) -> int:
        """How many acts of this kind ran."""
        return sum(isinstance(act, kind) for act in self.ran)

    def home(self, username: str = "fireuser") -> Path:
        """The user's home, made at the first look."""
        home = self.homes / username
        home.mkdir(exist_ok=True)
        return home

    def hold_program(self, name: str, username: str) -> Path:
        """From now on the program stays at its start; the file that appears when it has come there."""
        held, hold, program = (self.home(username) / file for file in ("held", "hold", f"bin/{name}"))
        program.parent.mkdir()
        program.write_text(
            f'#!/bin/sh\nif test -e "{hold}"; then touch "{held}"; sleep 600; fi\nPATH={self.path} exec {name} "$@"\n'
        )
        program.chmod(0o755)
        hold.touch()
        self.path = f"{program.parent}:{self.path}"
        return held

    def let_go(self, username: str) -> None:
        """Hold no program any more, but those that are held."""
        (self.home(username) / "hold").unlink(missing_ok=True)

    def clear(self) -> None:
        """End what jobs still run: their homes stand in their environment."""
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"HOME={self.homes}/".encode() in environment.read_bytes():
                    os.kill(int(environment.parent.name), signal.SIGKILL)

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """Run it to its end."""
        async with self._process(caller, command) as (process, marker):
            stdout, stderr = await asyncio.gather(_rest(process.stdout), _rest(process.stderr))
            return command.parse(_result(stdout, stderr, marker))

    @asynccontextmanager
    async def stream(
        self, system: SystemSettings, caller: Caller, stream: Stream[T]
    ) -> AsyncIterator[AsyncIterator[T]]:
        """Follow it until the context ends."""
        async with self._process(caller, stream) as (process, marker):
            assert process.stdout
            await process.stdout.readuntil(f"{marker}\n".encode())
            yield self._items(stream, process, marker)

    async def _items(self, stream: Stream[T], process: asyncio.subprocess.Process, marker: str) -> AsyncIterator[T]:
        assert process.stdout
        async for item in stream.items(_chunks(process.stdout)):
            yield item
        stream.check(_result(b"", await _rest(process.stderr), marker))

    @asynccontextmanager
    async def _process(self, caller: Caller, act: Remote) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
        if self.down:
            self.refused += 1
            raise SystemUnavailable("the system is down")
        self.ran.append(act)
        self.asked_by.append(caller)
        marker, data = uuid4().hex, act.stdin.data
        assert isinstance(data, bytes)
        line = command_line(act.argv, Envelope(marker, act.stdin.size, act.time_limit or 30, self.path))
        process = await asyncio.create_subprocess_shell(
            line,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.home(caller.username),
            env={"HOME": str(self.home(caller.username)), "PATH": os.environ["PATH"]},
            start_new_session=True,
        )
        feeder = asyncio.create_task(_feed(process.stdin, data))
        self.running += 1
        try:
            yield process, marker
        finally:
            self.running -= 1
            feeder.cancel()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await _rest(process.stdout)  # what was never read would keep asyncio from seeing the end
            await process.wait()


def _result(stdout: bytes, stderr: bytes, marker: str) -> Result:
    mark = f"{marker}\n".encode()
    said, _, status = stderr.partition(mark)[2].rpartition(f"\n{marker} ".encode())
    if not status or status.split()[1] != b"0":
        raise CommandTimeout("the command was ended")
    return Result(int(status.split()[0]), stdout.partition(mark)[2], said)


async def _feed(stdin: Any, data: bytes) -> None:
    with suppress(ConnectionError):
        stdin.write(data + HEARTBEAT)
        while True:
            await stdin.drain()
            await asyncio.sleep(HEARTBEAT_SECONDS)
            stdin.write(HEARTBEAT)


async def _rest(reader: asyncio.StreamReader | None) -> bytes:
    assert reader
    return await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(65536):
        yield chunk


@pytest_asyncio.fixture
async def redis(valkey: RealValkey) -> AsyncIterator[Redis]:
    client = connect(valkey.url)
    yield client
    await client.aclose()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[ThisMachine]:
    machine = ThisMachine(tmp_path)
    yield machine
    machine.clear()


class Sealing:
    """Grants whatever is asked: the signer's own rules have their own tests."""

    async def grant(self, token: Token, system: str, purpose: Purpose) -> Grant:
        return Grant(f"sealed {system} {purpose}")


@pytest.fixture
def viewer() -> Principal:
    """A user whom no other test knows."""
    return principal(f"u{uuid4().hex[:12]}")


@pytest_asyncio.fixture
async def broadcast(valkey: RealValkey) -> AsyncIterator[Broadcast]:
    async with Broadcast(backend=RedisBell(valkey.url)) as broadcast:
        yield broadcast


def watching(jobs: Jobs, redis: Redis, broadcast: Broadcast) -> JobWatch:
    """One replica's watch."""
    return JobWatch(jobs, jobs, Sealing(), redis, broadcast)
