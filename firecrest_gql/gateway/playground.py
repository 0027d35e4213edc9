"""GraphiQL, served from our own files under a strict Content-Security-Policy."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

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
        return [
            Route("/", self._page),
            Route("/playground/config.json", self._clients),
            Mount("/playground", app=self._files),
        ]

    async def _page(self, _: Request) -> Response:
        return FileResponse(self._directory / "index.html", headers=self._headers)

    async def _clients(self, _: Request) -> Response:
        return JSONResponse(self._config(), headers={"Cache-Control": "no-store"})

    def _config(self) -> dict[str, object]:
        """Where tokens come from and for which clients the helper can ask."""
        if self._clients_file is None:
            return {"clients": []}
        return dict(json.loads(self._clients_file.read_text(encoding="utf-8")))

    def _token_origin(self) -> str:
        """The one other origin that the page may speak to."""
        url = urlsplit(str(self._config().get("token_url", "")))
        return f"{url.scheme}://{url.netloc}" if url.netloc else ""

    async def _files(self, scope: Scope, receive: Receive, send: Send) -> None:
        await StaticFiles(directory=self._directory)(scope, receive, send)
