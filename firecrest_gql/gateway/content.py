"""Files over plain HTTP (RFC 9110), for bearers of tokens: ranges, validators, and nothing that a browser would run."""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from posixpath import basename
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from firecrest_gql.errors import FirecrestError, NotFound
from firecrest_gql.files.downloading import Opened, Part
from firecrest_gql.gateway.answers import protocol_refusal, refusal
from firecrest_gql.gateway.authentication import VerifiesTokens, bearer, request_id
from firecrest_gql.model.files import shown
from firecrest_gql.settings import LimitSettings
from resolvers import ids
from resolvers.context import Context, Services
from resolvers.systems import system

log = logging.getLogger(__name__)

METHODS = ("GET", "HEAD")
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)  # one range; of several, all of the file is an answer
PLAIN_NAME = re.compile(r"[^A-Za-z0-9 ._-]")
NEVER = "-"  # the tag of no file
# A page made of it has no origin, loads nothing and runs nothing (CSP 3), should a browser show it after all.
HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
}


class Content:
    """What `File.contentUrl` leads to."""

    def __init__(self, services: Services, verifier: VerifiesTokens, limits: LimitSettings) -> None:
        self._services = services
        self._verifier = verifier
        self._seconds = limits.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application (ASGI 3.0)."""
        request, start = Request(scope, receive), time.monotonic()
        request.state.id, request.state.user = request_id(request.headers.get("x-request-id")), "-"
        answer = Answer(send, request.state.id)
        refused: Response | None = None
        try:
            async with asyncio.timeout(self._seconds):
                await self._serve(request, answer)
        except FirecrestError as error:
            refused = refusal(error, request.state.id)
        except TimeoutError:
            refused = protocol_refusal(504, f"the request took longer than {self._seconds:g} s", request.state.id)
        # Once it has begun, that it breaks off is all that can be told; its length says that something is missing.
        if refused is not None and answer.status is None:
            await refused(scope, receive, answer.send)
        seconds = time.monotonic() - start
        log.info("request=%s user=%s seconds=%.3f status=%s", request.state.id, request.state.user, seconds, answer)

    async def _serve(self, request: Request, answer: "Answer") -> None:
        if request.method not in METHODS:
            refused = protocol_refusal(405, "a file's bytes are read by GET", request.state.id)
            refused.headers["Allow"] = ", ".join(METHODS)
            await refused(request.scope, request.receive, answer.send)
            return
        principal = await self._verifier.verify(bearer(request.headers.get("authorization")))
        request.state.user = principal.username
        context = Context(principal, request.state.id, self._services)
        name, path = _place(request.path_params["id"])
        found, get = system(context, name), request.method == "GET"
        part = part_of(request.headers) if get else Part()
        async with self._services.downloads.open(found, context.caller, path, part, bytes_too=get) as (opened, chunks):
            status = status_of(request.headers, part, opened)
            headers = headers_of(path, opened, status)
            body = get and status < 300
            response = StreamingResponse(chunks, status, headers) if body else Response(None, status, headers)
            await response(request.scope, request.receive, answer.send)


class Answer:
    """Sends messages of ASGI with the request's id, and knows whether the answer has begun."""

    def __init__(self, send: Send, of_request: str) -> None:
        self._send = send
        self._id = of_request.encode("ascii")
        self.status: int | None = None

    def __str__(self) -> str:
        """What the log says."""
        return str(self.status)

    async def send(self, message: Message) -> None:
        """Send it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self._id)]
        await self._send(message)


def _place(node_id: str) -> tuple[str, str]:
    """The system and the path that a file's id names."""
    kind, parts = ids.decode(node_id)
    if kind != "file" or len(parts) != 2:
        raise NotFound(f"{node_id[:80]!r} is no file's id")
    return parts[0], parts[1]


def part_of(headers: Mapping[str, str]) -> Part:
    """What the Range and If-Range headers ask for (RFC 9110, 14.2 and 13.1.5); all where they cannot be followed."""
    found = RANGE.fullmatch(headers.get("range", ""))
    if found is None or not any(found.groups()):
        return Part()
    first, last = (int(number) if number else None for number in found.groups())
    if first is not None and last is not None and last < first:
        return Part()
    condition = headers.get("if-range")
    if condition is None:
        return Part(first, last)
    strong = re.fullmatch(r'"([^"]*)"', condition.strip())
    return Part(first, last, strong[1] if strong else NEVER)


def status_of(headers: Mapping[str, str], part: Part, opened: Opened) -> int:
    """Which answer it is: 200, 206, 304 or 416."""
    known = re.findall(r'"([^"]*)"', headers.get("if-none-match", ""))
    if opened.tag in known or headers.get("if-none-match", "").strip() == "*":
        return 304
    if part.tag not in (None, opened.tag) or (part.first is None and part.last is None):
        return 200
    return 206 if opened.length else 416


def headers_of(path: str, opened: Opened, status: int) -> dict[str, str]:
    """What the answer says of the bytes."""
    headers = {**HARMLESS, "ETag": f'"{opened.tag}"', "Accept-Ranges": "bytes"}
    if status == 416:
        return {**headers, "Content-Range": f"bytes */{opened.size}"}
    if status == 206:
        headers["Content-Range"] = f"bytes {opened.first}-{opened.last}/{opened.size}"
    if status < 300:
        headers["Content-Length"] = str(opened.length)
        headers["Content-Type"] = opened.type
        headers["Content-Disposition"] = disposition(shown(basename(path)))
    return headers


def disposition(name: str) -> str:
    """Save it under this name (RFC 6266), which programs that read ASCII alone see without its other characters."""
    plain = PLAIN_NAME.sub("_", name)
    return f'attachment; filename="{plain}"' + ("" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}")
