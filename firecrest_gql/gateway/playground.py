"""GraphiQL, served from our own files under a strict Content-Security-Policy."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firecrest_gql.gateway.peer import same_user
from firecrest_gql.settings import ServerSettings

FRAMES = {"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


class Playground:
    """The page at / and its files below /playground."""

    def __init__(self, settings: ServerSettings, directory: Path) -> None:
        self._directory = directory
        self._clients_file = settings.playground_clients_file
        policy = (directory.parent / "csp.txt").read_text(encoding="utf-8").strip()
        self._headers = {**FRAMES, "Content-Security-Policy": policy.replace("{connect}", self._token_origin())}

    def routes(self) -> list[BaseRoute]:
        """The routes of the playground."""
        files = WithHeaders(StaticFiles(directory=self._directory), self._headers)
        return [
            Route("/", self._page),
            Route("/playground/config.json", self._clients),
            Mount("/playground", app=files),
        ]

    async def _page(self, _: Request) -> Response:
        return FileResponse(self._directory / "index.html", headers=self._headers)

    async def _clients(self, request: Request) -> Response:
        """The demo's secrets go to the user who runs it alone; anybody else who reaches loopback pastes one."""
        config = self._config()
        if not (same_user(request.scope["client"], request.scope["server"]) and _by_own_name(request)):
            for client in config.get("clients", []):
                client.pop("client_secret", None)
        return JSONResponse(config, headers={"Cache-Control": "no-store"})

    def _config(self) -> dict[str, Any]:
        """Where tokens come from and for which clients the helper can ask."""
        if self._clients_file is None:
            return {"clients": []}
        return dict(json.loads(self._clients_file.read_text(encoding="utf-8")))

    def _token_origin(self) -> str:
        """The one other origin that the page may speak to."""
        url = urlsplit(str(self._config().get("token_url", "")))
        return f"{url.scheme}://{url.netloc}" if url.netloc else ""


def _by_own_name(request: Request) -> bool:
    """Whether the page is ours, and not of another site that has our address under its own name (DNS rebinding)."""
    address, port = request.scope["server"]
    return request.headers.get("host") in (f"{address}:{port}", f"localhost:{port}")


class WithHeaders:
    """An application whose every answer has these headers."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application (ASGI 3.0)."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)
