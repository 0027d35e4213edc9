"""Several streams as one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

T = TypeVar("T")


async def merged(streams: Sequence[AsyncIterator[T]]) -> AsyncIterator[T]:
    """Each stream's items as they come, one at a time; ends when all have ended, fails with the first that fails."""
    items: asyncio.Queue[T] = asyncio.Queue(maxsize=1)
    pumps = [asyncio.create_task(_pump(stream, items)) for stream in streams]
    done = asyncio.gather(*pumps)
    try:
        while not done.done() or not items.empty():
            coming = asyncio.ensure_future(items.get())
            try:
                await asyncio.wait({coming, done}, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
                if coming.done():
                    yield coming.result()
            finally:
                coming.cancel()
        await done
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(done, *pumps, return_exceptions=True)


async def _pump(stream: AsyncIterator[T], items: asyncio.Queue[T]) -> None:
    async for item in stream:
        await items.put(item)
