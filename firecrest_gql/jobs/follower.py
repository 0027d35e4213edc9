"""One viewer of a followed file: what the shared tail no longer has is read from the file, the rest with the others."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from firecrest_gql.errors import FirecrestError, Overloaded
from firecrest_gql.jobs.cutting import RESET, Cutter
from firecrest_gql.jobs.ports import Reaches
from firecrest_gql.jobs.shared import FIRST_PAUSE, Reader, SharedTail
from firecrest_gql.jobs.tail import Extent, Part, Reach
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import OutputChunk
from firecrest_gql.settings import SystemSettings

SILENCE_SECONDS = 5.0
"""Once nobody writes any more, how long nothing may come of what is still missing before all is looked at again."""


@dataclass
class Follower:
    """Reads as one caller; `ended` is done once nobody writes any more, or raises why nobody can tell."""

    transport: Reaches
    system: SystemSettings
    caller: Caller
    path: str
    shared: SharedTail
    ended: asyncio.Future[None] | None = None
    offset: int = 0
    generation: int = 0
    final: int | None = None
    out: bool = False

    async def chunks(self, offset: int | None) -> AsyncGenerator[OutputChunk, None]:
        """Each byte from `offset`, or the present end, on, once; raises where the first look at the file fails."""
        if self.ended is not None:
            self.ended.add_done_callback(lambda _: self.shared.wake())
        self.generation = self.shared.generation
        reach = await self._look()
        self.offset = reach.end if offset is None else offset
        if self.offset > reach.size:
            self.offset = 0
            yield RESET
        self.shared.start(self.offset)
        while not self.out:
            if self.generation != self.shared.generation:
                self.generation, self.offset = self.shared.generation, 0
                yield RESET
            number = self.shared.latest.find(self.offset)
            async with aclosing(self._alone() if number is None else self._together(number)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _together(self, number: int) -> AsyncGenerator[OutputChunk, None]:
        """What the shared tail tells, until this viewer is too slow for it or every byte is out."""
        reader, silent = self.shared.join(number), False
        try:
            while reader.number >= self.shared.latest.first:
                news = self.shared.news
                if reader.number < self.shared.latest.next:
                    if (chunk := self._taken(self.shared.take(reader))) is not None:
                        yield chunk
                elif await self._is_out(reader, silent):
                    break
                else:
                    silent = not await self._waited(news)
        finally:
            self.shared.leave(reader)
        if self.out and self.shared.held:
            yield OutputChunk(offset=self.offset, data=self.shared.held)

    def _taken(self, chunk: OutputChunk) -> OutputChunk | None:
        """What of the chunk is new to this viewer, who may have begun in its midst or behind it."""
        if chunk.reset:
            self.generation, self.offset = self.generation + 1, 0
            return chunk
        if chunk.next_offset <= self.offset:
            return None
        known, self.offset = max(0, self.offset - chunk.offset), chunk.next_offset
        return OutputChunk(offset=chunk.offset + known, data=chunk.data[known:]) if known else chunk

    async def _waited(self, news: asyncio.Event) -> bool:
        """Wait for news; False where for a while there are none of what is still missing."""
        if self.shared.failure is not None:
            raise self.shared.failure
        over = self.ended is not None and self.ended.done()
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENCE_SECONDS if over else None):
                return await news.wait()
        return False

    async def _is_out(self, reader: Reader, silent: bool) -> bool:
        """Whether nobody writes any more and every byte was read; asks for the size in this order, to miss nothing."""
        if self.ended is None or not self.ended.done():
            return False
        self.ended.result()
        if self.final is None or silent or self._reached > self.final:
            self.final = (await self._look()).size
        if self._reached > self.final:
            self.shared.look_again()
        self.out = self._reached == self.final and reader.number == self.shared.latest.next
        return self.out

    @property
    def _reached(self) -> int:
        return self.offset + len(self.shared.held)

    async def _alone(self) -> AsyncGenerator[OutputChunk, None]:
        """What lies between this viewer and the shared tail, as it is in the file."""
        cutter, end, generation = Cutter(self.offset), self.shared.latest.head, self.shared.generation
        part = Part(self.path, self.offset, end - self.offset)
        try:
            async with self.transport.stream(self.system, self.caller, part) as items:
                async for data in items:
                    for chunk in cutter.feed(data):
                        self.offset = chunk.next_offset
                        yield chunk
        except FirecrestError as error:
            if not error.retryable or isinstance(error, Overloaded):
                raise
            await asyncio.sleep(FIRST_PAUSE)
            return
        for chunk in cutter.flush():
            self.offset = chunk.next_offset
            yield chunk
        if self.offset < end and generation == self.shared.generation:
            self.shared.look_again()
            await asyncio.sleep(FIRST_PAUSE)

    async def _look(self) -> Reach:
        return await self.transport.run(self.system, self.caller, Extent(self.path))
