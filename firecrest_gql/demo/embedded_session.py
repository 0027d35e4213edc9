"""The embedded system's SSH: certificates of one CA alone, each with a forced command, and nothing but that command."""

import asyncio
from dataclasses import dataclass, field

import asyncssh

from firecrest_gql.demo.embedded_account import Account
from firecrest_gql.demo.embedded_child import Child

END_SECONDS = 3  # for a command to notice that its client is gone; our envelope takes 2
REFUSED = asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED


@dataclass
class Bounds:
    """What is open on the whole server, bounded against whoever can reach the port."""

    max_connections: int = 500
    max_sessions: int = 100
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    sessions: "set[Session]" = field(default_factory=set)

    async def end(self) -> None:
        """Close every connection; each command is given time to notice, then killed."""
        for connection in [*self.connections]:
            connection.abort()
        async with asyncio.TaskGroup() as group:
            for session in [*self.sessions]:
                group.create_task(session.end())


class Session(asyncssh.SSHServerSession[bytes]):
    """One channel and its child process."""

    def __init__(self, account: Account, bounds: Bounds) -> None:
        self._account = account
        self._bounds = bounds
        self._over = asyncio.Event()
        self._child: Child | None = None
        self._starting: asyncio.Task[None] | None = None
        bounds.sessions.add(self)

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        """Run it: asyncssh has put the certificate's forced command in place of what was asked, shell or subsystem."""
        self._child = Child(self._channel, self._ended)
        self._starting = asyncio.create_task(self._child.start(command, self._account))
        return True

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The client's bytes are the child's input."""
        if self._child is not None:
            self._child.feed(data)

    def eof_received(self) -> bool:
        """The client has sent all; the channel stays open for the answer."""
        if self._child is not None:
            self._child.feed_eof()
        return True

    def pause_writing(self) -> None:
        """The client reads slowly."""
        if self._child is not None:
            self._child.pause_outputs(paused=True)

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._child is not None:
            self._child.pause_outputs(paused=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone, and with it the child's pipes."""
        if self._child is None:
            self._ended()
        else:
            self._child.release()

    async def end(self) -> None:
        """Wait for the child's end, and bring it about where it does not come."""
        try:
            async with asyncio.timeout(END_SECONDS):  # wait_for swallows a cancellation on Python 3.11
                await self._over.wait()
        except TimeoutError:
            if self._child is not None:
                self._child.kill()
            await self._over.wait()

    def _ended(self) -> None:
        self._bounds.sessions.discard(self)
        self._over.set()


class Server(asyncssh.SSHServer):
    """One connection: the user must be ours, and so must the certificate, which must name the user."""

    def __init__(self, accounts: dict[str, Account], ca_public_key: str, bounds: Bounds) -> None:
        self._accounts = accounts
        self._ca_public_key = ca_public_key
        self._bounds = bounds

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Somebody has connected; too many are turned away."""
        self._connection = conn
        if len(self._bounds.connections) >= self._bounds.max_connections:
            conn.abort()
        else:
            self._bounds.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._bounds.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Trust the CA for the principals of this user alone: a certificate without principals matches nobody.

        Without this pattern asyncssh accepts such a certificate for every user.
        """
        self._account = self._accounts.get(username)
        if self._account is not None:
            line = f'cert-authority,principals="{username}" {self._ca_public_key}'
            self._connection.set_authorized_keys(asyncssh.import_authorized_keys(line))
        return True

    def session_requested(self) -> Session:
        """A session for a certificate with a forced command."""
        if self._account is None or self._connection.get_certificate_option("force-command") is None:
            raise asyncssh.ChannelOpenError(REFUSED, "only a certificate made for one command opens a session")
        if len(self._bounds.sessions) >= self._bounds.max_sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "too many sessions")
        return Session(self._account, self._bounds)
