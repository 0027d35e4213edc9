"""A GraphQL client for tests: what a user's program would send, and every detail of what comes back."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


async def fetch_token(demo: dict[str, Any], username: str = "fireuser", **more: str) -> str:
    """A token by client credentials (RFC 6749, 4.4)."""
    client = next(client for client in demo["clients"] if client["username"] == username)
    auth = httpx.BasicAuth(client["client_id"], client["client_secret"])
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(demo["token_url"], data={"grant_type": "client_credentials", **more}, auth=auth)
    return str(answer.raise_for_status().json()["access_token"])


async def signed_in(demo: dict[str, Any]) -> "Client":
    """The first user with a new token, for what takes longer than one lasts."""
    return Client(demo, await fetch_token(demo))


@dataclass(frozen=True)
class Client:
    """One user's client of one server."""

    demo: dict[str, Any]
    token: str | None

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    async def post(self, query: str, *, headers: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
        """The whole HTTP answer."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            body = json.dumps({"query": query, "variables": variables})  # in ASCII, which carries half characters too
            said = {"Content-Type": "application/json", **self.headers, **(headers or {})}
            return await http.post(self.demo["graphql_url"], content=body, headers=said)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data; an answer with errors fails the test."""
        said = (await self.post(query, **variables)).json()
        assert "errors" not in said, said["errors"]
        return dict(said["data"])

    async def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The one error of an answer."""
        said = (await self.post(query, **variables)).json()
        assert len(said.get("errors", [])) == 1, said
        return dict(said["errors"][0])

    async def code(self, query: str, **variables: Any) -> str:
        """The code of the one error of an answer."""
        return str((await self.error(query, **variables))["extensions"]["code"])

    async def upload(self, query: str, data: bytes, *, path: str = "variables.input.content", **variables: Any) -> Any:
        """The whole answer to a GraphQL multipart request (its specification by Jayden Seric)."""
        form = {"operations": json.dumps({"query": query, "variables": variables}), "map": json.dumps({"0": [path]})}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            files = {"0": ("upload", data, "application/octet-stream")}
            answer = await http.post(self.demo["graphql_url"], data=form, files=files, headers=self.headers)
        return answer.json()

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """An open graphql-transport-ws socket that has been acknowledged."""
        async with connect(self.demo["ws_url"], subprotocols=[PROTOCOL], proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": self.headers}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            yield socket

    async def events(self, query: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
        """What a subscription is told, field by field, until it completes; an error fails the test."""
        async with self.socket() as socket:
            payload = {"query": query, "variables": variables}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "complete":
                    return
                assert message["type"] == "next", message
                assert not message["payload"].get("errors"), message
                yield next(iter(message["payload"]["data"].values()))
