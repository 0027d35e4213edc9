"""How a system is reached, by its delegation mode: a connection for one command, or one of a pool."""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

import asyncssh

from firecrest_gql.delegation import Authority, CertificateKind, Credential, obtain
from firecrest_gql.errors import DelegationUnavailable, Unreached
from firecrest_gql.model.identity import ServiceProof
from firecrest_gql.settings import DelegationMode, SystemSettings
from firecrest_gql.ssh.connecting import Connector, Login
from firecrest_gql.ssh.pool import Pool, Pooled
from firecrest_gql.ssh.promptness import prompt
from firecrest_gql.ssh.session import Session
from firecrest_gql.ssh.wish import Wish

FORCED = "firecrest-gql"  # asked for where the certificate forces the line; sshd puts it into the environment
ATTEMPTS = 6  # connections tried for one command, as long as none may have started it


@dataclass(frozen=True, slots=True)
class Opened:
    """A command that has been started, and how to let go of what carries it."""

    session: Session
    release: Callable[[], None]


class Roads:
    """Starts commands; keeps the pools of the modes that have them."""

    def __init__(self, authority: Authority, connector: Connector) -> None:
        self._authority = authority
        self._connector = connector
        self._pool = Pool()

    async def start(self, wish: Wish) -> Opened:
        """Connect, log in and start the command; tried again as long as it cannot have started."""
        wish.line()  # a line that cannot be is refused before anybody is asked
        start = self._start_alone if _is_certified_alone(wish) else self._start_pooled
        for _ in range(ATTEMPTS):
            if (opened := await start(wish)) is not None:
                return opened
        raise Unreached(f"{wish.system.name} opens no session for {wish.caller.username}: try again soon")

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._pool.aclose()

    async def _start_alone(self, wish: Wish) -> Opened | None:
        credential = await obtain(self._authority, wish.request(CertificateKind.COMMAND))
        connection = await self._connect(wish, credential)
        session = None
        try:
            session = await _begin(connection, wish, FORCED)
        finally:
            if session is None:
                connection.close()
        return Opened(session, connection.close) if session else None

    async def _start_pooled(self, wish: Wish) -> Opened | None:
        key = (wish.system.name, wish.caller.username)
        until = time.time() + min(wish.time_limit, wish.system.delegation.certificate_seconds / 2)
        pooled = await self._pool.take(key, until, partial(self._open_pooled, wish))
        try:
            session = await _begin(pooled.connection, wish, wish.line())
        except BaseException:
            self._pool.retire(key, pooled)  # a session half open may be left on it
            raise
        if session is None:
            self._pool.refused(key, pooled)
            return None
        return Opened(session, partial(self._give_back, key, pooled, session))

    def _give_back(self, key: Hashable, pooled: Pooled, session: Session) -> None:
        session.abort()
        self._pool.give_back(key, pooled)

    async def _open_pooled(self, wish: Wish) -> Pooled:
        if wish.system.delegation.mode is DelegationMode.STATIC:
            credential = _from_file(wish.system)
        else:
            credential = await obtain(self._authority, wish.request(CertificateKind.SESSION))
        return Pooled(await self._connect(wish, credential), credential.expires_at)

    async def _connect(self, wish: Wish, credential: Credential) -> asyncssh.SSHClientConnection:
        jump = partial(self._jump_credential, wish, credential)
        return await self._connector.connect(wish.system, Login(wish.caller.username, credential, jump))

    async def _jump_credential(self, wish: Wish, credential: Credential) -> Credential:
        if credential.certificate is None:
            return credential
        return await obtain(self._authority, wish.request(CertificateKind.JUMP))


def _is_certified_alone(wish: Wish) -> bool:
    mode = wish.system.delegation.mode
    # In mode per-session too the service account's commands are certified one by one.
    for_service = mode is DelegationMode.PER_SESSION and isinstance(wish.caller.proof, ServiceProof)
    return mode is DelegationMode.PER_COMMAND or for_service


def _from_file(system: SystemSettings) -> Credential:
    path = system.delegation.key_file
    try:
        return Credential(asyncssh.read_private_key(path or ""), None, float("inf"))
    except (OSError, asyncssh.KeyImportError) as error:
        raise DelegationUnavailable(f"the key file of {system.name} cannot be read: {error}") from None


async def _begin(connection: asyncssh.SSHClientConnection, wish: Wish, line: str) -> Session | None:
    """Start the line; None where it surely has not started, `SystemUnavailable` where it may have."""
    session = Session(wish)
    try:
        async with asyncio.timeout(wish.system.limits.connect_seconds):
            with prompt(connection):
                await connection.create_session(lambda: session, line, encoding=None)
    except (OSError, asyncssh.Error) as error:
        if isinstance(error, TimeoutError):
            connection.close()  # nothing comes through it
        if session.opened:
            raise session.cut() from None
        return None
    except BaseException:
        session.abort()
        raise
    return session
