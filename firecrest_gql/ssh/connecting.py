"""Opens connections to login nodes: host keys verified, dead nodes last, one more round where a node only blinked."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import asyncssh

from firecrest_gql.delegation import Credential
from firecrest_gql.errors import PermissionDenied, Unreached
from firecrest_gql.settings import LoginNode, SystemSettings

log = logging.getLogger("firecrest_gql.ssh")
DEAD_SECONDS = 15  # for which a node that did not answer is tried last
ROUNDS = (0.0, 0.4, 1.2)  # seconds before each round through the login nodes: a restart of sshd takes about one
KEEPALIVE_SECONDS = 10
KEEPALIVE_COUNT = 2
DROPPED = (ConnectionError, asyncssh.ConnectionLost, asyncssh.DisconnectError)

Obtain = Callable[[], Awaitable[Credential]]


@dataclass(frozen=True, slots=True)
class Login:
    """As whom, with what, and how a credential for the jump host is had."""

    username: str
    credential: Credential
    jump_credential: Obtain


class Connector:
    """Opens connections; remembers for a while which login nodes did not answer."""

    def __init__(self) -> None:
        self._dead: dict[tuple[str, int], float] = {}

    async def connect(self, system: SystemSettings, login: Login) -> asyncssh.SSHClientConnection:
        """A connection to a login node that answers; else `Unreached`, or `PermissionDenied` for the login."""
        nodes, failure = self.in_turn(system), ""
        for pause in ROUNDS:
            if not nodes:
                break
            await asyncio.sleep(pause)
            for node in tuple(nodes):
                try:
                    return await self._open(system, node, login)
                except asyncssh.PermissionDenied:
                    raise _refused(system, node, login.username) from None
                except (OSError, asyncssh.Error) as error:
                    failure = self.note(node, error)
                    if not isinstance(error, DROPPED) or isinstance(error, asyncssh.HostKeyNotVerifiable):
                        nodes.remove(node)
        raise Unreached(f"no login node of {system.name} can be used: {failure}; try again soon", retry_after=5)

    def in_turn(self, system: SystemSettings) -> list[LoginNode]:
        """The login nodes, those that did not answer of late last."""
        now = time.monotonic()
        self._dead = {node: until for node, until in self._dead.items() if until > now}
        return sorted(system.login_nodes, key=lambda node: (node.host, node.port) in self._dead)

    def note(self, node: LoginNode, error: OSError | asyncssh.Error) -> str:
        """Remember that the node failed; what is wrong with it, for a person."""
        told = f"{node.host} {_fault(error)}"
        if (node.host, node.port) not in self._dead:
            log.warning("login node %s, port %d (%s)", told, node.port, type(error).__name__)
        self._dead[node.host, node.port] = time.monotonic() + DEAD_SECONDS
        return told

    async def _open(self, system: SystemSettings, node: LoginNode, login: Login) -> asyncssh.SSHClientConnection:
        async with asyncio.timeout(system.limits.connect_seconds):
            if system.jump_host is None:
                return await _connect(system, node, login.username, login.credential)
            jump = await _connect(system, system.jump_host, login.username, await login.jump_credential())
            try:
                connection = await _connect(system, node, login.username, login.credential, jump)
            except BaseException:
                jump.close()
                raise
        connection.set_tunnel(jump)  # asyncssh closes it with the connection
        return connection


async def verify_host(system: SystemSettings, node: LoginNode) -> None:
    """Exchange keys and compare the host key, without a login; raises `OSError` or `asyncssh.Error`.

    Nothing is authenticated: a login that must fail would set off PerSourcePenalties (sshd_config(5)) and its kin.
    A key signed by a host CA is verified by every login, not here.
    """
    trusted = _keys(system.host_keys)
    algorithms = [name.decode("ascii") for key in trusted for name in key.sig_algorithms]
    async with asyncio.timeout(system.limits.connect_seconds):
        shown = await asyncssh.get_server_host_key(
            node.host, node.port, config=None, server_host_key_algs=algorithms or "default"
        )
    if trusted and not system.host_authorities and shown not in trusted:
        raise asyncssh.HostKeyNotVerifiable("unknown host key")


async def _connect(
    system: SystemSettings,
    node: LoginNode,
    username: str,
    credential: Credential,
    tunnel: asyncssh.SSHClientConnection | None = None,
) -> asyncssh.SSHClientConnection:
    key = credential.key if credential.certificate is None else (credential.key, credential.certificate)
    return await asyncssh.connect(
        node.host, node.port, tunnel=tunnel or (), username=username, client_keys=[key], options=_options(system)
    )


def _options(system: SystemSettings) -> asyncssh.SSHClientConnectionOptions:
    """Nothing from this machine's own SSH configuration or agent; only keys; only known hosts."""
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        agent_path=None,
        known_hosts=(_keys(system.host_keys), _keys(system.host_authorities), ()),
        preferred_auth=("publickey",),
        gss_host=None,
        x509_trusted_certs=None,
        compression_algs=("none",),
        keepalive_interval=KEEPALIVE_SECONDS,
        keepalive_count_max=KEEPALIVE_COUNT,
        # Our own bounds are shorter, and tell apart what was slow.
        connect_timeout=None,
        login_timeout=system.limits.connect_seconds,
    )


@lru_cache(maxsize=1024)
def _keys(lines: tuple[str, ...]) -> Sequence[asyncssh.SSHKey]:
    return [asyncssh.import_public_key(line) for line in lines]


_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncssh.HostKeyNotVerifiable, "shows a host key that is not among the configured ones"),
    (socket.gaierror, "is a name without an address"),
    (ConnectionRefusedError, "refuses connections"),
    (TimeoutError, "does not answer in time"),
    (OSError, "cannot be reached"),
    (asyncssh.ConnectionLost, "closed the connection"),
    (asyncssh.DisconnectError, "ended the connection"),
)


def _fault(error: Exception) -> str:
    return next((told for kind, told in _FAULTS if isinstance(error, kind)), "does not speak SSH as it should")


def _refused(system: SystemSettings, node: LoginNode, username: str) -> PermissionDenied:
    return PermissionDenied(
        f"{node.host} of {system.name} refused the login of {username}: "
        "ask the centre whether the account exists there and may log in"
    )
