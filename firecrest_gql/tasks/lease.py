"""Who is on a task: one worker at a time, for as long as it says so."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.tasks import keys, scripts
from firecrest_gql.tasks.connection import redis_answers

BEATS = 5  # in the life of a lease
MARGIN = 0.8  # of its life, after which its holder lets go: in the rest the work comes to its end


class LeaseLost(Exception):
    """The holder could not say in time that it is still there: another may be on the task soon."""


class Leases:
    """The right to work on a task, which lapses `seconds` after its holder's last word."""

    def __init__(self, redis: Redis, seconds: float) -> None:
        self._redis = redis
        self._seconds = seconds
        self._take = redis.register_script(scripts.TAKE)
        self._release = redis.register_script(scripts.RELEASE)

    async def hold(self, task_id: str, work: Callable[[str], Awaitable[None]]) -> None:
        """Do the work, which is given the owner's token, unless another is on the task; cancel it if the lease is lost.

        `TasksUnavailable` where Redis does not answer at the beginning; then nothing has been done.
        """
        token = secrets.token_hex(16)
        if not await self._owned(task_id, token):
            return
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keep(task_id, token))
                await work(token)
                keeper.cancel()
        except* LeaseLost:
            pass  # whoever is next begins anew
        finally:
            await self._let_go(task_id, token)

    async def _owned(self, task_id: str, token: str) -> bool:
        with redis_answers():
            return bool(await self._take(keys=[keys.owner(task_id)], args=[token, int(self._seconds * 1000)]))

    async def _keep(self, task_id: str, token: str) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + self._seconds * MARGIN
        while True:
            await asyncio.sleep(min(self._seconds / BEATS, end - clock()))
            said = clock()
            if said >= end or not await self._said(task_id, token, end):
                raise LeaseLost
            end = said + self._seconds * MARGIN

    async def _said(self, task_id: str, token: str, end: float) -> bool:
        """Whether the task is still ours; asked until Redis answers or the time is over."""
        try:
            async with asyncio.timeout_at(end):
                while True:
                    try:
                        return await self._owned(task_id, token)
                    except TasksUnavailable:
                        await asyncio.sleep(self._seconds / BEATS)
        except TimeoutError:
            return False

    async def _let_go(self, task_id: str, token: str) -> None:
        try:
            with redis_answers():
                await self._release(keys=[keys.owner(task_id)], args=[token])
        except TasksUnavailable:
            return  # it lapses
