"""graphql-transport-ws: a socket says who it is in its first message, and ends with its token."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from firecrest_gql.errors import FirecrestError, Unauthenticated
from firecrest_gql.gateway.authentication import VerifiesTokens, from_init
from firecrest_gql.model.identity import Principal
from resolvers.context import Context

UNAUTHORIZED = 4401
TRY_AGAIN_LATER = 1013
CLOSE_REASON_LENGTH = 120


class Socket(BaseGraphQLTransportWSHandler[Any, None]):
    """One client's socket; the endpoint sets the class's collaborators."""

    verifier: VerifiesTokens
    new_context: Callable[[Principal, str], Context]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._principal: Principal | None = None
        self._expiry: asyncio.Task[None] | None = None
        super().__init__(*args, **kwargs)

    @property
    def context(self) -> Context | None:
        """A fresh one for each operation, so that none sees what an earlier one read."""
        return type(self).new_context(self._principal, uuid.uuid4().hex) if self._principal is not None else None

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
        """Authenticate, or close with 4401 (a token that does not hold) or 1013 (nobody could tell)."""
        if not self.connection_init_received:
            try:
                self._principal = await self.verifier.verify(from_init(message.get("payload") or {}))
            except FirecrestError as error:
                code = TRY_AGAIN_LATER if error.retryable else UNAUTHORIZED
                await self.websocket.close(code=code, reason=error.message[:CLOSE_REASON_LENGTH])
                return
            self._expiry = asyncio.create_task(self._end_with(self._principal))
        await super().handle_connection_init({"type": "connection_init", "payload": {}})

    async def shutdown(self) -> None:
        """Nothing of the socket goes on after it."""
        if self._expiry is not None:
            self._expiry.cancel()
        await super().shutdown()

    async def _end_with(self, principal: Principal) -> None:
        await asyncio.sleep(max(0.0, (principal.expires_at - datetime.now(UTC)).total_seconds()))
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)
        await self.websocket.close(code=UNAUTHORIZED, reason=Unauthenticated("the token has expired").message)


def _well_formed(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    payload = message.get("payload")
    if message["type"] == "subscribe":
        return isinstance(message.get("id"), str) and isinstance(payload, dict) and _is_request(payload)
    if message["type"] == "complete":
        return isinstance(message.get("id"), str)
    return payload is None or isinstance(payload, dict)


def _is_request(payload: dict[str, Any]) -> bool:
    return (
        isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )
