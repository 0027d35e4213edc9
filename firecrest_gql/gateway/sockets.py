"""graphql-transport-ws: a socket says who it is in its first message, and ends with its token."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ErrorMessage

from firecrest_gql.errors import CommandTimeout, FirecrestError, Forbidden, RateLimited, Unauthenticated
from firecrest_gql.gateway.authentication import VerifiesTokens, from_init
from firecrest_gql.model.identity import Principal
from resolvers.context import Context
from schema.errors import extensions
from schema.events import EventData

log = logging.getLogger(__name__)

UNAUTHORIZED = 4401
FORBIDDEN = 4403
TRY_AGAIN_LATER = 1013
MAX_REASON_SIZE = 123  # RFC 6455, 5.5: a control frame has 125 bytes, two of which are the code
MAX_ID_LENGTH = 256

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_span: ContextVar[asyncio.Timeout | None] = ContextVar("span", default=None)


class Adapter(ASGIWebSocketAdapter):
    """The websocket, which may be gone at any moment."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send, unless it is closed."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        await super().send_json(message)

    async def send_text(self, text: str) -> None:
        """Send what is JSON already, unless it is closed."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close it once, with as much of the reason as a frame holds."""
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            await super().close(code, reason.encode("utf-8", "replace")[:MAX_REASON_SIZE].decode("utf-8", "ignore"))


class Socket(BaseGraphQLTransportWSHandler[Any, None]):
    """One client's socket; the endpoint sets the class's collaborators."""

    verifier: VerifiesTokens
    new_context: Callable[[Principal, str, HTTPConnection, Callable[[], None]], Context]
    request_seconds: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._principal: Principal | None = None
        self._expiry: asyncio.Task[None] | None = None
        super().__init__(*args, **kwargs)

    @property
    def context(self) -> Context | None:
        """A fresh one for each operation, so that none sees what an earlier one read."""
        if self._principal is None:
            return None
        of_request = _request_id.get() or uuid.uuid4().hex
        opened: HTTPConnection = self.websocket.ws  # type: ignore[attr-defined]  # it is an `Adapter`
        return type(self).new_context(self._principal, of_request, opened, _last)

    @context.setter
    def context(self, _: object) -> None:
        """The base class offers one for the whole socket, which is of no use."""

    async def handle_message(self, message: Any) -> None:
        """Refuse what is no message of the protocol, before anything reads its fields."""
        if _well_formed(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("not a message of graphql-transport-ws")

    async def handle_connection_init(self, message: Any) -> None:
        """Authenticate, or close with 4401 (a token that does not hold), 4403 (nobody we serve) or 1013 (who knows)."""
        if not self.connection_init_received:
            try:
                self._principal = await self.verifier.verify(from_init(message.get("payload") or {}))
            except FirecrestError as error:
                await self.websocket.close(code=_close_code(error), reason=error.message)
                return
            self._expiry = asyncio.create_task(self._end_with(self._principal))
        await super().handle_connection_init({"type": "connection_init", "payload": {}})

    async def handle_subscribe(self, message: Any) -> None:
        """Refuse the operation that is one too many, with a code; the socket goes on."""
        limit = self.max_subscriptions_per_connection
        full = limit is not None and len(self.operations) >= limit
        if full and self.connection_acknowledged and message["id"] not in self.operations:
            error = RateLimited(f"a socket carries {limit} operations at once: end one first, or open another socket")
            await self.websocket.send_json(_refusal(message["id"], error, uuid.uuid4().hex))
        else:
            await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Answer the operation under a request id of its own, and log it; only a subscription may take its time."""
        of_request, start = uuid.uuid4().hex, time.monotonic()
        _request_id.set(of_request)
        try:
            async with asyncio.timeout(self.request_seconds) as span:
                _span.set(span)
                await super().run_operation(operation)
        except TimeoutError:
            if not span.expired():
                raise
            error = CommandTimeout(f"the request took longer than {self.request_seconds:g} s")
            await operation.send_operation_message(_refusal(operation.id, error, of_request))
        finally:
            user = self._principal.username if self._principal is not None else "-"
            log.info("request=%s user=%s seconds=%.3f over a socket", of_request, user, time.monotonic() - start)

    async def send_message(self, message: Any) -> None:
        """Send it; of what many are told, the part that is theirs all has been written as JSON before."""
        payload = message.get("payload")
        if message["type"] == "next" and payload.keys() == {"data"} and isinstance(payload["data"], EventData):
            text = f'{{"id":{json.dumps(message["id"])},"type":"next","payload":{{"data":{payload["data"].text}}}}}'
            await self.websocket.send_text(text)  # type: ignore[attr-defined]  # it is an `Adapter`
        else:
            await super().send_message(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """That a client has left while it was told something is no fault."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    async def shutdown(self) -> None:
        """Nothing of the socket goes on after it."""
        if self._expiry is not None:
            self._expiry.cancel()
        await super().shutdown()

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """Nothing: a document that does not parse fails its own operation, and not the others of the socket."""
        return None

    async def _end_with(self, principal: Principal) -> None:
        await asyncio.sleep(max(0.0, (principal.expires_at - datetime.now(UTC)).total_seconds()))
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)
        await self.websocket.close(code=UNAUTHORIZED, reason=Unauthenticated("the token has expired").message)


def _last() -> None:
    """The operation at work is a subscription, which goes on as long as the socket."""
    if (span := _span.get()) is not None:
        span.reschedule(None)


def _close_code(error: FirecrestError) -> int:
    if error.retryable:
        return TRY_AGAIN_LATER
    return FORBIDDEN if isinstance(error, Forbidden) else UNAUTHORIZED


def _refusal(operation_id: str, error: FirecrestError, of_request: str) -> ErrorMessage:
    said: Any = {"message": error.message, "extensions": extensions(error, of_request)}
    return {"id": operation_id, "type": "error", "payload": [said]}


def _well_formed(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    payload = message.get("payload")
    if message["type"] == "subscribe":
        return _is_id(message.get("id")) and isinstance(payload, dict) and _is_request(payload)
    if message["type"] == "complete":
        return _is_id(message.get("id"))
    return payload is None or isinstance(payload, dict)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH


def _is_request(payload: dict[str, Any]) -> bool:
    return (
        isinstance(query := payload.get("query"), str)
        and query.strip() != ""
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )
