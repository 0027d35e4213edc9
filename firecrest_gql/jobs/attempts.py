"""Whether an act that must not happen twice was begun before, and whether that earlier attempt is over."""

from dataclasses import dataclass

from redis.asyncio import Redis

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import CommandFailed
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.keys import PREFIX

KEPT_SECONDS = 7 * 86_400


class Attempts:
    """Marks in Redis, set before an act begins, which outlive the worker."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, task_id: str) -> bool:
        """Mark that an attempt begins; whether an earlier one did."""
        with redis_answers():
            first = await self._redis.set(f"{PREFIX}attempt:{task_id}", "1", nx=True, ex=KEPT_SECONDS)
        return not first


@dataclass(frozen=True, slots=True)
class StillRuns(Command[bool]):
    """Whether a process of the caller's carries the key in its arguments, as the command of an earlier attempt does.

    The key stands not in this command's own arguments, so it does not find itself.
    """

    key: str

    @property
    def argv(self) -> list[str]:
        """Every process of the same user, its arguments uncut: procps' own options, for POSIX has none."""
        return ["ps", "xww", "-o", "args="]

    def parse(self, result: Result) -> bool:
        """Look for the key; raises `CommandFailed` where the list cannot be had."""
        if result.exit_status != 0:
            raise CommandFailed("the system does not list the caller's processes")
        return self.key.encode() in result.stdout
