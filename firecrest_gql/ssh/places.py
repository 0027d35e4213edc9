"""How many remote commands of one user run at once on one system; the others wait in a bounded queue."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from firecrest_gql.errors import Overloaded


@dataclass
class _Queue:
    places: asyncio.Semaphore
    waiting: int = 0
    users: int = field(default=0)


class Places:
    """Places by key, each key's made at first use and forgotten when the last has left."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, _Queue] = {}

    @asynccontextmanager
    async def place(self, key: Hashable, size: int, queued: int, seconds: float, told: str) -> AsyncIterator[None]:
        """Hold one of `size` places; `Overloaded` where `queued` wait already, or after `seconds` of waiting."""
        queue = self._queues.setdefault(key, _Queue(asyncio.Semaphore(size)))
        queue.users += 1
        try:
            await _enter(queue, queued, seconds, f"{told}: {size} run at once")
            try:
                yield
            finally:
                queue.places.release()
        finally:
            queue.users -= 1
            if queue.users == 0:
                del self._queues[key]


async def _enter(queue: _Queue, queued: int, seconds: float, told: str) -> None:
    if queue.places.locked() and queue.waiting >= queued:
        raise Overloaded(f"{told} and {queue.waiting} wait: try again soon", retry_after=1)
    queue.waiting += 1
    try:
        async with asyncio.timeout(seconds):
            await queue.places.acquire()
    except TimeoutError:
        raise Overloaded(f"{told}, and none ended within {seconds:g} s: try again soon", retry_after=1) from None
    finally:
        queue.waiting -= 1
