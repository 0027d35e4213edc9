"""Many large requests, sent slowly by whoever has a token: they are bounded together, and stop nobody's small ones."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from firecrest_gql.errors import Overloaded
from firecrest_gql.gateway.bodies import SMALL, BoundedRequests

LARGE = b"x" * 2 * SMALL
SCOPE = {"type": "http", "method": "POST", "headers": []}


class Slow:
    """A client that sends one large part of a body, and the rest when told."""

    def __init__(self, body: bytes = LARGE) -> None:
        self._parts: Iterator[bytes] = iter((body, b""))
        self.sent = asyncio.Event()
        self.rest = asyncio.Event()

    async def receive(self) -> Message:
        """The next part; after the last one it waits for the answer."""
        part = next(self._parts, None)
        if part is None:
            return await asyncio.Event().wait() and {}
        if not part:
            self.sent.set()
            await self.rest.wait()
        return {"type": "http.request", "body": part, "more_body": bool(part)}


async def read(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the whole body."""
    while (await receive()).get("more_body"):
        pass


async def nowhere(message: Message) -> None:
    """Nobody listens to the answers."""


async def test_large_bodies_are_bounded_together_and_give_their_room_back() -> None:
    app = BoundedRequests(read, max_body_size=len(LARGE), max_bodies_size=2 * SMALL)
    slow = [Slow(), Slow()]
    holding = [asyncio.create_task(app(SCOPE, client.receive, nowhere)) for client in slow]
    for client in slow:
        await client.sent.wait()
    for _ in range(2):
        with pytest.raises(Overloaded):
            await app(SCOPE, Slow().receive, nowhere)
    small = Slow(b"{}")
    small.rest.set()
    await app(SCOPE, small.receive, nowhere)
    for client in slow:
        client.rest.set()
    await asyncio.gather(*holding)
    for _ in range(3):  # not one of those above has kept any of it
        last = Slow()
        last.rest.set()
        await app(SCOPE, last.receive, nowhere)


async def test_who_leaves_gives_the_room_back() -> None:
    app = BoundedRequests(read, max_body_size=len(LARGE), max_bodies_size=SMALL)
    gone = Slow()
    leaving = asyncio.create_task(app(SCOPE, gone.receive, nowhere))
    await gone.sent.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    last = Slow()
    last.rest.set()
    await app(SCOPE, last.receive, nowhere)
