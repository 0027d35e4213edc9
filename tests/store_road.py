"""A road to the object store that counts what passes, and can hold it: a TCP proxy on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from urllib.parse import urlsplit

from firecrest_gql.demo.ports import LOOPBACK

CHUNK = 2**16


@dataclass
class StoreRoad:
    """Passes bytes both ways; nothing more passes once `limit` bytes have, until it is opened."""

    host: str
    port: int
    limit: float = inf
    passed: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    def open(self) -> None:
        """Let everything pass from now on."""
        self.limit = inf
        self._opened.set()

    def cut(self) -> None:
        """Break every connection."""
        for end in self._ends:
            end.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        self._ends.add(writer)
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
            self._ends.add(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, far_writer))
                both.create_task(self._pass(far_reader, writer))
            self._ends.discard(far_writer)
        writer.transport.abort()
        self._ends.discard(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.passed + len(data) > self.limit:
                    self.held.set()
                    await self._opened.wait()
                self.passed += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def road_to_store(url: str, limit: float = inf) -> AsyncIterator[tuple[StoreRoad, str]]:
    """The road to the store at this address, and the address where it begins."""
    there = urlsplit(url)
    assert there.hostname is not None
    assert there.port is not None
    road = StoreRoad(there.hostname, there.port, limit)
    server = await asyncio.start_server(road.serve, LOOPBACK, 0)
    try:
        yield road, f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        road.open()
        road.cut()
        server.close()
