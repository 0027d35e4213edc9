"""The authority that asks the signer over its socket."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

from firecrest_gql.delegation import wire
from firecrest_gql.delegation.request import Certificate, CertificateRequest, Purpose
from firecrest_gql.errors import DelegationUnavailable
from firecrest_gql.model.identity import Grant, Token

ANSWER_SECONDS = 25
ATTEMPTS = 2  # both acts may be done twice: a connection that a restarted signer has dropped is opened anew


class RemoteAuthority:
    """Keeps one connection to the signer, on which questions overlap; opens a new one when it is lost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: _Connection | None = None
        self._opening = asyncio.Lock()

    async def grant(self, token: Token, system: str, purpose: Purpose) -> Grant:
        """See `Authority`."""
        answer = await self._ask({"act": "grant", "token": token.value, "system": system, "purpose": purpose})
        return Grant(answer["grant"])

    async def certify(self, request: CertificateRequest) -> Certificate:
        """See `Authority`."""
        answer = await self._ask({"act": "certify", "request": wire.wished(request)})
        return Certificate(answer["certificate"], answer["expires_at"])

    async def check(self) -> None:
        """Ask whether the signer answers; raises `DelegationUnavailable`."""
        await self._ask({"act": "check"})

    async def aclose(self) -> None:
        """End the connection."""
        if self._connection is not None:
            await self._connection.aclose()

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        for attempt in range(ATTEMPTS):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await (await self._connected()).ask(message)
            except TimeoutError:
                break
            except OSError:
                if attempt + 1 == ATTEMPTS:
                    break
        raise DelegationUnavailable("the signer does not answer, so no certificate can be made: try again soon")

    async def _connected(self) -> "_Connection":
        async with self._opening:
            if self._connection is None or self._connection.lost:
                self._connection = _Connection(
                    *await asyncio.open_unix_connection(str(self._path), limit=wire.MAX_LINE)
                )
            return self._connection


class _Connection:
    """Questions by number, and the task that hands each its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.lost = False  # no answer can come any more
        self._reading = asyncio.create_task(self._read())

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer, or the error that the signer sent; `ConnectionError` where the connection is lost."""
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(wire.encode({"number": number} | message))
            await self._writer.drain()
            answer = await future
        except OSError:
            self.lost = True  # writing may notice before reading does
            raise
        finally:
            del self._waiting[number]
            future.cancel()
        if "error" in answer:
            raise wire.read_problem(answer["error"])
        return dict(answer["answer"])

    async def aclose(self) -> None:
        """End it; whoever waits gets a `ConnectionError`."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                answer = wire.decode(line)
                future = self._waiting.get(answer.get("number", -1))
                if future is not None and not future.done():
                    future.set_result(answer)
        except (OSError, ValueError):
            pass  # told to whoever waits, below
        finally:
            self.lost = True
            self._writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the signer closed the connection"))
