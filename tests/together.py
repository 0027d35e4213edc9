"""Much to do at the same time, but not all at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

H = TypeVar("H")
T = TypeVar("T")


async def shared(hands: Iterable[H], values: Iterable[T], act: Callable[[H, T], Awaitable[object]]) -> None:
    """Each hand takes the next value, one after the other, until none is left; the first failure ends all."""
    left = iter(values)

    async def work(hand: H) -> None:
        for value in left:
            await act(hand, value)

    async with asyncio.TaskGroup() as group:
        for hand in hands:
            group.create_task(work(hand))
