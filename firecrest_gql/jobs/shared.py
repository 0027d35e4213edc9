"""A remote tail that several viewers share: at the pace of the fastest, within bounds."""

import asyncio
from dataclasses import dataclass

from firecrest_gql.errors import FirecrestError, Overloaded, SystemUnavailable
from firecrest_gql.jobs.cutting import RESET, Cutter
from firecrest_gql.jobs.latest import Latest
from firecrest_gql.jobs.ports import Reaches
from firecrest_gql.jobs.tail import Extent, Replaced, Tail
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import OutputChunk
from firecrest_gql.settings import SystemSettings

AHEAD = 128 * 1024
"""Bytes that are read ahead of the fastest viewer."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds until a system that has gone away is tried again."""


@dataclass(eq=False, slots=True)
class Reader:
    """One viewer who reads what the tail tells; the number of the chunk that comes next."""

    number: int


class SharedTail:
    """The remote tail, as one of its viewers; `generation` counts how often the file has begun anew."""

    def __init__(self, transport: Reaches, system: SystemSettings, path: str) -> None:
        self.callers: list[Caller] = []
        self.latest = Latest()
        self.generation = 0
        self.failure: FirecrestError | None = None
        self.news = asyncio.Event()
        self._transport = transport
        self._system = system
        self._path = path
        self._cutter = Cutter(0)
        self._pause = FIRST_PAUSE
        self._readers: set[Reader] = set()
        self._taken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def held(self) -> bytes:
        """What has come and is not told: the beginning of a character."""
        return self._cutter.held

    def start(self, position: int) -> None:
        """Begin here, unless it has begun."""
        if self._task is None:
            self._cutter, self.latest.head = Cutter(position), position
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(
                lambda _: self._fail(SystemUnavailable("following has ended; subscribe again"))
            )

    async def end(self) -> None:
        """Leave nothing behind on the system."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def join(self, number: int) -> Reader:
        """Read from this chunk on."""
        reader = Reader(number)
        self._readers.add(reader)
        self._taken.set()
        return reader

    def take(self, reader: Reader) -> OutputChunk:
        """The reader's next chunk, which must be there."""
        chunk = self.latest[reader.number]
        reader.number += 1
        self._taken.set()
        return chunk

    def leave(self, reader: Reader) -> None:
        """Read no more."""
        self._readers.discard(reader)

    def look_again(self) -> None:
        """The file seems to be another one than the tail has seen: have it look."""
        if self._reading is not None:
            self._reading.cancel()

    def wake(self) -> None:
        """Have everybody who waits look again."""
        self.news.set()
        self.news = asyncio.Event()

    async def _run(self) -> None:
        looked = True  # the first viewer has, a moment ago
        while True:
            try:
                if not looked:
                    await self._look()
                looked = False
                await self._follow()
            except Replaced:
                self._begin_anew()
            except FirecrestError as error:
                if not error.retryable or isinstance(error, Overloaded):
                    return self._fail(error)
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _look(self) -> None:
        reach = await self._transport.run(self._system, self.callers[-1], Extent(self._path))
        if self._cutter.position > reach.size:
            self._begin_anew()

    async def _follow(self) -> None:
        """Until the file is replaced, the system goes away, or somebody wants another look."""
        self._reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait([self._reading])
        finally:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if not self._reading.cancelled():
            self._reading.result()

    async def _read(self) -> None:
        tail = Tail(self._path, self._cutter.position)
        async with self._transport.stream(self._system, self.callers[-1], tail) as items:
            async for data in items:
                self._pause = FIRST_PAUSE
                for chunk in self._cutter.feed(data):
                    self.latest.append(chunk)
                self.wake()
                await self._wanted()

    async def _wanted(self) -> None:
        """Wait for the fastest viewer; those who fall behind what is kept read the file for themselves."""
        while all(self.latest.behind(reader.number) > AHEAD for reader in self._readers):
            self._taken.clear()
            await self._taken.wait()

    def _begin_anew(self) -> None:
        self._cutter = Cutter(0)
        self.generation += 1
        self.latest.append(RESET)
        self.wake()

    def _fail(self, error: FirecrestError) -> None:
        self.failure = self.failure or error
        self.wake()
