"""Pub/sub over Redis for `broadcaster`: a doorbell that connects again for good, and then rings at every door."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from broadcaster import BroadcastBackend, Event
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from firecrest_gql.tasks.connection import connect, redis_answers
from firecrest_gql.tasks.keys import PREFIX

logger = logging.getLogger(__name__)

RING = ""  # what a subscriber hears when its subscription begins to hold, again or for the first time
AWAKE = f"{PREFIX}bell:awake"  # always subscribed, so that the connection is in that mode
QUIET_SECONDS = 15.0  # after which the connection must show that it lives, and as long again in which to do so
FIRST_DELAY, LONGEST_DELAY = 0.1, 2.0


class RedisBell(BroadcastBackend):
    """One connection for all channels of a process.

    Each channel rings as soon as Redis has confirmed its subscription, at first and after each loss of the connection:
    what happened before that the subscriber reads for itself.
    """

    def __init__(self, url: str) -> None:
        self._publisher = connect(url, connections=10)
        self._listener = Redis.from_url(url, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
        self._channels: set[str] = {AWAKE}
        self._orders: asyncio.Queue[str] = asyncio.Queue()  # channels whose subscription is to be set right
        self._heard: asyncio.Queue[Event] = asyncio.Queue()
        self._connection: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Begin to listen; Redis need not be there yet."""
        self._connection = asyncio.create_task(self._stay_connected())

    async def disconnect(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.wait([self._connection])
        await self._listener.aclose()
        await self._publisher.aclose()

    # broadcaster loses a subscriber where two subscribe to one channel while the backend waits: these two never wait.

    async def subscribe(self, group: str) -> None:
        """Listen to a channel from soon on: it rings when that is so."""
        self._channels.add(group)
        self._orders.put_nowait(group)

    async def unsubscribe(self, group: str) -> None:
        """No longer listen to a channel."""
        self._channels.discard(group)
        self._orders.put_nowait(group)

    async def publish(self, channel: str, message: Any) -> None:
        """Ring, with a text for those who listen now; `TasksUnavailable` where Redis does not answer."""
        with redis_answers():
            await self._publisher.publish(channel, message)

    async def next_published(self) -> Event:
        """The next ring of any channel."""
        return await self._heard.get()

    async def _stay_connected(self) -> None:
        delay = FIRST_DELAY
        while True:
            pubsub = self._listener.pubsub()
            try:
                await self._subscribe_all(pubsub)
                delay = FIRST_DELAY
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._listen(pubsub))
                    group.create_task(self._obey(pubsub))
            except* (RedisError, OSError) as lost:
                logger.warning("the bell has lost Redis and connects again: %s", lost.exceptions[0])
            finally:
                with suppress(RedisError, OSError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _subscribe_all(self, pubsub: PubSub) -> None:
        while not self._orders.empty():  # the set below says it all
            self._orders.get_nowait()
        await pubsub.subscribe(*self._channels)

    async def _listen(self, pubsub: PubSub) -> None:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=QUIET_SECONDS)
            if message is not None:
                asked = False
                self._hear(message)
            elif asked:
                raise ConnectionError(f"no answer for {QUIET_SECONDS:g} s")
            else:
                asked = True
                await pubsub.ping()

    def _hear(self, message: dict[str, Any]) -> None:
        kind, channel, data = message["type"], message["channel"], message["data"]
        if kind == "message":
            self._heard.put_nowait(Event(channel.decode(), data.decode()))
        elif kind == "subscribe" and channel.decode() != AWAKE:
            self._heard.put_nowait(Event(channel.decode(), RING))

    async def _obey(self, pubsub: PubSub) -> None:
        while True:
            channel = await self._orders.get()
            if channel in self._channels:
                await pubsub.subscribe(channel)
            else:
                await pubsub.unsubscribe(channel)
