"""An embedded system for the tests, the CA that it trusts, and clients of every kind."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from firecrest_gql.command import Command, Result
from firecrest_gql.demo.embedded import Embedded, make_embedded
from firecrest_gql.envelope import Envelope, command_line

MARKER = "0123456789abcdef"


@dataclass(frozen=True)
class System:
    """The running system, and the CA that it trusts."""

    embedded: Embedded
    ca: asyncssh.SSHKey

    def credential(self, command: str | None, ca: asyncssh.SSHKey | None = None, **changes: Any) -> Any:
        key = asyncssh.generate_private_key("ssh-ed25519")
        made: dict[str, Any] = {
            "principals": ["fireuser"],
            "valid_after": "-30s",
            "valid_before": "+60s",
            "force_command": command,
            "source_address": ["127.0.0.1/32"],
            "permit_pty": False,
            **changes,
        }
        kind = made.pop("kind", "user")
        make = (ca or self.ca).generate_user_certificate if kind == "user" else _host_certificate(ca or self.ca)
        return key, make(key.convert_to_public(), "a-key-id", **made)

    @asynccontextmanager
    async def connection(
        self, credential: Any, username: str = "fireuser"
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        known = asyncssh.import_known_hosts(f"* {self.embedded.host_public_key}\n")
        async with asyncssh.connect(
            self.embedded.host,
            self.embedded.port,
            username=username,
            client_keys=[credential] if credential else None,
            known_hosts=known,
            config=None,
            agent_path=None,
        ) as connection:
            yield connection

    async def run(self, command: str, stdin: bytes = b"", username: str = "fireuser") -> asyncssh.SSHCompletedProcess:
        async with self.connection(self.credential(command, principals=[username]), username) as connection:
            return await connection.run("whatever was asked", input=stdin, encoding=None)

    async def ask(self, command: Command[Any]) -> Any:
        """A command by the envelope, as the transport sends it."""
        assert isinstance(command.stdin.data, bytes)
        envelope = Envelope(MARKER, len(command.stdin.data), 30, "/usr/local/bin:/usr/bin:/bin")
        credential = self.credential(command_line(command.argv, envelope))
        async with self.connection(credential) as connection:
            process = await connection.create_process(encoding=None)
            process.stdin.write(command.stdin.data + b".")
            stdout, stderr = await asyncio.gather(process.stdout.read(), process.stderr.read())
            return command.parse(_result(stdout, stderr))


def _host_certificate(ca: asyncssh.SSHKey) -> Callable[..., Any]:
    def make(key: asyncssh.SSHKey, key_id: str, **options: Any) -> Any:
        wanted = {name: options[name] for name in ("principals", "valid_after", "valid_before")}
        return ca.generate_host_certificate(key, key_id, **wanted)

    return make


def _result(stdout: bytes, stderr: bytes) -> Result:
    marker = f"{MARKER}\n".encode()
    errors, _, status = stderr.partition(marker)[2].rpartition(f"\n{MARKER} ".encode())
    return Result(int(status.split()[0]), stdout.partition(marker)[2], errors)


def remove_homes(embedded: Embedded) -> None:
    """Started by root they are outside the test's folder."""
    shutil.rmtree(embedded.homes["fireuser"].parent)


def make_system(state: Path) -> System:
    """A system that keeps its files in this folder, or below /var/tmp, and is not started."""
    ca = asyncssh.generate_private_key("ssh-ed25519")
    return System(make_embedded(state, ca.export_public_key().decode()), ca)
