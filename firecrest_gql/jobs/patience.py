"""How long work is tried again while a system, the signer or Redis is away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from firecrest_gql.errors import FirecrestError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Tries again after ever longer pauses, all in seconds."""

    seconds: float = 3600
    first_pause: float = 0.5
    longest_pause: float = 15

    async def keep(self, act: Callable[[], Awaitable[T]]) -> T:
        """The act's answer; raises its error where that is final, or the last one when patience is over."""
        deadline, pause = monotonic() + self.seconds, self.first_pause
        while True:
            try:
                return await act()
            except FirecrestError as error:
                if not error.retryable or monotonic() + pause > deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, self.longest_pause)
