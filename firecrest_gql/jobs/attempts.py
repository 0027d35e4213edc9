"""Whether an act that must not happen twice was begun before, and whether that earlier attempt is over."""

from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import Cancelled, CommandFailed, DelegationUnavailable, Overloaded, Unreached
from firecrest_gql.tasks import keys
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.store import BY_USER

KEPT_SECONDS = 7 * 86_400

NOTHING_DONE = (DelegationUnavailable, Overloaded, Unreached)
"""After these errors it is sure that no command has run."""


class Attempts:
    """Marks in Redis, set before an act begins, which outlive the worker."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, task_id: str) -> datetime | None:
        """Mark that an attempt begins; since when an earlier one may have done it, None: there was none.

        Raises `Cancelled` where that was wanted before.
        """
        with redis_answers():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(keys.begun(task_id), _now(), nx=True, ex=KEPT_SECONDS)
                pipe.get(keys.begun(task_id))
                pipe.exists(keys.cancel(task_id))
                first, since, cancelled = await pipe.execute()
        if cancelled:
            # The wish is refused once the mark is there: so it came first, and no attempt has done anything.
            raise Cancelled(BY_USER)
        return None if first else datetime.fromisoformat(since.decode())

    async def begun(self, task_id: str) -> bool:
        """Whether an earlier attempt may have done it."""
        with redis_answers():
            return bool(await self._redis.exists(keys.begun(task_id)))

    async def forget(self, task_id: str) -> None:
        """Take the mark away: this attempt has come to nothing, and no other was begun."""
        with redis_answers():
            await self._redis.delete(keys.begun(task_id))

    async def begin_anew(self, task_id: str) -> None:
        """Mark that all earlier attempts have come to nothing and that one begins now."""
        with redis_answers():
            await self._redis.set(keys.begun(task_id), _now(), ex=KEPT_SECONDS)


def _now() -> str:
    return datetime.now(UTC).isoformat()


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
