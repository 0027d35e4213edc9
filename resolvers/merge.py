"""Several streams as one, of which some may fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from firecrest_gql.errors import FirecrestError
from firecrest_gql.jobs.shared import FIRST_PAUSE, LONGEST_PAUSE

T = TypeVar("T")
Begin = Callable[[bool], AsyncIterator[T]]
"""Begins a stream; True: anew, after it has failed."""


async def merged(streams: Sequence[Begin[T]]) -> AsyncIterator[T]:
    """Each stream's items as they come, one at a time; ends when all have ended.

    One that fails is begun again where a retry may help, else left out; raises where all have failed from the
    beginning, or none is left.
    """
    merge: _Merge[T] = _Merge(len(streams))
    pumps = [asyncio.create_task(merge.pump(number, begin)) for number, begin in enumerate(streams)]
    done = asyncio.gather(*pumps)
    try:
        while not done.done() or not merge.items.empty():
            coming = asyncio.ensure_future(merge.items.get())
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


@dataclass
class _Merge(Generic[T]):
    """What the streams have in common: how many there are, who cannot be begun and who is gone, and why."""

    count: int
    items: asyncio.Queue[T] = field(default_factory=lambda: asyncio.Queue(maxsize=1))
    failed: dict[int, FirecrestError] = field(default_factory=dict)
    gone: dict[int, FirecrestError] = field(default_factory=dict)

    async def pump(self, number: int, begin: Begin[T]) -> None:
        """Follow a stream, however often it fails, until it ends or no retry can help."""
        again, pause = False, FIRST_PAUSE
        while True:
            try:
                async for item in begin(again):
                    pause = FIRST_PAUSE
                    await self.items.put(item)
                return None
            except FirecrestError as error:
                if not again:
                    self._note(self.failed, number, error)
                if not error.retryable:
                    return self._note(self.gone, number, error)
            again = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _note(self, failures: dict[int, FirecrestError], number: int, error: FirecrestError) -> None:
        """Raises, of as many failures as there are streams, one that a retry may help against, if there is one."""
        failures[number] = error
        if len(failures) == self.count:
            raise max(failures.values(), key=lambda each: each.retryable)
