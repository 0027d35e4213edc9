"""What all replicas share about one watch, in Redis: whose turn it is to look, the last look, and what changed."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from firecrest_gql.jobs.changes import Changes
from firecrest_gql.jobs.codec import dump_job, load_job
from firecrest_gql.model.jobs import Job
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.keys import PREFIX

KEPT_SECONDS = 3600
TURN_SECONDS = 5
EVENTS_KEPT = 20_000
ATTENTIVE_LOOKS = 15
START = "0-0"

# KEYS: turn. ARGV: token, milliseconds. Whether the turn is still the token's.
_KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: turn. ARGV: token, rest in ms. Ends the turn of one who has not looked.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], 'rest', 'PX', ARGV[2]) end
"""

# KEYS: turn, jobs, events, look. ARGV: token, rest in ms, quiet looks, error, bell, seconds kept, events kept, then
# id, job and 1 for each job that is removed, 0 for each that changed. Only the holder of the turn may tell.
_TELL = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 8, #ARGV, 3 do
  if ARGV[i + 2] == '1' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[7], '*', 'job', ARGV[i + 1], 'removed', ARGV[i + 2])
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[4], 'quiet', ARGV[3], 'error', ARGV[4], 'tried', now[1] * 1000 + math.floor(now[2] / 1000))
if ARGV[4] == '' then redis.call('HSET', KEYS[4], 'at', now[1] * 1000 + math.floor(now[2] / 1000)) end
redis.call('HINCRBY', KEYS[4], 'number', 1)
for i = 2, 4 do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
redis.call('SET', KEYS[1], 'rest', 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[5], '')
return 1
"""

# KEYS: turn, look. ARGV: the shortest rest in ms. A rest is cut to what is left of the shortest one.
_HASTEN = """
redis.call('HSET', KEYS[2], 'quiet', 0)
if redis.call('GET', KEYS[1]) ~= 'rest' then return 0 end
local now = redis.call('TIME')
local rested = now[1] * 1000 + math.floor(now[2] / 1000) - (redis.call('HGET', KEYS[2], 'tried') or 0)
local left = math.max(1, ARGV[1] - rested)
if redis.call('PTTL', KEYS[1]) > left then redis.call('PEXPIRE', KEYS[1], left) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Look:
    """The last look: how many there were, its age in seconds (None: there was none), how it failed ("": it did not)."""

    number: int
    age: float | None
    quiet: int
    error: str


class Board:
    """One watch's keys; `TasksUnavailable` from any method where Redis does not answer."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self.bell = f"{PREFIX}watch:{name}:bell"
        self._turn, self._jobs, self._events, self._look = (
            f"{PREFIX}watch:{name}:{part}" for part in ("turn", "jobs", "events", "look")
        )
        self._keep, self._release, self._tell, self._hasten = (
            redis.register_script(text) for text in (_KEEP, _RELEASE, _TELL, _HASTEN)
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
            await self._release(keys=[self._turn], args=[token, int(rest * 1000)])

    async def tell(self, token: str, rest: float, quiet: int, told: Changes, error: str = "") -> bool:
        """Publish a look and end the turn with a rest, in seconds; False where the turn was lost meanwhile."""
        jobs = [part for job in told.changed for part in (job.job_id, dump_job(job), 0)]
        gone = [part for job in told.removed for part in (job.job_id, dump_job(job), 1)]
        head: list[Any] = [token, int(rest * 1000), quiet, error, self.bell, KEPT_SECONDS, EVENTS_KEPT]
        with redis_answers():
            keys = [self._turn, self._jobs, self._events, self._look]
            return bool(await self._tell(keys=keys, args=[*head, *jobs, *gone]))

    async def hasten(self, shortest_rest: float) -> None:
        """Ask for a look soon, but not before this rest, in seconds, is over."""
        with redis_answers():
            await self._hasten(keys=[self._turn, self._look], args=[int(shortest_rest * 1000)])

    async def read(self) -> tuple[dict[str, Job], str]:
        """All jobs of the last look, and the cursor behind what led to it."""
        with redis_answers():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hgetall(self._jobs)
                pipe.xrevrange(self._events, count=1)
                held, last = await pipe.execute()
        jobs = {job_id.decode(): load_job(text) for job_id, text in held.items()}
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
            int(fields.get(b"number", 0)), age, int(fields.get(b"quiet", 0)), fields.get(b"error", b"").decode()
        )

    async def after(self, cursor: str) -> tuple[Sequence[tuple[Job, bool]], str] | None:
        """Jobs that changed (False) or are removed (True) behind the cursor, and the new one; None: some are lost."""
        with redis_answers():
            entries: list[Any] = await self._redis.xrange(self._events, min=cursor)
        if cursor != START:
            if not entries or entries[0][0].decode() != cursor:
                return None
            entries = entries[1:]
        told = [(load_job(values[b"job"]), values[b"removed"] == b"1") for _, values in entries]
        return told, entries[-1][0].decode() if entries else cursor


def pace(quiet: int, shortest: float = 1, longest: float = 10) -> float:
    """Seconds of rest after so many looks that saw nothing change; the first of them slow nothing down."""
    return float(min(longest, shortest * 1.3 ** min(max(0, quiet - ATTENTIVE_LOOKS), 50)))
