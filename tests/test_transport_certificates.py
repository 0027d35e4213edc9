"""What a certificate opens on a real sshd, and what it does not."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncssh
import pytest

from firecrest_gql.delegation import CertificateKind, CertificateRequest
from firecrest_gql.delegation.certificates import build
from tests.openssh import RealSshd, caller, real_sshd, system_of

pytestmark = pytest.mark.openssh
MARKER = "a" * 32
FORWARDING = ("DisableForwarding no", "AllowTcpForwarding yes", "AllowAgentForwarding yes", "X11Forwarding yes")


@pytest.fixture(scope="module")
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealSshd]:
    """One that would forward whatever a certificate allows."""
    async with real_sshd(tmp_path_factory.mktemp("sshd"), FORWARDING) as running:
        yield running


class Client:
    """Somebody who holds a key and its certificate, and tries things with them."""

    def __init__(self, sshd: RealSshd, ca_key: asyncssh.SSHKey | None = None, **changes: Any) -> None:
        self.sshd = sshd
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        system = system_of(sshd, **changes)
        text = build(ca_key or sshd.ca_key, self._request(), "subject", system, time.time() + 3600).text
        self.certificate = asyncssh.import_certificate(text)

    def _request(self) -> CertificateRequest:
        public, proof = self.key.export_public_key().decode(), caller("firebash").proof
        return CertificateRequest(
            *(CertificateKind.COMMAND, "real", "firebash", public, "r", proof),
            argv=("echo", "certified"),
            marker=MARKER,
            time_limit=20,
        )

    def signed_again(self, **changes: Any) -> "Client":
        """The same, with a certificate that differs in what is named."""
        before: Any = self.certificate
        fields = {
            "principals": before.principals,
            "valid_after": before._valid_after,
            "valid_before": before._valid_before,
            "force_command": before.options["force-command"],
            "source_address": [str(network) for network in before.options["source-address"]],
            **dict.fromkeys(_PERMITS, False),
        }
        self.certificate = self.sshd.ca_key.generate_user_certificate(self.key, "id", **fields | changes)
        return self

    def connect(self, username: str = "firebash", **options: Any) -> Any:
        """A connection as that user."""
        return asyncssh.connect(
            self.sshd.host,
            self.sshd.port,
            username=username,
            client_keys=[(self.key, self.certificate)],
            known_hosts=([asyncssh.import_public_key(self.sshd.host_key)], [], []),
            config=None,
            agent_path=None,
            **options,
        )


_PERMITS = [f"permit_{name}" for name in ("x11_forwarding", "agent_forwarding", "port_forwarding", "pty", "user_rc")]


@pytest.mark.parametrize("asked", ["id", "echo certified; id", "sh", None])
async def test_it_runs_its_command_whatever_is_asked(asked: str | None, sshd: RealSshd) -> None:
    async with Client(sshd).connect() as connection:
        result = await connection.run(asked, input=".", check=False)
    assert result.stdout == f"{MARKER}\ncertified\n"


async def test_it_opens_no_file_transfer(sshd: RealSshd) -> None:
    async with Client(sshd).connect() as connection:
        with pytest.raises(asyncssh.Error):
            await connection.start_sftp_client()


async def test_it_forwards_nothing_and_has_no_terminal(sshd: RealSshd) -> None:
    async with Client(sshd).connect() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", sshd.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", sshd.port)
        with pytest.raises(asyncssh.ChannelOpenError, match="PTY"):
            await connection.create_process("id", term_type="xterm")


async def test_a_port_is_forwarded_by_a_certificate_that_says_so(sshd: RealSshd) -> None:
    """So that the test above shows the certificate's doing, not the server's."""
    async with Client(sshd).signed_again(permit_port_forwarding=True).connect() as connection:
        reader, writer = await connection.open_connection("127.0.0.1", sshd.port)
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        writer.close()


# By the clock at which the test runs.
CHANGES: dict[str, Callable[[int], dict[str, Any]]] = {
    "after its time": lambda now: {"valid_after": 1, "valid_before": now - 1},
    "before its time": lambda now: {"valid_after": now + 1000, "valid_before": now + 2000},
    "from another address": lambda _: {"source_address": ["192.0.2.1"]},
    "of another user": lambda _: {"principals": ["firedash"]},
}


@pytest.mark.parametrize("change", CHANGES)
async def test_it_is_refused(change: str, sshd: RealSshd) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await Client(sshd).signed_again(**CHANGES[change](int(time.time()))).connect()


async def test_it_opens_no_other_account_and_not_from_elsewhere(sshd: RealSshd) -> None:
    client = Client(sshd)
    async with client.connect():
        pass
    with pytest.raises(asyncssh.PermissionDenied):
        await client.connect("firedash")
    with pytest.raises(asyncssh.PermissionDenied):
        await client.connect("root")
    with pytest.raises(asyncssh.PermissionDenied):
        await client.connect(local_addr=("127.0.0.2", 0))


async def test_it_is_refused_without_its_key_and_from_another_authority(sshd: RealSshd) -> None:
    thief, client = Client(sshd), Client(sshd)
    thief.key = client.key
    with pytest.raises((asyncssh.PermissionDenied, ValueError)):
        await thief.connect()
    with pytest.raises(asyncssh.PermissionDenied):
        await Client(sshd, asyncssh.generate_private_key("ssh-ed25519")).connect()


async def test_the_login_nodes_own_log_tells_who_did_what(sshd: RealSshd) -> None:
    async with Client(sshd).connect() as connection:
        await connection.run("anything", input=".", check=False)
    log = (sshd.daemon.folder / "sshd.log").read_text()
    assert "firecrest-gql request=r subject=subject system=real" in log
    assert "echo certified" in log
