"""The demo's identity provider: the certified npm oidc-provider on loopback, with keys and clients that last."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import RSAKey

from firecrest_gql.demo.node import node_program
from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
from firecrest_gql.demo.private_files import kept_json, private_directory, write_private
from firecrest_gql.demo.process import Process, ProcessFailed

PROGRAM = Path(__file__).with_name("identity_provider") / "server.mjs"
USERNAMES = ("fireuser", "fireuser2")
AUDIENCE = "firecrest-gql"
SCOPE = "firecrest"
TOKEN_SECONDS = 600
COMMAND_LINE_CLIENT = "firecrest-cli"


@dataclass(frozen=True)
class DemoClient:
    """An API client that acts for one user by client credentials; the secret is also that user's password."""

    client_id: str
    username: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class IdentityProvider:
    """The provider: where it is, whom it knows, and its process; `registration_token` lets one register clients."""

    issuer: str
    token_url: str
    audience: str
    scope: str
    clients: tuple[DemoClient, ...]
    registration_token: str = field(repr=False)
    process: Process


def make_identity_provider(
    state: Path,
    origins: Sequence[str] = (),
    usernames: Sequence[str] = USERNAMES,
    token_seconds: int = TOKEN_SECONDS,
) -> IdentityProvider:
    """The provider with everything it needs below `state`, not started yet; pages of `origins` may fetch tokens."""
    folder = private_directory(state / "identity-provider")
    port = remembered_ports(state / "ports.json", ["identity-provider"])["identity-provider"]
    issuer = f"http://{LOOPBACK}:{port}"
    kept = kept_json(folder / "keys.json", _new_keys)
    clients = _demo_clients(folder, usernames)
    made_now = {"port": port, "issuer": issuer, "origins": list(origins), "token_seconds": token_seconds}
    write_private(folder / "config.json", json.dumps(kept | _told(clients) | made_now))
    process = Process(
        name="the identity provider",
        argv=[str(node_program()), str(PROGRAM), str(folder / "config.json")],
        log=state / "log" / "identity-provider.log",
        ready=lambda: _is_discovered(issuer),
        cwd=folder,
        umask=0o077,
        ports=[port],
        stop_seconds=5,
    )
    _require_installed()
    return IdentityProvider(issuer, f"{issuer}/token", AUDIENCE, SCOPE, clients, kept["registration_token"], process)


def _new_keys() -> dict[str, Any]:
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=True, auto_kid=True)
    return {
        "jwks": {"keys": [key.as_dict(private=True)]},
        "cookie_keys": [secrets.token_urlsafe(32)],
        "registration_token": secrets.token_urlsafe(32),
    }


def _demo_clients(folder: Path, usernames: Sequence[str]) -> tuple[DemoClient, ...]:
    """One for each user; those of earlier starts keep their secrets."""
    file = folder / "secrets.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    new = {name: secrets.token_urlsafe(32) for name in usernames if name not in kept}
    if new:
        write_private(file, json.dumps(kept | new))
    return tuple(DemoClient(f"demo-{name}", name, (kept | new)[name]) for name in usernames)


def _told(clients: Sequence[DemoClient]) -> dict[str, Any]:
    """What the provider is told of them, and what never changes."""
    return {
        "audience": AUDIENCE,
        "resource": f"urn:{AUDIENCE}",
        "scope": SCOPE,
        "storage": "issued.json",
        "clients": [*map(_client_metadata, clients), _command_line_client()],
        "users": [{"username": client.username, "password": client.client_secret} for client in clients],
    }


def _client_metadata(client: DemoClient) -> Mapping[str, Any]:
    return {
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "username": client.username,
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
    }


def _command_line_client() -> Mapping[str, Any]:
    """A public client for people at a terminal: device flow, or PKCE to a port of loopback (RFC 8252, 7.3)."""
    return {
        "client_id": COMMAND_LINE_CLIENT,
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "redirect_uris": [f"http://{LOOPBACK}/callback"],
    }


def _require_installed() -> None:
    if not (PROGRAM.parent / "node_modules").is_dir():
        raise ProcessFailed(f"the identity provider is not installed: run `npm ci` in {PROGRAM.parent}")


async def _is_discovered(issuer: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        try:
            answer = await client.get(f"{issuer}/.well-known/openid-configuration")
        except httpx.TransportError:
            return False
    return answer.is_success and answer.json()["issuer"] == issuer
