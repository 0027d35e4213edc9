"""Bearer tokens (RFC 6750), out of a header or a socket's first message."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from firecrest_gql.errors import Unauthenticated
from firecrest_gql.model.identity import Principal

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class VerifiesTokens(Protocol):
    """Whoever knows what a token is worth."""

    async def verify(self, token: str) -> Principal:
        """The principal whom the token names; raises a `FirecrestError`."""
        ...


def bearer(value: object) -> str:
    """The token in an Authorization value; raises `Unauthenticated`."""
    scheme, _, token = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("a bearer token is needed: Authorization: Bearer …")
    return token.strip()


def from_init(payload: Mapping[str, Any]) -> str:
    """The token in the payload of `connection_init`, under the name that the HTTP header has."""
    return bearer(next((value for name, value in payload.items() if name.lower() == "authorization"), None))


def request_id(given: str | None) -> str:
    """The caller's own id for the request where it is one, or a fresh one."""
    return given if given is not None and REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
