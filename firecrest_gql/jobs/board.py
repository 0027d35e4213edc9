"""What all replicas share about one watch, in Redis: whose turn it is to look, the last look, and what changed."""

import asyncio
import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, cast

from redis.asyncio import Redis

from firecrest_gql.jobs.board_scripts import HASTEN, KEEP, RELEASE, TELL
from firecrest_gql.jobs.changes import Changes
from firecrest_gql.jobs.codec import dump_job, load_job
from firecrest_gql.model.jobs import Job
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.keys import PREFIX

KEPT_SECONDS = 3600
TURN_SECONDS = 5
EVENTS_KEPT = 20_000
ATTENTIVE_LOOKS = 15
SHORTEST_PERIOD = 1.0
"""Seconds from the beginning of a look to that of the next one, while something changes; never less."""
START = "0-0"


@dataclass(frozen=True, slots=True)
class Look:
    """The last look: how many there were, its age in seconds (None: there was none), how it failed ("": it did not).

    `sought`: the ids of jobs that it has not seen, and whose end is looked for.
    """

    number: int
    age: float | None
    quiet: int
    error: str
    sought: frozenset[str] = frozenset()


class Board:
    """One watch's keys; `TasksUnavailable` from any method where Redis does not answer."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self.bell = f"{PREFIX}watch:{name}:bell"
        self._turn, self._jobs, self._events, self._look = (
            f"{PREFIX}watch:{name}:{part}" for part in ("turn", "jobs", "events", "look")
        )
        self._keep, self._release, self._tell, self._hasten = (
            redis.register_script(text) for text in (KEEP, RELEASE, TELL, HASTEN)
        )

    async def take(self, token: str) -> float:
        """Take the turn: 0 where it is now the token's, else the seconds after which to try again."""
        with redis_answers():
            if await self._redis.set(self._turn, token, nx=True, px=TURN_SECONDS * 1000):
                return 0
            return max(0.001, int(await self._redis.pttl(self._turn)) / 1000)

    async def keep(self, token: str) -> bool:
        """Hold on to the turn for some seconds more; whether it is still ours."""
        with redis_answers():
            return bool(await self._keep(keys=[self._turn], args=[token, TURN_SECONDS * 1000]))

    async def release(self, token: str, rest: float) -> None:
        """Give the turn back without a look, after a rest in seconds."""
        with redis_answers():
            await self._release(keys=[self._turn, self._look], args=[token, int(rest * 1000), KEPT_SECONDS])

    async def tell(
        self, token: str, period: float, quiet: int, told: Changes, error: str = "", took: float = 0
    ) -> bool:
        """Publish a look and end the turn; False where the turn was lost meanwhile.

        `period`: the seconds from the beginning of this look, which `took` so long, to that of the next one.
        """
        jobs = await asyncio.to_thread(_written, told)
        rests = (rest(period, took), rest(min(period, SHORTEST_PERIOD), took))
        sought = json.dumps([*told.sought])
        how: list[Any] = [token, *rests, quiet, int(took * 1000), error, sought, self.bell, KEPT_SECONDS, EVENTS_KEPT]
        with redis_answers():
            keys = [self._turn, self._jobs, self._events, self._look]
            return bool(await self._tell(keys=keys, args=[*how, *jobs]))

    async def hasten(self) -> None:
        """Ask for a look soon: as soon as the shortest period since the beginning of the last one is over."""
        with redis_answers():
            await self._hasten(keys=[self._turn, self._look], args=[int(SHORTEST_PERIOD * 1000), self.bell])

    async def read(self) -> tuple[dict[str, Job], str]:
        """All jobs of the last look, and the cursor behind what led to it."""
        with redis_answers():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hgetall(self._jobs)
                pipe.xrevrange(self._events, count=1)
                held, last = await pipe.execute()
        jobs = await asyncio.to_thread(_read, held)
        return jobs, last[0][0].decode() if last else START

    async def has(self, job_id: str) -> bool:
        """Whether the last look showed this job, whosever it is."""
        with redis_answers():
            return bool(await cast("Awaitable[int]", self._redis.hexists(self._jobs, job_id)))

    async def look(self) -> Look:
        """How the last look went."""
        with redis_answers():
            fields = await cast("Awaitable[Mapping[bytes, bytes]]", self._redis.hgetall(self._look))
            seconds, microseconds = await self._redis.time()
        at = fields.get(b"at")
        age = None if at is None else seconds + microseconds / 1e6 - int(at) / 1000
        return Look(
            number=int(fields.get(b"number", 0)),
            age=age,
            quiet=int(fields.get(b"quiet", 0)),
            error=fields.get(b"error", b"").decode(),
            sought=frozenset(json.loads(fields.get(b"sought", b"[]"))),
        )

    async def after(self, cursor: str) -> tuple[Sequence[tuple[Job, bool]], str] | None:
        """Jobs that changed (False) or are removed (True) behind the cursor, and the new one; None: some are lost."""
        with redis_answers():
            entries: list[Any] = await self._redis.xrange(self._events, min=cursor)
        if cursor != START:
            if not entries or entries[0][0].decode() != cursor:
                return None
            entries = entries[1:]
        told = await asyncio.to_thread(_events, [values for _, values in entries])
        return told, entries[-1][0].decode() if entries else cursor


# In threads: of ten thousand jobs these take hundreds of milliseconds.


def _written(told: Changes) -> list[str | int]:
    jobs = [part for job in told.changed for part in (job.job_id, dump_job(job), 0)]
    return [*jobs, *(part for job in told.removed for part in (job.job_id, dump_job(job), 1))]


def _read(held: Mapping[bytes, bytes]) -> dict[str, Job]:
    return {job_id.decode(): load_job(text) for job_id, text in held.items()}


def _events(entries: Sequence[Mapping[bytes, bytes]]) -> list[tuple[Job, bool]]:
    return [(load_job(values[b"job"]), values[b"removed"] == b"1") for values in entries]


def rest(period: float, took: float) -> int:
    """Milliseconds from the end of a look to the next; a slow scheduler has some rest, too."""
    return max(1, ceil(1000 * max(period - took, took / 4)))


def board_name(system: SystemSettings, username: str) -> str:
    """Of the watch that tells this user: one for all where a service account looks, else the user's own."""
    return f"{system.name}:{'*' if system.service_account is not None else username}"


async def hasten(redis: Redis, system: SystemSettings, username: str) -> None:
    """Have the watch that tells this user look soon, if there is one."""
    await Board(redis, board_name(system, username)).hasten()


def pace(quiet: int, shortest: float = SHORTEST_PERIOD, longest: float = 10) -> float:
    """The period, in seconds, after so many looks that saw nothing change; the first of them slow nothing down."""
    return float(min(longest, shortest * 1.3 ** min(max(0, quiet - ATTENTIVE_LOOKS), 50)))
