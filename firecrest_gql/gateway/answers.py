"""Answers that are errors of the whole request, in GraphQL's own shape."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from firecrest_gql.errors import (
    CommandFailed,
    CommandTimeout,
    DelegationUnavailable,
    ErrorCode,
    FirecrestError,
    Forbidden,
    IdentityProviderUnavailable,
    InvalidInput,
    NotFound,
    Overloaded,
    PermissionDenied,
    RateLimited,
    SystemUnavailable,
    TooLarge,
    Unauthenticated,
)
from schema.errors import extensions

GRAPHQL_JSON = "application/graphql-response+json"

STATUSES: dict[type[FirecrestError], HTTPStatus] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    IdentityProviderUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    NotFound: HTTPStatus.NOT_FOUND,
    PermissionDenied: HTTPStatus.FORBIDDEN,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    SystemUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    DelegationUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    CommandTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    CommandFailed: HTTPStatus.BAD_GATEWAY,
}

KINDS: dict[int, type[FirecrestError]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,
    HTTPStatus.UNAUTHORIZED: Unauthenticated,
    HTTPStatus.GATEWAY_TIMEOUT: CommandTimeout,
}


def refusal(error: FirecrestError, request_id: str | None, *, status: int | None = None) -> JSONResponse:
    """The answer to a request that was not executed."""
    status = status or STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    said = {"message": error.message, "extensions": extensions(error, request_id)}
    return JSONResponse({"errors": [said]}, status_code=status, headers=_headers(error))


def protocol_refusal(status: int, reason: str, request_id: str | None) -> JSONResponse:
    """The answer to a request that GraphQL over HTTP does not know."""
    return refusal(KINDS.get(status, InvalidInput)(reason), request_id, status=status)


def _headers(error: FirecrestError) -> Mapping[str, str]:
    headers = {"Cache-Control": "no-store"}
    if error.code is ErrorCode.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return headers
