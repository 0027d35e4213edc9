"""Requests as they arrive: their bodies are bounded, and their work ends when the client leaves."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firecrest_gql.errors import TooLarge
from firecrest_gql.gateway.answers import refusal


class BoundedRequests:
    """Reads each body, up to `max_body_size` bytes, before the application; cancels the application on a disconnect."""

    def __init__(self, app: ASGIApp, *, max_body_size: int) -> None:
        self._app = app
        self._limit = max_body_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application (ASGI 3.0)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await self._read(scope, receive)
        if body is None:
            error = TooLarge(f"the request is over {self._limit} bytes; larger files go by startUpload")
            await refusal(error, None)(scope, receive, send)
        else:
            await self._until_gone(scope, receive, send, body)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None where it is over the limit."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._limit:
            return None
        body, more = bytearray(), True
        while more and len(body) <= self._limit:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body) if len(body) <= self._limit else None

    async def _until_gone(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        messages: asyncio.Queue[Message] = asyncio.Queue()
        messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
        work = asyncio.ensure_future(self._app(scope, messages.get, send))
        watch = asyncio.create_task(_disconnect(receive))
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


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
