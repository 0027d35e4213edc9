"""One watch in this process: takes its turns at looking, and mirrors what all replicas' looks have shown."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from time import monotonic

from broadcaster import Broadcast

from firecrest_gql.errors import FirecrestError, Forbidden, SystemUnavailable, TasksUnavailable, Unauthenticated
from firecrest_gql.jobs.board import SHORTEST_PERIOD, TURN_SECONDS, Board, pace
from firecrest_gql.jobs.changes import Changes
from firecrest_gql.jobs.looking import Looking
from firecrest_gql.jobs.mirror import Mirror, Told
from firecrest_gql.model.identity import Caller

logger = logging.getLogger(__name__)

FRESH_SECONDS = 15
FIRST_LOOK_SECONDS = 60
GLANCE_SECONDS = 15
RETRY_SECONDS = 1


class Watch:
    """Runs while somebody in this process is told of it; `caller` is whoever may look, the latest to have joined."""

    def __init__(self, looking: Looking, board: Board, broadcast: Broadcast, caller: Caller) -> None:
        self.caller = caller
        self.mirror = Mirror(board)
        self._looking = looking
        self._board = board
        self._broadcast = broadcast
        self._token = secrets.token_hex(8)
        self._refusal: FirecrestError | None = None
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Look when it is our turn, and read what any replica's look has shown; never ends."""
        async with self._broadcast.subscribe(self._board.bell) as rings, asyncio.TaskGroup() as group:
            rung = asyncio.Event()
            group.create_task(_hear(rings.get, rung, self._hurry))
            group.create_task(self._patiently(self._take_turn))
            await self._patiently(lambda: self._read(rung))

    async def joined(self, caller: Caller) -> None:
        """One more is told: returns once a fresh look is known, raises where there is none."""
        self.caller, self._refusal = caller, None
        await self._board.hasten()
        self._hurry.set()
        try:
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await self._first_look()
        except TimeoutError:
            raise SystemUnavailable(f"the jobs of {self._looking.system.name} could not be read; try again") from None

    async def told(self, position: int) -> AsyncIterator[Told]:
        """Each change behind this position; raises where nobody here may look any more."""
        async for told in self.mirror.told(position, self._check):
            yield told

    async def _first_look(self) -> None:
        while self.mirror.look is None:
            await self.mirror.news()
        before = self.mirror.look.number
        while (age := self.mirror.age) is None or age > FRESH_SECONDS or self.mirror.look.error:
            self._check()
            if self.mirror.look.error and self.mirror.look.number > before:
                raise SystemUnavailable(self.mirror.look.error)
            await self.mirror.news()

    def end(self, error: FirecrestError) -> None:
        """Nobody can be told any more: whoever waits gets the error."""
        self._refusal = error
        self.mirror.wake()

    def _check(self) -> None:
        if self._refusal:
            raise self._refusal

    async def _patiently(self, act: Callable[[], Awaitable[None]]) -> None:
        """Again and again, whatever Redis does meanwhile."""
        while True:
            try:
                await act()
            except TasksUnavailable as error:
                logger.warning("the watch of %s waits: %s", self._looking.system.name, error.message)
                await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, rung: asyncio.Event) -> None:
        rung.clear()
        await self.mirror.refresh()
        await _wait(rung, GLANCE_SECONDS)

    async def _take_turn(self) -> None:
        self._hurry.clear()
        if wait := await self._board.take(self._token):
            return await _wait(self._hurry, wait)
        await self.mirror.refresh()
        keeper = asyncio.create_task(self._keep_turn())
        try:
            await self._look()
        except asyncio.CancelledError:
            await self._release()
            raise
        finally:
            keeper.cancel()

    async def _keep_turn(self) -> None:
        while True:
            await asyncio.sleep(TURN_SECONDS / 3)
            with suppress(TasksUnavailable):
                await self._board.keep(self._token)

    async def _release(self) -> None:
        """Nobody here is told any more; others need not wait until the turn lapses."""
        with suppress(TasksUnavailable, TimeoutError):
            async with asyncio.timeout(1):
                await self._board.release(self._token, SHORTEST_PERIOD)

    async def _look(self) -> None:
        before, start = dict(self.mirror.jobs), monotonic()  # a copy: a thread reads it
        quiet = self.mirror.look.quiet if self.mirror.look else 0
        try:
            found = await self._looking.look(self.caller, before)
        except FirecrestError as error:
            if isinstance(error, Forbidden | Unauthenticated):
                self._refusal = error
            logger.warning("the jobs of %s cannot be read: %s", self._looking.system.name, error.message)
            unseen = Changes(sought=self.mirror.look.sought if self.mirror.look else frozenset())
            told, quiet, said = unseen, quiet + 2, error.message
        else:
            told, quiet, said = found, 0 if found.states(before) else quiet + 1, ""
        await self._board.tell(self._token, pace(quiet), quiet, told, said, monotonic() - start)


async def _hear(next_ring: Callable[[], Awaitable[object]], *events: asyncio.Event) -> None:
    while True:
        await next_ring()
        for event in events:
            event.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
