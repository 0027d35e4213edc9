"""GraphQL over HTTP, server-sent events and websockets, for authenticated callers."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from firecrest_gql.errors import FirecrestError
from firecrest_gql.gateway.answers import GRAPHQL_JSON, protocol_refusal, refusal
from firecrest_gql.gateway.authentication import VerifiesTokens, bearer, request_id
from firecrest_gql.gateway.encoding import encoded, is_long, slices
from firecrest_gql.gateway.origin import origin_of
from firecrest_gql.gateway.sockets import Adapter, Socket
from firecrest_gql.model.identity import Principal
from firecrest_gql.settings import LimitSettings
from resolvers.context import Context, Services, go_on

log = logging.getLogger(__name__)
INIT_SECONDS = 10


class Endpoint(GraphQL[Context, None]):
    """The one address that clients speak to."""

    websocket_adapter_class = Adapter

    def __init__(
        self,
        schema: BaseSchema,
        services: Services,
        verifier: VerifiesTokens,
        *,
        limits: LimitSettings,
        allowed_origins: tuple[str, ...],
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            multipart_uploads_enabled=True,
            max_subscriptions_per_connection=limits.max_subscriptions_per_socket,
            allowed_origins=allowed_origins,
        )
        self._services = services
        self._verifier = verifier
        self._limits = limits
        self._sockets = 0
        self.graphql_transport_ws_handler_class = type(
            "BoundSocket",
            (Socket,),
            {
                "verifier": verifier,
                "new_context": staticmethod(self._context),
                "request_seconds": limits.request_seconds,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application (ASGI 3.0)."""
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
        else:
            request = Request(scope, receive)
            request.state.id = request_id(request.headers.get("x-request-id"))
            response = await self._answer(request)
            response.headers["X-Request-ID"] = request.state.id
            await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """What the resolvers of this request carry; a socket makes its own for each operation."""
        if isinstance(request, WebSocket):
            return None  # type: ignore[return-value]
        return self._context(request.state.principal, request.state.id, request)

    async def execute_operation(self, request: Request, sub_response: Response, **rest: Any) -> Any:  # type: ignore[override]
        """What failed before it was executed is a client's error where the client knows the difference."""
        result = await super().execute_operation(request=request, sub_response=sub_response, **rest)
        if GRAPHQL_JSON in request.headers.get("accept", ""):
            sub_response.headers["content-type"] = GRAPHQL_JSON
            if isinstance(result, PreExecutionError):
                sub_response.status_code = 400
        return result

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """What was not executed has no data, not even null (GraphQL, 7.1.2)."""
        said = await super().process_result(request, result)
        if isinstance(result, PreExecutionError):
            said.pop("data")
        return said

    def encode_json(self, data: object) -> str:
        """Of answers and messages alike."""
        return encoded(data)

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """The answer, in the media type that the client asked for."""
        status = sub_response.status_code or 200
        media_type = sub_response.headers.get("content-type", "application/json")
        response: Response
        if is_long(response_data):
            response = StreamingResponse(slices(response_data), status, media_type=media_type)
        else:
            response = Response(self.encode_json(response_data), status, media_type=media_type)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """A stream that ends with the token."""
        seconds = (request.state.principal.expires_at - datetime.now(UTC)).total_seconds()
        return StreamingResponse(_until(stream(), seconds), headers=dict(headers))

    async def parse_multipart(self, request: AsyncHTTPRequestAdapter) -> dict[str, str]:
        """A request with files; what its map says of them may be anything."""
        try:
            return await super().parse_multipart(request)
        except StarletteHTTPException as error:
            raise HTTPException(error.status_code, error.detail) from None
        except (AttributeError, IndexError, TypeError, ValueError):
            raise HTTPException(400, "The map of a multipart request names places in its operations") from None

    def parse_json(self, data: str | bytes) -> Any:
        """An object, as every JSON value of GraphQL over HTTP is."""
        parsed = super().parse_json(data)
        if not isinstance(parsed, dict):
            raise HTTPException(400, "A GraphQL request is a JSON object")
        return parsed

    def decode_json(self, data: str | bytes) -> object:
        """JSON, unless it nests deeper, or its numbers are longer, than we read."""
        try:
            return json.loads(data)
        except (RecursionError, ValueError):
            raise json.JSONDecodeError("not readable", "", 0) from None

    def _context(
        self, principal: Principal, of_request: str, of: HTTPConnection, lasts: Callable[[], None] = go_on
    ) -> Context:
        origin = origin_of(of, self._services.settings.server.public_url)
        return Context(principal, of_request, self._services, lasts, origin)

    async def _answer(self, request: Request) -> Response:
        start = time.monotonic()
        request.state.principal = None
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                request.state.principal = await self._verifier.verify(bearer(request.headers.get("authorization")))
                response = await self.run(request)
        except FirecrestError as error:
            response = refusal(error, request.state.id)
        except HTTPException as error:
            response = _protocol_fault(error, request)
        except TimeoutError:
            reason = f"the request took longer than {self._limits.request_seconds:g} s"
            response = protocol_refusal(504, reason, request.state.id)
        _log(request, response, time.monotonic() - start)
        return response

    async def _serve_socket(self, socket: WebSocket) -> None:
        if self._sockets >= self._limits.max_sockets:
            await self.reject_websocket(socket)
            return
        self._sockets += 1
        try:
            await self.run(socket)
        finally:
            self._sockets -= 1


def _protocol_fault(error: HTTPException, request: Request) -> Response:
    """What GraphQL over HTTP does not allow; a mutation by GET is a fault of the method (6.2.1)."""
    changes_by_get = request.method == "GET" and isinstance(error.__cause__, InvalidOperationTypeError)
    response = protocol_refusal(405 if changes_by_get else error.status_code, error.reason, request.state.id)
    if changes_by_get:
        response.headers["Allow"] = "POST"
    return response


def _log(request: Request, response: Response, seconds: float) -> None:
    user = request.state.principal.username if request.state.principal is not None else "-"
    log.info("request=%s user=%s seconds=%.3f status=%s", request.state.id, user, seconds, response.status_code)


async def _until(stream: AsyncIterator[str], seconds: float) -> AsyncIterator[str]:
    """The stream's items until the time is over."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(end):
                item = await anext(stream)
        except (StopAsyncIteration, TimeoutError):
            return
        yield item
