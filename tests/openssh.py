"""A real sshd for the tests: accounts with every shell we promise, trusting a CA whose key the test holds."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncssh
from cryptography.fernet import Fernet
from pydantic import SecretStr

from firecrest_gql.command import Command, Result, Stdin, Stream
from firecrest_gql.delegation import LocalAuthority
from firecrest_gql.demo.openssh import OpenSsh, ensure_account
from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
from firecrest_gql.errors import CommandFailed, Unauthenticated
from firecrest_gql.model.identity import Caller, Principal, Token
from firecrest_gql.settings import IdentitySettings, Settings, SystemSettings
from firecrest_gql.ssh import Transport
from tests.parts import on_path

SHELLS = {"firebash": "bash", "firedash": "dash", "firetcsh": "tcsh", "firefish": "fish", "firenoisy": "bash"}
NOISE = "echo a word of the day\necho and one to stderr >&2\n"


@dataclass(frozen=True)
class RealSshd:
    """A running sshd, the CA it trusts, and the files of its private folder."""

    daemon: OpenSsh
    ca_key: asyncssh.SSHKey
    host: str = LOOPBACK

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.daemon.port

    @property
    def host_key(self) -> str:
        """Its public host key, one line."""
        return self.daemon.host_public_key


async def ensure_accounts() -> None:
    """Make the account of each shell, and the start-up file that prints."""
    for name, shell in SHELLS.items():
        await ensure_account(name, str(on_path(shell)))
    home = await ensure_account("firenoisy")
    # sshd makes bash read .bashrc even where it runs one command: the file of a careless user has no guard.
    (home / ".bashrc").write_text(NOISE)


@asynccontextmanager
async def real_sshd(folder: Path, options: Sequence[str] = ()) -> AsyncIterator[RealSshd]:
    """An sshd on a free port that admits the accounts of `SHELLS`; ended, with its connections, at the end."""
    await ensure_accounts()
    ca_key = asyncssh.generate_private_key("ssh-ed25519")
    port = remembered_ports(folder / "ports.json", ["sshd"])["sshd"]
    daemon = OpenSsh(folder / "sshd", ca_key.export_public_key().decode(), port, tuple(SHELLS), options=options)
    async with daemon:
        yield RealSshd(daemon, ca_key)


def system_of(sshd: RealSshd, **changes: Any) -> SystemSettings:
    """The settings of a system `real` whose only login node is this sshd; changes are by field."""
    fields: dict[str, Any] = {
        "name": "real",
        "login_nodes": [{"host": sshd.host, "port": sshd.port}],
        "host_keys": [sshd.host_key],
        "delegation": {"mode": "per-command", "source_addresses": ["127.0.0.1/32"]},
        "scheduler": {"kind": "direct"},
    }
    return SystemSettings(**fields | changes)


def open_to_all(folder: Path) -> None:
    """Let other accounts into this folder of pytest's, whose parents are its owner's alone as well."""
    for each in (folder, *folder.parents):
        if each.stat().st_mode & 0o1000:  # /tmp
            break
        each.chmod(0o755)


async def verify(token: str) -> Principal:
    """A provider of identities for which the token `USER!` is USER's for five minutes, and `USER!!` for two hours."""
    if not token.endswith("!"):
        raise Unauthenticated("the token does not hold")
    username = token.rstrip("!")
    expires_at = datetime.now(UTC) + timedelta(minutes=120 if token[-2:] == "!!" else 5)
    return Principal(f"subject-{username}", username, frozenset({"firecrest"}), expires_at, Token(token))


def caller(username: str, *, for_hours: bool = False) -> Caller:
    """Somebody with a token of their own, which lasts for the longest test where that is asked."""
    return Caller(f"subject-{username}", username, Token(f"{username}!{'!' if for_hours else ''}"), "request-1")


def authority_for(ca_key: asyncssh.SSHKey, *systems: SystemSettings, **changes: Any) -> LocalAuthority:
    """An authority of this process that knows these systems."""
    identity = {"issuer": "https://idp.example", "audience": "firecrest"}
    settings = Settings(
        identity=IdentitySettings(**identity), redis_url=SecretStr("redis://"), systems=systems, **changes
    )
    return LocalAuthority(settings, verify, ca_key, Fernet(Fernet.generate_key()))


@asynccontextmanager
async def transport_to(sshd: RealSshd, *systems: SystemSettings) -> AsyncIterator[Transport]:
    """A transport whose authority sshd trusts; closed at the end."""
    transport = Transport(authority_for(sshd.ca_key, *systems))
    try:
        yield transport
    finally:
        await transport.aclose()


@dataclass(frozen=True)
class Words(Command[Result]):
    """Any program, for the tests: its answer is the result itself."""

    words: tuple[str, ...]
    data: bytes = b""
    seconds: float | None = None
    limit: int | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        """The words."""
        return self.words

    @property
    def stdin(self) -> Stdin:
        """The data."""
        return Stdin.of(self.data)

    @property
    def time_limit(self) -> float | None:
        """The seconds."""
        return self.seconds

    @property
    def output_limit(self) -> int | None:
        """The limit."""
        return self.limit

    def parse(self, result: Result) -> Result:
        """Nothing to read."""
        return result


@dataclass(frozen=True)
class Lines(Stream[bytes]):
    """Any program that goes on answering."""

    words: tuple[str, ...]
    seconds: float | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        """The words."""
        return self.words

    @property
    def time_limit(self) -> float | None:
        """The seconds."""
        return self.seconds

    async def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Line by line, without the newlines."""
        rest = b""
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line

    def check(self, result: Result) -> None:
        """A status other than 0 is a failure."""
        if result.exit_status:
            raise CommandFailed(f"{self.words[0]} ended with status {result.exit_status}")


def processes_with(word: str) -> list[int]:
    """The processes that have this word among their arguments or inside one of them."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in numbers if pid != os.getpid() and word in _arguments(pid)]


def _arguments(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    return ""
