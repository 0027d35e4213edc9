"""The road to the systems with the ceilings of their schedulers on it, of which one user has a share."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol, TypeVar

from firecrest_gql.command import Command, Load, Stream
from firecrest_gql.jobs.ceilings import Ceilings, ceiling
from firecrest_gql.jobs.ports import Reaches
from firecrest_gql.model.health import ComponentHealth
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings
from firecrest_gql.ssh.places import Places

SHARE = 3
"""One user has one of so many parts of a ceiling in each process, and at least one place."""

T = TypeVar("T")


class Road(Reaches, Protocol):
    """What reaches systems, and tells whether they can be reached."""

    async def probe(self, system: SystemSettings) -> ComponentHealth:
        """TCP, key exchange and host key of the login nodes."""
        ...


class Bounded:
    """Another road, on which commands that load a scheduler wait for their place."""

    def __init__(self, road: Road, ceilings: Ceilings) -> None:
        self._road = road
        self._ceilings = ceilings
        self._shares = Places()

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        async with AsyncExitStack() as places:
            for load, programs in command.loads.items():
                await places.enter_async_context(self._share(system, caller, load))
                await places.enter_async_context(self._ceilings.place(system, load, programs))
            if command.lingers:
                await places.aclose()
            return await self._road.run(system, caller, command)

    def stream(
        self, system: SystemSettings, caller: Caller, stream: Stream[T]
    ) -> AbstractAsyncContextManager[AsyncIterator[T]]:
        """The stream's items while the context is open."""
        return self._road.stream(system, caller, stream)

    async def probe(self, system: SystemSettings) -> ComponentHealth:
        """As the road finds it."""
        return await self._road.probe(system)

    def _share(self, system: SystemSettings, caller: Caller, load: Load) -> AbstractAsyncContextManager[None]:
        """One of the user's own places before one of everybody's: who fills the line is the only one to wait in it."""
        limits, size = system.limits, max(1, ceiling(system, load).at_once // SHARE)
        told = f"{caller.username} asks too much of the {load} of {system.name}"
        key = (system.name, load, caller.username)
        return self._shares.place(key, size, limits.queued_per_user, limits.queue_seconds, told)
