"""One remote tail for all who follow the same file as the same user, in this process; it ends with the last of them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from firecrest_gql.jobs.follower import Follower
from firecrest_gql.jobs.ports import Reaches
from firecrest_gql.jobs.shared import SharedTail
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import OutputChunk
from firecrest_gql.settings import SystemSettings


class Tails:
    """Follows files as their viewers."""

    def __init__(self, transport: Reaches) -> None:
        self._transport = transport
        self._shared: dict[tuple[str, str, str], SharedTail] = {}

    async def follow(
        self,
        system: SystemSettings,
        caller: Caller,
        path: str,
        offset: int | None = None,
        ended: asyncio.Future[None] | None = None,
    ) -> AsyncGenerator[OutputChunk, None]:
        """Each byte from `offset`, or from the present end, on, once; a reset where the file begins anew.

        Ends when every byte is out after `ended`, which raises where nobody can tell; without it never. Raises where
        the first look at the file fails; a system that goes away later is waited for.
        """
        async with self._joined(system, caller, path) as shared:
            follower = Follower(self._transport, system, caller, path, shared, ended)
            async with aclosing(follower.chunks(offset)) as chunks:
                async for chunk in chunks:
                    yield chunk

    @asynccontextmanager
    async def _joined(self, system: SystemSettings, caller: Caller, path: str) -> AsyncIterator[SharedTail]:
        key = (system.name, caller.username, path)
        shared = self._shared.get(key)
        if shared is None or shared.failure is not None:
            shared = self._shared[key] = SharedTail(self._transport, system, path)
        shared.callers.append(caller)
        try:
            yield shared
        finally:
            shared.callers.remove(caller)
            if not shared.callers:
                if self._shared.get(key) is shared:
                    del self._shared[key]
                await shared.end()
