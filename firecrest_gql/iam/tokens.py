"""Verifies access tokens: RFC 9068's rules by Authlib, over the provider's keys and our settings."""

import re
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.claims import JWTClaims
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from firecrest_gql.errors import Forbidden, Unauthenticated
from firecrest_gql.iam.keys import ProviderKeys
from firecrest_gql.model.identity import Principal, Token
from firecrest_gql.settings import IdentitySettings

MAX_TOKEN_LENGTH = 16 * 1024


class TokenVerifier:
    """Turns a bearer token into the `Principal` whom it names."""

    def __init__(self, settings: IdentitySettings, keys: ProviderKeys) -> None:
        self._settings = settings
        self._keys = keys
        self._username = re.compile(settings.username_pattern)

    async def verify(self, token: str) -> Principal:
        """The principal; raises `Unauthenticated` (it does not hold) or `Forbidden` (this user may not come in)."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated(f"the token is longer than {MAX_TOKEN_LENGTH} characters")
        claims, expires_at = await self._claims(token)
        scopes = frozenset(str(claims.get("scope") or "").split())
        needed = self._settings.required_scope
        if needed is not None and needed not in scopes:
            raise Unauthenticated(f"the token lacks the scope {needed}")
        return Principal(str(claims["sub"]), self._account(claims), scopes, expires_at, Token(token))

    async def _claims(self, token: str) -> tuple[dict[str, Any], datetime]:
        """What the token says, and when it ends."""
        try:
            header = jws.extract_compact(token.encode()).headers()
            keys = await self._keys.for_key_id(_text(header.get("kid")))
            claims = self._validated(token, keys)
            return claims, datetime.fromtimestamp(claims["exp"], UTC)
        except (JoseError, ValueError, KeyError, TypeError, OverflowError, OSError) as error:
            raise Unauthenticated(f"the token does not hold: {_reason(error)}") from None

    def _validated(self, token: str, keys: KeySet) -> dict[str, Any]:
        decoded = jwt.decode(token, keys, algorithms=list(self._settings.algorithms))
        options = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        read = JWTAccessTokenClaims if self._settings.access_token_type else JWTClaims
        claims = read(decoded.claims, decoded.header, options)
        claims.validate(leeway=self._settings.leeway_seconds)
        return dict(claims)

    def _account(self, claims: dict[str, Any]) -> str:
        name = claims.get(self._settings.username_claim)
        if not isinstance(name, str) or not self._username.fullmatch(name):
            raise Forbidden(f"the claim {self._settings.username_claim} of the token is no user name of this centre")
        if name in self._settings.refused_users:
            raise Forbidden(f"{name} is a system account: no token opens it")
        return name


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _reason(error: Exception) -> str:
    """What is wrong, without a word of the token itself."""
    return error.description or error.error if isinstance(error, JoseError) else "it is not a signed JWT"
