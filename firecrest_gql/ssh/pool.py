"""Connections that stay open for several commands of one user: below MaxSessions, never beyond their certificate."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

import asyncssh

MAX_SESSIONS = 8  # at once on a connection; OpenSSH's MaxSessions is 10
IDLE_SECONDS = 60


@dataclass(eq=False)
class Pooled:
    """One open connection and how much it carries; `expires_at` in seconds since the epoch."""

    connection: asyncssh.SSHClientConnection
    expires_at: float
    capacity: int = MAX_SESSIONS
    sessions: int = 0
    idle: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def closed(self) -> bool:
        """Whether the connection has been closed or lost."""
        return bool(self.connection.is_closed())

    def has_room(self, until: float) -> bool:
        """Whether one more command, which may take until then, fits on it."""
        return not self.closed and self.sessions < self.capacity and until < self.expires_at


Open = Callable[[], Awaitable[Pooled]]


class Pool:
    """Connections by key, which is a user on a system."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, list[Pooled]] = {}
        self._opening: dict[Hashable, asyncio.Task[Pooled]] = {}
        self._capacity: dict[Hashable, int] = {}

    async def take(self, key: Hashable, until: float, open_one: Open) -> Pooled:
        """A connection with room, opened if need be; those who wait for the same one share its failure."""
        while (found := self._find(key, until)) is None:
            if key not in self._opening:
                self._opening[key] = asyncio.create_task(self._open(key, open_one))
            fresh = await asyncio.shield(self._opening[key])
            if fresh.sessions == 0 and not fresh.closed:
                found = fresh  # the first to come has it, however long its command may take
                break
        found.sessions += 1
        if found.idle is not None:
            found.idle.cancel()
        return found

    def give_back(self, key: Hashable, pooled: Pooled) -> None:
        """One command on it has ended; without any it is closed after a while."""
        pooled.sessions -= 1
        if pooled.sessions == 0:
            self._rest(key, pooled)

    def refused(self, key: Hashable, pooled: Pooled) -> None:
        """The server opened no further session on it: its MaxSessions is lower than ours, here and on the next."""
        if not pooled.closed:
            pooled.capacity = min(pooled.capacity, pooled.sessions - 1)
            self._capacity[key] = max(1, pooled.capacity)
        self.give_back(key, pooled)

    def retire(self, key: Hashable, pooled: Pooled) -> None:
        """No further command goes on it; it is closed when those on it have ended."""
        pooled.capacity = 0
        self.give_back(key, pooled)

    async def aclose(self) -> None:
        """Close all of them at once."""
        for task in self._opening.values():
            task.cancel()
        for key, kept in [*self._kept.items()]:
            for pooled in [*kept]:
                self._discard(key, pooled)

    def _find(self, key: Hashable, until: float) -> Pooled | None:
        for pooled in tuple(self._kept.get(key, [])):
            if pooled.closed:
                self._discard(key, pooled)
            elif pooled.has_room(until):
                return pooled
        return None

    async def _open(self, key: Hashable, open_one: Open) -> Pooled:
        try:
            pooled = await open_one()
        finally:
            del self._opening[key]
        pooled.capacity = self._capacity.get(key, MAX_SESSIONS)
        self._kept.setdefault(key, []).append(pooled)
        self._rest(key, pooled)
        if pooled.expires_at < float("inf"):
            # sshd lets a session outlive its certificate; we do not.
            left = max(0, pooled.expires_at - time.time())
            asyncio.get_running_loop().call_later(left, self._discard, key, pooled)
        return pooled

    def _rest(self, key: Hashable, pooled: Pooled) -> None:
        pooled.idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._discard, key, pooled)

    def _discard(self, key: Hashable, pooled: Pooled) -> None:
        pooled.connection.close()
        kept = self._kept.get(key, [])
        if pooled in kept:
            kept.remove(pooled)
        if not kept:
            self._kept.pop(key, None)
