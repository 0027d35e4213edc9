"""The road to the systems with the ceilings of their schedulers on it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from firecrest_gql.command import Command, Stream
from firecrest_gql.jobs.ceilings import Ceilings
from firecrest_gql.jobs.ports import Reaches
from firecrest_gql.model.health import ComponentHealth
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

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

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        if command.load is None:
            return await self._road.run(system, caller, command)
        async with self._ceilings.place(system, command.load):
            return await self._road.run(system, caller, command)

    def stream(
        self, system: SystemSettings, caller: Caller, stream: Stream[T]
    ) -> AbstractAsyncContextManager[AsyncIterator[T]]:
        """The stream's items while the context is open."""
        return self._road.stream(system, caller, stream)

    async def probe(self, system: SystemSettings) -> ComponentHealth:
        """As the road finds it."""
        return await self._road.probe(system)
