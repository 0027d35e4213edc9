"""A road to sshd that can lose what the system answers, and break: a TCP proxy on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf

from firecrest_gql.demo.ports import LOOPBACK


@dataclass
class Road:
    """Passes bytes both ways; while `mute`, what comes from the system is lost.

    It breaks once `left` bytes have gone to the system.
    """

    host: str
    port: int
    mute: bool = False
    left: float = inf
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Break every connection; new ones pass again, and their answers too."""
        for writer in self.open:
            writer.transport.abort()
        self.mute, self.left = False, inf

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        self.open |= {writer, far_writer}
        try:
            await asyncio.gather(self._pass(reader, far_writer, answers=False), self._pass(far_reader, writer, True))
        finally:
            for end in (writer, far_writer):
                end.transport.abort()
                self.open.discard(end)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                if not (answers and self.mute):
                    writer.write(data)
                    await writer.drain()
                self.left -= 0 if answers else len(data)
                if self.left <= 0:
                    self.cut()
        writer.transport.abort()


@asynccontextmanager
async def road_to(host: str, port: int) -> AsyncIterator[tuple[Road, int]]:
    """The road, and the port where it begins."""
    road = Road(host, port)
    server = await asyncio.start_server(road.serve, LOOPBACK, 0)
    try:
        yield road, server.sockets[0].getsockname()[1]
    finally:
        road.cut()
        server.close()
