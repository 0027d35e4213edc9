"""Follows one file on one system through truncation, replacement and lost connections."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from firecrest_gql.errors import FirecrestError, Overloaded
from firecrest_gql.jobs.cutting import Cutter
from firecrest_gql.jobs.ports import Reaches
from firecrest_gql.jobs.tail import Replaced, Size, Tail
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import OutputChunk
from firecrest_gql.settings import SystemSettings

SILENCE_SECONDS = 5.0
"""Once nobody writes any more, how long nothing may come of what is still missing before all is looked at again."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds until a system that has gone away is tried again."""

END = b""


@dataclass(frozen=True)
class Follower:
    """One file, read as one caller; `ended` is done once nobody writes any more, or raises why nobody can tell."""

    transport: Reaches
    system: SystemSettings
    caller: Caller
    path: str
    ended: asyncio.Future[None]

    async def chunks(self, offset: int) -> AsyncGenerator[OutputChunk, None]:
        """Each byte from `offset` on, once, until the end; raises where the first look at the file fails."""
        cutter, pause = Cutter(offset), FIRST_PAUSE
        looked: tuple[bool, int] | None = await self._look()
        while True:
            try:
                over, size = looked or await self._look()
                looked = None
                if over and cutter.position == size:
                    break
                if cutter.position > size:
                    yield cutter.reset()
                async with aclosing(self._bytes(cutter)) as pieces:
                    async for data in pieces:
                        pause = FIRST_PAUSE
                        for chunk in cutter.feed(data):
                            yield chunk
            except Replaced:
                looked = False, -1
            except FirecrestError as error:
                if not error.retryable or isinstance(error, Overloaded):
                    raise
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        for chunk in cutter.flush():
            yield chunk

    async def _look(self) -> tuple[bool, int]:
        """Whether nobody wrote any more, and then the file's size: in this order, so that nothing is missed."""
        over = self._over()
        return over, await self.transport.run(self.system, self.caller, Size(self.path)) or 0

    def _over(self) -> bool:
        if self.ended.done():
            self.ended.result()
        return self.ended.done()

    async def _bytes(self, cutter: Cutter) -> AsyncGenerator[bytes, None]:
        """The file's bytes from the cutter's position on, until all are there or, at the end, none come."""
        tail = Tail(self.path, cutter.position)
        async with self.transport.stream(self.system, self.caller, tail) as items:
            coming: asyncio.Task[bytes] | None = None
            final: int | None = None
            try:
                while final is None or cutter.position < final:
                    coming = coming or asyncio.create_task(_next(items))
                    if not self._over():
                        await _either(coming, self.ended)
                    elif final is None:
                        _, final = await self._look()
                    elif not (await asyncio.wait({coming}, timeout=SILENCE_SECONDS))[0]:
                        return
                    if coming.done():
                        data, coming = coming.result(), None
                        if data == END:
                            return
                        yield data
            finally:
                if coming is not None:
                    coming.cancel()
                    await asyncio.wait([coming])


async def _either(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def _next(items: AsyncIterator[bytes]) -> bytes:
    return await anext(items, END)
