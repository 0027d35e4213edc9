"""The signer: an authority behind a Unix socket, so that the process which faces the internet holds no CA key."""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from firecrest_gql.delegation import wire
from firecrest_gql.delegation.authority import Authority
from firecrest_gql.delegation.request import Purpose
from firecrest_gql.errors import DelegationUnavailable, FirecrestError, InvalidInput
from firecrest_gql.model.identity import Token

log = logging.getLogger("firecrest_gql.delegation")
MAX_CONNECTIONS = 64
MAX_AT_ONCE = 64  # questions of one connection
READ_SECONDS = 5  # for the rest of a line that has begun
ANSWER_SECONDS = 20


class SignerAddressTaken(Exception):
    """Another signer listens on the socket."""


class SignerServer:
    """Answers the processes whose uid is in `allowed_uids` (empty: its own) on the socket at `path`."""

    def __init__(self, path: Path, authority: Authority, allowed_uids: Sequence[int] = ()) -> None:
        self._path = path
        self._authority = authority
        self._allowed = frozenset(allowed_uids) or frozenset({os.geteuid()})
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; `SignerAddressTaken` where somebody does already."""
        # The kernel's word for the caller's uid (SO_PEERCRED) decides; without other uids the mode says so too.
        alone = self._allowed <= {os.geteuid()}
        self._path.parent.mkdir(mode=0o700 if alone else 0o711, parents=True, exist_ok=True)
        listener = _listener(self._path)
        os.chmod(self._path, 0o600 if alone else 0o666)  # noqa: PTH101
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=wire.MAX_LINE)

    async def serve_forever(self) -> None:
        """Answer until cancelled, then take the socket away."""
        async with self:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        """End the connections and take the socket away."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._connections):
            writer.close()
        self._path.unlink(missing_ok=True)
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _peer_uid(writer)
        if uid not in self._allowed or len(self._connections) >= MAX_CONNECTIONS:
            log.warning("refused a connection of uid %d", uid)
            writer.close()
            return
        self._connections.add(writer)
        try:
            async with asyncio.TaskGroup() as group:
                await self._read(reader, writer, group)
        except* (ConnectionError, TimeoutError, ValueError) as errors:
            log.info("a connection of uid %d ended: %s", uid, type(errors.exceptions[0]).__name__)
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, group: asyncio.TaskGroup) -> None:
        places = asyncio.Semaphore(MAX_AT_ONCE)
        while first := await reader.read(1):
            async with asyncio.timeout(READ_SECONDS):
                line = first if first == b"\n" else first + await reader.readline()
            await places.acquire()
            task = group.create_task(self._answer(line, writer))
            task.add_done_callback(lambda _: places.release())

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        number = None
        try:
            message = wire.decode(line)
            number = message.get("number")
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = {"answer": await self._act(message)}
        except FirecrestError as error:
            answer = {"error": wire.problem(error)}
        except TimeoutError:
            answer = {"error": wire.problem(DelegationUnavailable("the signer took too long: try again"))}
        writer.write(wire.encode({"number": number} | answer))
        await writer.drain()

    async def _act(self, message: dict[str, Any]) -> dict[str, Any]:
        match message:
            case {"act": "check"}:
                return {}
            case {"act": "certify"}:
                certificate = await self._authority.certify(wire.read_request(message))
                return {"certificate": certificate.text, "expires_at": certificate.expires_at}
            case {"act": "grant", "token": str(token), "system": str(system), "purpose": str(purpose)}:
                if purpose not in set(Purpose):
                    raise InvalidInput(f"there is no purpose {purpose[:64]!r}")
                return {"grant": (await self._authority.grant(Token(token), system, Purpose(purpose))).value}
        raise InvalidInput("the signer grants and certifies, nothing else")


def _listener(path: Path) -> socket.socket:
    """A socket of which a dead signer's remains have been taken away; not accessible to others from its birth."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if path.is_socket():
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise SignerAddressTaken(f"another signer listens on {path}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """The uid of the process at the other end; unix(7), SO_PEERCRED."""
    peer: socket.socket = writer.get_extra_info("socket")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(uid)
