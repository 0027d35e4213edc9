"""Long lists are answered in slices, between which the other requests have their turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

T = TypeVar("T")

SLICE = 25  # items, whose plain fields take some milliseconds


async def in_slices(items: Sequence[T]) -> AsyncIterator[T]:
    """The items; what is made of a slice of them is one step of the event loop."""
    for index, item in enumerate(items):
        if index % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        yield item
