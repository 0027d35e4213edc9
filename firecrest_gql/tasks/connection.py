"""The connection to Redis, and the one place where its faults become ours."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from firecrest_gql.errors import TasksUnavailable

DOWN = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OutOfMemoryError, OSError)
# https://valkey.io/topics/protocol: the first word of an error is its kind.
REFUSALS = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "LOADING", "TRYAGAIN")


class _Bounded(AbstractConnection):
    """Bounds the sending itself: redis-py's `asyncio.wait_for` swallows a cancellation on Python 3.11."""

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        seconds, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(seconds):
                await super().send_packed_command(command, check_health)
        except TimeoutError as error:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError(f"nothing could be sent for {seconds:g} s") from error
        finally:
            self.socket_timeout = seconds


class _Tcp(_Bounded, Connection):
    """redis://"""


class _Tls(_Bounded, SSLConnection):
    """rediss://"""


class _Unix(_Bounded, UnixDomainSocketConnection):
    """unix://"""


KINDS: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Tcp,
    SSLConnection: _Tls,
    UnixDomainSocketConnection: _Unix,
}


def connect(url: str, *, connections: int = 50) -> Redis:
    """A client of bytes; who finds all connections busy waits, an answer is waited for 5 s, and asked for thrice.

    Retrying is safe: each of our scripts recognises a call that it has already carried out.
    """
    options: dict[str, Any] = {
        "max_connections": connections,
        "timeout": 10,
        "socket_timeout": 5,
        "health_check_interval": 15,
        "retry": Retry(ExponentialBackoff(cap=0.4, base=0.05), 3),
        **parse_url(url),
    }
    kind = KINDS[options.pop("connection_class", Connection)]
    pool = BlockingConnectionPool(connection_class=kind, **options)
    return Redis.from_pool(pool)


@contextmanager
def redis_answers() -> Iterator[None]:
    """Raise `TasksUnavailable` where Redis does not answer, or cannot do its work now."""
    try:
        yield
    except DOWN as error:
        raise TasksUnavailable("The store of tasks does not answer; try again in a moment.", retry_after=1) from error
    except ResponseError as error:
        if not str(error).startswith(REFUSALS):
            raise
        raise TasksUnavailable("The store of tasks cannot work now; try again in a moment.", retry_after=5) from error
