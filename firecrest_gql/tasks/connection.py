"""The connection to Redis, and the one place where its faults become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from firecrest_gql.errors import TasksUnavailable

DOWN = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OutOfMemoryError, OSError)
# https://valkey.io/topics/protocol: the first word of an error is its kind.
REFUSALS = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "LOADING", "TRYAGAIN")


def connect(url: str, *, connections: int = 50) -> Redis:
    """A client of bytes; who finds all connections busy waits, an answer is waited for 5 s, and asked for thrice.

    Retrying is safe: each of our scripts recognises a call that it has already carried out.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=10,
        socket_timeout=5,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.4, base=0.05), 3),
    )
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
