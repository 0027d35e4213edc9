"""Requests as they arrive: their bodies are bounded while they are read, and their work ends when the client leaves."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firecrest_gql.errors import Overloaded, TooLarge

SMALL = 64 * 1024  # bytes of a body that never wait for others: queries are shorter


class BoundedRequests:
    """Bounds each body that the application reads, and all at once; cancels the application when the client is gone."""

    def __init__(self, app: ASGIApp, *, max_body_size: int, max_bodies_size: int) -> None:
        self._app = app
        self._limit = max_body_size
        self._room = Room(max_bodies_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application (ASGI 3.0)."""
        body = Body(scope, receive, self._limit, self._room)
        try:
            await self._run(scope, body, send)
        finally:
            body.release()

    async def _run(self, scope: Scope, body: "Body", send: Send) -> None:
        work = asyncio.ensure_future(self._app(scope, body.receive, send))
        watch = asyncio.create_task(body.disconnected())
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone = watch.done()
            watch.cancel()
            if not work.done():
                work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            if not gone:
                work.result()


class Room:
    """Bytes of large bodies that are held at the same time; whoever sends many slowly holds them for long."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, size: int) -> None:
        """Hold so many more; raises `Overloaded` where there is no room."""
        if size > self._left:
            raise Overloaded("too many large requests are being read: try again soon")
        self._left -= size

    def give_back(self, size: int) -> None:
        """Hold so many less."""
        self._left += size


class Body:
    """A request's body, read by the application when it wants it; then whoever waits is told of the client's leaving.

    Nothing is read for a stranger: the application looks at the token first.
    """

    def __init__(self, scope: Scope, receive: Receive, limit: int, room: Room) -> None:
        self._receive = receive
        self._limit = limit
        self._room = room
        self._held = 0
        self._declared = dict(scope["headers"]).get(b"content-length", b"0")
        self._size = 0
        self._read = asyncio.Event()
        if scope["method"] in ("GET", "HEAD"):
            self._read.set()  # its body means nothing, and nobody reads it

    async def receive(self) -> Message:
        """The next part; raises `TooLarge` as soon as there is more than allowed."""
        if self._declared.isdigit() and int(self._declared) > self._limit:
            raise self._too_large()
        message = {"type": "http.disconnect"} if self._read.is_set() else await self._receive()
        if message["type"] == "http.disconnect":
            self._read.set()
            await asyncio.Event().wait()  # the watch ends the application
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise self._too_large()
        self._hold()
        if not message.get("more_body", False):
            self._read.set()
        return message

    def release(self) -> None:
        """The body is no longer needed."""
        self._room.give_back(self._held)
        self._held = 0

    def _hold(self) -> None:
        more = max(0, self._size - SMALL) - self._held
        self._room.take(more)
        self._held += more

    async def disconnected(self) -> None:
        """Wait until the body has been read and the client is gone."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            continue

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the request is over maxBodySize, {self._limit} bytes")
