"""Places under a ceiling that all replicas share, in Redis: whoever is killed with one loses it in time."""

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from redis.asyncio import Redis

from firecrest_gql.errors import TasksUnavailable
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.keys import PREFIX

logger = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
"""After which a place whose holder is silent is free: so long a command may outlive the process that sent it."""

REDIS_SECONDS, DOWN_SECONDS = 1.0, 5.0
"""How long Redis is waited for, and then left alone."""

# KEYS: bucket, leases. ARGV: token, per second, burst, at once, lease in ms, count. 0: granted; else the milliseconds
# after which to ask again. Whoever has a place keeps it, and takes but what it starts more.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local held = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not held and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 50 end
local rate, burst, count = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local was = redis.call('HMGET', KEYS[1], 'left', 'at')
local passed = math.max(0, now - (tonumber(was[2]) or now))
local left = math.min(burst, (tonumber(was[1]) or burst) + passed * rate / 1000)
if left < count then return math.ceil((count - left) * 1000 / rate) end
redis.call('HSET', KEYS[1], 'left', tostring(left - count), 'at', now)
redis.call('PEXPIRE', KEYS[1], 60000 + math.ceil(burst * 1000 / rate))
redis.call('ZADD', KEYS[2], now + ARGV[5], ARGV[1])
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[5])
return 0
"""

# KEYS: leases. ARGV: token, lease in ms.
_KEEP = """
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
"""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The bound on one kind of load; as many as a second allows may come together."""

    per_second: float
    at_once: int

    @property
    def burst(self) -> float:
        """How many may come at the same moment."""
        return max(1.0, self.per_second)


class Leases:
    """The places and the token bucket of one ceiling."""

    def __init__(self, redis: Redis, name: str, bound: Ceiling) -> None:
        self._redis = redis
        self._bound = bound
        self._keys = [f"{PREFIX}ceiling:{name}:{part}" for part in ("bucket", "leases")]
        self._take, self._keep = redis.register_script(_TAKE), redis.register_script(_KEEP)
        self._down_until = 0.0

    def token(self) -> str:
        """What stands for one holder."""
        return secrets.token_hex(8)

    async def take(self, token: str, count: int) -> float | None:
        """0: a place, and so many of the rate; else the seconds until it is asked again; None: Redis is silent."""
        if monotonic() < self._down_until:
            return None
        bound = self._bound
        lease = int(LEASE_SECONDS * 1000)
        args: list[str | float] = [token, bound.per_second, bound.burst, bound.at_once, lease, count]
        try:
            with redis_answers():
                async with asyncio.timeout(REDIS_SECONDS):
                    return int(await self._take(keys=self._keys, args=args)) / 1000
        except TasksUnavailable:
            self._down_until = monotonic() + DOWN_SECONDS
            logger.warning("Redis does not answer: each process bounds for itself what it asks of schedulers")
            return None

    async def keep(self, token: str) -> None:
        """Hold on to the place until cancelled."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            with suppress(TasksUnavailable), redis_answers():
                await self._keep(keys=self._keys[1:], args=[token, int(LEASE_SECONDS * 1000)])

    async def give_back(self, token: str) -> None:
        """Free the place; what cannot be said to Redis lapses."""
        if monotonic() < self._down_until:
            return
        with suppress(TasksUnavailable), redis_answers():
            async with asyncio.timeout(REDIS_SECONDS):
                await self._redis.zrem(self._keys[1], token)
