"""The identity provider's key set, as its discovery document points to it (OpenID Connect Discovery 1.0)."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from firecrest_gql.errors import IdentityProviderUnavailable

log = logging.getLogger(__name__)


class ProviderKeys:
    """Reads the keys when needed and again for an unknown key id, at most once per cool-down."""

    def __init__(self, issuer: str, http: httpx.AsyncClient, *, cooldown_seconds: float) -> None:
        self._issuer = issuer
        self._http = http
        self._cooldown = cooldown_seconds
        self._keys: KeySet | None = None
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def for_key_id(self, key_id: str | None) -> KeySet:
        """A key set that has this key id, or the newest known one; raises `IdentityProviderUnavailable`."""
        if not self._knows(key_id):
            async with self._lock:
                if not self._knows(key_id) and self._cooled():
                    await self._read_if_possible()
        if self._keys is None:
            raise self._unavailable()
        return self._keys

    async def check(self) -> None:
        """Read the discovery document and the keys now; raises `IdentityProviderUnavailable`."""
        async with self._lock:
            await self._read()

    def _knows(self, key_id: str | None) -> bool:
        return self._keys is not None and (key_id is None or any(key.kid == key_id for key in self._keys.keys))

    def _cooled(self) -> bool:
        return time.monotonic() - self._read_at >= self._cooldown

    async def _read_if_possible(self) -> None:
        """What is known goes on holding while the provider is silent."""
        try:
            await self._read()
        except IdentityProviderUnavailable as error:
            log.warning("%s", error.message)

    async def _read(self) -> None:
        self._read_at = time.monotonic()
        try:
            discovery = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if discovery["issuer"] != self._issuer:
                raise IdentityProviderUnavailable(f"the discovery document at {self._issuer} names another issuer")
            self._keys = _usable(await self._json(discovery["jwks_uri"]))
        except (httpx.HTTPError, httpx.InvalidURL, JoseError, KeyError, TypeError, ValueError) as error:
            log.info("identity provider %s: %s", self._issuer, type(error).__name__)
            raise self._unavailable() from None

    def _unavailable(self) -> IdentityProviderUnavailable:
        return IdentityProviderUnavailable(
            f"the keys of {self._issuer} could not be read; try again", retry_after=self._cooldown
        )

    async def _json(self, url: str) -> Any:
        response = await self._http.get(url)
        response.raise_for_status()
        return response.json()


def _usable(document: Any) -> KeySet:
    """The keys of a kind that we know; others are ignored (RFC 7517, 5)."""
    keys = []
    for parameters in document["keys"]:
        with suppress(JoseError, KeyError, TypeError, ValueError):
            keys.append(JWKRegistry.import_key(parameters))
    return KeySet(keys)
