"""Several acts at the same time, but not all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(act: Callable[[T], Awaitable[object]], values: Iterable[T], *, most: int) -> None:
    """Act once on each value, at most so many at once; the first failure ends all."""
    left = iter(values)

    async def one_after_the_other() -> None:
        for value in left:
            await act(value)

    async with asyncio.TaskGroup() as group:
        for _ in range(most):
            group.create_task(one_after_the_other())
