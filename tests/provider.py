"""An identity provider of the tests' own, over real HTTP: its keys are known, rotated and withheld at will."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
from tests.waiting import until

AUDIENCE = "firecrest-gql"
SCOPE = "firecrest"


def new_key() -> RSAKey:
    """A signing key with a key id."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=True, auto_kid=True)


@dataclass
class Provider:
    """What it publishes, whether it answers, and how often it was asked for its keys."""

    issuer: str
    keys: list[RSAKey] = field(default_factory=lambda: [new_key()])
    published: list[dict[str, Any]] = field(default_factory=list)
    silent: bool = False
    reads: int = 0

    @property
    def key(self) -> RSAKey:
        """The key that it signs with."""
        return self.keys[-1]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """A good token's claims (RFC 9068, 2.2) with these changes; None leaves a claim out."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "demo-fireuser",
            "client_id": "demo-fireuser",
            "username": "fireuser",
            "scope": SCOPE,
            "iat": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, *, key: RSAKey | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token signed with a key of its own or another."""
        key = key or self.key
        said = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid} | (header or {})
        text = unsigned({name: value for name, value in said.items() if value is not None}, self.claims(**changes))
        signature = key.get_op_key("sign").sign(text[:-1].encode(), padding.PKCS1v15(), hashes.SHA256())
        return text + _base64(signature)

    def routes(self) -> list[Route]:
        """Discovery, and the key set that it points to."""
        return [Route("/.well-known/openid-configuration", self._discovery), Route("/jwks", self._jwks)]

    async def _discovery(self, _: Request) -> Response:
        if self.silent:
            return Response(status_code=503)
        return JSONResponse({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"})

    async def _jwks(self, _: Request) -> Response:
        self.reads += 1
        return JSONResponse({"keys": [*self.published, *(key.as_dict(private=False) for key in self.keys)]})


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token's first two parts, whatever they say, and the dot behind them."""
    return f"{_base64(json.dumps(header).encode())}.{_base64(json.dumps(claims).encode())}."


def signed_with_public_key(key: RSAKey, claims: dict[str, Any]) -> str:
    """HMAC with what everybody knows as the secret: a verifier that lets the token choose would believe it."""
    text = unsigned({"alg": "HS256", "typ": "at+jwt", "kid": key.kid}, claims)
    return text + _base64(hmac.digest(key.as_pem(private=False), text[:-1].encode(), hashlib.sha256))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Server(uvicorn.Server):
    """A server that leaves this process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None of them."""
        yield


@asynccontextmanager
async def running_provider(folder: Path) -> AsyncIterator[Provider]:
    """The provider, answering."""
    port = remembered_ports(folder / "ports.json", ["provider"])["provider"]
    found = Provider(f"http://{LOOPBACK}:{port}")
    application = Starlette(routes=found.routes())
    server = Server(uvicorn.Config(application, host=LOOPBACK, port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield found
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(scope="session")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """One provider for all tests that do not change it."""
    async with running_provider(tmp_path_factory.mktemp("provider")) as found:
        yield found
