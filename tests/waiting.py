"""Waiting for what must come: a condition is asked until it holds, and a generous deadline ends a hang."""

import asyncio
from collections.abc import Awaitable, Callable

PAUSE = 0.05


async def until(condition: Callable[[], Awaitable[object] | object], *, seconds: float = 60, what: str = "") -> None:
    """Ask until the condition holds; fail when the time is over."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                if await answer if isinstance(answer, Awaitable) else answer:
                    return
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        raise AssertionError(f"it did not come true within {seconds:g} s: {what or condition}") from None
