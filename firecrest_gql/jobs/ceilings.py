"""How many programs ask a system's scheduler and accounting, per second and at once, of all replicas."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from time import monotonic

from redis.asyncio import Redis

from firecrest_gql.command import Load
from firecrest_gql.errors import Overloaded
from firecrest_gql.jobs.leases import Ceiling, Leases
from firecrest_gql.settings import SystemSettings


def ceiling(system: SystemSettings, load: Load) -> Ceiling:
    """What the site allows."""
    scheduler = system.scheduler
    if load is Load.ACCOUNTING:
        return Ceiling(scheduler.accounting_per_second, scheduler.accounting_at_once)
    return Ceiling(scheduler.commands_per_second, scheduler.commands_at_once)


def parts(system: SystemSettings, loads: Mapping[Load, int], job_ids: Sequence[str]) -> list[Sequence[str]]:
    """The ids of a command with these loads, in so many parts that none starts more programs than may come together."""
    counts = (ceil(programs / int(ceiling(system, load).burst)) for load, programs in loads.items())
    many = min(len(job_ids), max(counts, default=1))
    return [job_ids[number::many] for number in range(many)]


class Ceilings:
    """The gates of all systems, each made at its first use."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._gates: dict[tuple[str, Load], Gate] = {}

    def place(self, system: SystemSettings, load: Load, programs: int = 1) -> AbstractAsyncContextManager[None]:
        """Hold a place while a command runs so many programs; `Overloaded` where that takes over `queue_seconds`."""
        key = (system.name, load)
        if key not in self._gates:
            bound = ceiling(system, load)
            self._gates[key] = Gate(Leases(self._redis, f"{system.name}:{load}", bound), bound)
        told = f"too much is asked of the {load} of {system.name}"
        return self._gates[key].place(system.limits.queue_seconds, told, programs)


@dataclass
class Bucket:
    """This process's own bound on the rate, for the time when Redis does not answer."""

    bound: Ceiling
    left: float = field(init=False)
    at: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self.left = self.bound.burst

    def take(self, count: int) -> float:
        """0: so many are taken; else the seconds after which to ask again."""
        now = monotonic()
        self.left = min(self.bound.burst, self.left + (now - self.at) * self.bound.per_second)
        self.at = now
        if self.left < count:
            return (count - self.left) / self.bound.per_second
        self.left -= count
        return 0


class Gate:
    """One ceiling: those of this process wait in order, and the first of them asks for the place among all replicas.

    Who starts more programs than may come together waits for them by instalments, and lets others go between two.
    """

    def __init__(self, leases: Leases, bound: Ceiling) -> None:
        self._leases = leases
        self._bound = bound
        self._places = asyncio.Semaphore(bound.at_once)
        self._first = asyncio.Lock()
        self._bucket = Bucket(bound)

    @asynccontextmanager
    async def place(self, seconds: float, told: str, programs: int = 1) -> AsyncIterator[None]:
        """Hold one of the places, granted to start so many programs within so many seconds."""
        token = self._leases.token()
        try:
            async with asyncio.timeout(seconds):
                await self._enter(token, programs)
        except TimeoutError:
            said = f"{self._bound.per_second:g} programs a second and {self._bound.at_once} at once"
            raise Overloaded(f"{told}: {said} are allowed; try again soon", retry_after=1) from None
        keeper = asyncio.create_task(self._leases.keep(token))
        try:
            yield
        finally:
            keeper.cancel()
            await self._leave(token)

    async def _enter(self, token: str, programs: int) -> None:
        await self._places.acquire()
        try:
            while programs > 0:
                async with self._first:
                    part = min(programs, int(self._bound.burst))
                    while wait := await self._ask(token, part):  # noqa: ASYNC110 - Redis says when
                        await asyncio.sleep(wait)
                    programs -= part
        except BaseException:
            await self._leave(token)
            raise

    async def _ask(self, token: str, programs: int) -> float:
        wait = await self._leases.take(token, programs)
        return self._bucket.take(programs) if wait is None else wait

    async def _leave(self, token: str) -> None:
        self._places.release()
        await self._leases.give_back(token)
