"""A real sshd for the tests: accounts with every shell we promise, trusting a CA whose key the test holds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from firecrest_gql.demo.openssh import OpenSsh, ensure_account
from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
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
