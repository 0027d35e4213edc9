"""A road, mostly to the object store, that counts what passes, and can hold it: a TCP proxy on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any
from urllib.parse import urlsplit

from firecrest_gql.demo.ports import LOOPBACK

CHUNK = 2**20  # bytes at a time
FULL = 2**16  # bytes of a chunk that holds no header alone


@dataclass
class Road:
    """Passes bytes both ways; nothing more passes once `limit` bytes have, until it is opened.

    In so many chunks that hold no header alone, as `flips` says, a bit is flipped.
    """

    host: str
    port: int
    limit: float = inf
    passed: int = 0
    flips: int = 0
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
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port, limit=CHUNK)
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
                writer.write(self._flipped(data))
                await writer.drain()
        writer.close()

    def _flipped(self, data: bytes) -> bytes:
        if self.flips == 0 or len(data) < FULL:
            return data
        self.flips -= 1
        return data[:-1] + bytes((data[-1] ^ 1,))


@asynccontextmanager
async def road_to(host: str, port: int, limit: float = inf) -> AsyncIterator[tuple[Road, int]]:
    """The road there, and the port where it begins."""
    road = Road(host, port, limit)
    server = await asyncio.start_server(road.serve, LOOPBACK, 0, limit=CHUNK)
    try:
        yield road, server.sockets[0].getsockname()[1]
    finally:
        road.open()
        road.cut()
        server.close()


@asynccontextmanager
async def road_to_store(url: str, limit: float = inf) -> AsyncIterator[tuple[Road, str]]:
    """The road to whoever answers at this address, and the address where it begins."""
    there = urlsplit(url)
    assert there.hostname is not None
    assert there.port is not None
    async with road_to(there.hostname, there.port, limit) as (road, port):
        yield road, f"http://{LOOPBACK}:{port}"


def by_road(address: str) -> Callable[[dict[str, Any]], None]:
    """Settings whose jobs reach the store by this address."""

    def change(settings: dict[str, Any]) -> None:
        for block in settings["systems"]:
            block["transfers"] = {**block.get("transfers", {}), "store_url": address}

    return change
