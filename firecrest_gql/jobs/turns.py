"""Whose turn it is where only one of a user's works may run at a time, whichever worker does it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis

from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.tasks import keys, scripts
from firecrest_gql.tasks.connection import redis_answers

HELD_SECONDS = 15
"""A turn whose holder has said nothing for so long is over."""


class Turns:
    """One key of each user in Redis; the work of a dead worker, taken up by another, has its turn still."""

    def __init__(self, redis: Redis) -> None:
        self._take = redis.register_script(scripts.TAKE)
        self._release = redis.register_script(scripts.RELEASE)

    @asynccontextmanager
    async def turn(self, subject: str, task_id: str) -> AsyncIterator[bool]:
        """Hold the user's turn; False where another task has it."""
        name = keys.turn(subject)
        if not await self._taken(name, task_id):
            yield False
            return
        keeper = asyncio.create_task(self._keep(name, task_id))
        try:
            yield True
        finally:
            keeper.cancel()
            with suppress(TasksUnavailable), redis_answers():
                await self._release(keys=[name], args=[task_id])

    async def _keep(self, name: str, task_id: str) -> None:
        while True:
            await asyncio.sleep(HELD_SECONDS / 3)
            with suppress(TasksUnavailable):
                await self._taken(name, task_id)

    async def _taken(self, name: str, task_id: str) -> bool:
        with redis_answers():
            return bool(await self._take(keys=[name], args=[task_id, HELD_SECONDS * 1000]))
