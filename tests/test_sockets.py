"""graphql-transport-ws and server-sent events: the protocol to the letter, and every stream ends with its token."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.client import PROTOCOL, Client
from tests.provider import Provider
from tests.waiting import until

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

VIEWER = "{ viewer { username } }"
EVENTS = "subscription { taskEvents { cursor } }"
FOLLOW = "subscription($id: ID!) { taskUpdated(id: $id) { version status final } }"
SUBMIT = """mutation($script: String!) { submitJob(input: { system: "local", script: $script }) { task { id } } }"""


@pytest.fixture
def client(strict: dict[str, Any], provider: Provider) -> Client:
    """Somebody whose server carries three operations on a socket."""
    return Client(strict, provider.token())


@asynccontextmanager
async def opened(described: dict[str, Any]) -> AsyncIterator[ClientConnection]:
    """A socket on which nothing has been said."""
    async with connect(described["ws_url"], subprotocols=[PROTOCOL], proxy=None) as socket:
        yield socket


async def tell(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def told(socket: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(await asyncio.wait_for(socket.recv(), 30)))


async def ask(socket: ClientConnection, query: str, id: str = "1", **variables: Any) -> None:  # noqa: A002
    await tell(socket, type="subscribe", id=id, payload={"query": query, "variables": variables})


async def closed(socket: ClientConnection) -> tuple[int | None, str]:
    """The close code and reason, whatever is told before."""
    async with asyncio.timeout(30):
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
        await socket.wait_closed()
    return socket.close_code, socket.close_reason or ""


NO_MESSAGES: dict[str, str | bytes] = {
    "a list": "[1]",
    "a string": '"x"',
    "null": "null",
    "no JSON": "{",
    "deep JSON": "[" * 20_000,
    "an endless number": "1" * 6_000,
    "bytes": b'{"type": "ping"}',
    "no type": "{}",
    "a type that is a number": '{"type": 5}',
    "an unknown type": '{"type": "start"}',
    "a long unknown type": json.dumps({"type": "é" * 200}),
    "a ping with a string": '{"type": "ping", "payload": "x"}',
    "a subscribe without id": json.dumps({"type": "subscribe", "payload": {"query": VIEWER}}),
    "a subscribe with a number for its id": json.dumps({"type": "subscribe", "id": 1, "payload": {"query": VIEWER}}),
    "a subscribe with an empty id": json.dumps({"type": "subscribe", "id": "", "payload": {"query": VIEWER}}),
    "a subscribe with a long id": json.dumps({"type": "subscribe", "id": "x" * 300, "payload": {"query": VIEWER}}),
    "a subscribe without payload": '{"type": "subscribe", "id": "1"}',
    "a subscribe with a list": '{"type": "subscribe", "id": "1", "payload": []}',
    "a subscribe without query": '{"type": "subscribe", "id": "1", "payload": {}}',
    "a subscribe with an empty query": '{"type": "subscribe", "id": "1", "payload": {"query": " "}}',
    "variables that are a list": json.dumps(
        {"type": "subscribe", "id": "1", "payload": {"query": VIEWER, "variables": [1]}}
    ),
    "a name that is a number": json.dumps(
        {"type": "subscribe", "id": "1", "payload": {"query": VIEWER, "operationName": 1}}
    ),
    "a complete without id": '{"type": "complete"}',
    "a message of the server's": '{"type": "connection_ack"}',
}


@pytest.mark.parametrize("message", NO_MESSAGES.values(), ids=NO_MESSAGES)
async def test_what_is_no_message_of_the_protocol_closes_the_socket(client: Client, message: str | bytes) -> None:
    async with client.socket() as socket:
        await socket.send(message)
        code, reason = await closed(socket)
        assert code == 4400
        assert reason


@pytest.mark.parametrize("message", NO_MESSAGES.values(), ids=NO_MESSAGES)
async def test_a_stranger_who_speaks_nonsense_is_closed_out(client: Client, message: str | bytes) -> None:
    async with opened(client.demo) as socket:
        await socket.send(message)
        assert (await closed(socket))[0] == 4400


async def test_nobody_subscribes_before_saying_who_it_is(client: Client) -> None:
    async with opened(client.demo) as socket:
        await ask(socket, VIEWER)
        assert (await closed(socket))[0] == 4401


async def test_who_it_is_is_said_once(client: Client) -> None:
    async with client.socket() as socket:
        await tell(socket, type="connection_init", payload=client.headers)
        assert (await closed(socket))[0] == 4429


async def test_a_second_operation_under_a_used_id_closes_the_socket(client: Client) -> None:
    async with client.socket() as socket:
        await ask(socket, EVENTS, id="é" * 150)
        await ask(socket, EVENTS, id="é" * 150)
        assert (await closed(socket))[0] == 4409


async def test_pings_are_answered_before_and_after_the_beginning(client: Client) -> None:
    async with opened(client.demo) as socket:
        await tell(socket, type="ping")
        assert await told(socket) == {"type": "pong"}
        await tell(socket, type="connection_init", payload=client.headers)
        assert await told(socket) == {"type": "connection_ack"}
        await tell(socket, type="ping", payload={"at": 1})
        await tell(socket, type="pong")
        assert await told(socket) == {"type": "pong"}


async def test_a_query_is_answered_over_a_socket(client: Client) -> None:
    async with client.socket() as socket:
        await ask(socket, VIEWER)
        assert await told(socket) == {
            "type": "next",
            "id": "1",
            "payload": {"data": {"viewer": {"username": "fireuser"}}},
        }
        assert await told(socket) == {"type": "complete", "id": "1"}
        await ask(socket, VIEWER)  # the id is free again
        assert (await told(socket))["type"] == "next"


async def test_a_mutation_is_done_over_a_socket(user: Client) -> None:
    path = f"~/socket-{time.time_ns()}"
    async with user.socket() as socket:
        query = 'mutation($path: String!) { createDirectory(input: { system: "local", path: $path }) { path } }'
        await ask(socket, query, path=path)
        assert (await told(socket))["payload"]["data"] == {"createDirectory": {"path": path}}
    query = 'query($path: String!) { system(name: "local") { file(path: $path) { type } } }'
    assert (await user.ask(query, path=path))["system"]["file"] == {"type": "DIRECTORY"}


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "query A { viewer { nothing } }", 'subscription { taskUpdated(id: "x") { nothing } }']
)
async def test_a_document_that_does_not_hold_fails_its_own_operation_alone(client: Client, query: str) -> None:
    async with client.socket() as socket:
        await ask(socket, EVENTS, id="other")
        await ask(socket, query)
        answer = await told(socket)
        assert (answer["type"], answer["id"]) == ("error", "1")
        [error] = answer["payload"]
        assert error["extensions"]["code"] == "INVALID_INPUT"
        assert error["extensions"]["requestId"]
        await tell(socket, type="ping")
        assert await told(socket) == {"type": "pong"}


async def test_a_costly_document_is_refused_over_a_socket_too(client: Client) -> None:
    async with client.socket() as socket:
        await ask(socket, '{ system(name: "local") { jobs(first: 1000) { nodes { stdout { head { text } } } } } }')
        [error] = (await told(socket))["payload"]
        assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_one_operation_too_many_is_refused_and_room_is_made_by_ending_one(client: Client) -> None:
    async with client.socket() as socket:
        for number in range(4):
            await ask(socket, EVENTS, id=str(number))
        answer = await told(socket)
        assert (answer["type"], answer["id"]) == ("error", "3")
        assert answer["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await tell(socket, type="complete", id="0")
        await ask(socket, VIEWER, id="4")
        assert (await told(socket))["type"] == "next"


async def test_an_error_inside_an_answer_has_its_code(client: Client) -> None:
    async with client.socket() as socket:
        await ask(socket, FOLLOW, id="1")  # without its variable
        [error] = (await told(socket))["payload"]
        assert error["extensions"]["code"] == "INVALID_INPUT"
        await tell(socket, type="subscribe", id="2", payload={"query": FOLLOW, "variables": {"id": "task_none"}})
        answer = await told(socket)
        errors = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_task_is_followed_to_its_end(user: Client) -> None:
    task_id = (await user.ask(SUBMIT, script="#!/bin/sh\n"))["submitJob"]["task"]["id"]
    seen = [state async for state in user.events(FOLLOW, id=task_id)]
    assert [state["version"] for state in seen] == sorted({state["version"] for state in seen})
    assert [state["final"] for state in seen][-1] is True
    assert seen[-1]["status"] == "SUCCEEDED"


async def test_nothing_comes_after_a_client_has_ended_its_stream(user: Client) -> None:
    async with user.socket() as socket:
        await ask(socket, EVENTS)
        await tell(socket, type="ping")
        assert await told(socket) == {"type": "pong"}
        await tell(socket, type="complete", id="1")
        task_id = (await user.ask(SUBMIT, script="#!/bin/sh\n"))["submitJob"]["task"]["id"]
        async for _ in user.events(FOLLOW, id=task_id):
            pass
        await tell(socket, type="ping")
        assert await told(socket) == {"type": "pong"}


async def test_a_socket_ends_with_its_token(strict: dict[str, Any], provider: Provider) -> None:
    client = Client(strict, provider.token(exp=int(time.time()) + 2))
    async with client.socket() as socket:
        await ask(socket, EVENTS)
        code, reason = await closed(socket)
        assert code == 4401
        assert "expired" in reason


async def test_subscriptions_that_are_told_alike_are_told_so_under_their_own_ids(user: Client) -> None:
    task_id = (await user.ask(SUBMIT, script="#!/bin/sh\n"))["submitJob"]["task"]["id"]
    last: dict[str, Any] = {'"quoted\\"': None, "日本": None, "3": None}
    async with user.socket() as socket:
        for each in last:
            payload = {"query": FOLLOW, "variables": {"id": task_id}}
            await tell(socket, type="subscribe", id=each, payload=payload)
        completed: set[str] = set()
        while completed != {*last}:
            message = await told(socket)
            if message["type"] == "complete":
                completed.add(message["id"])
            else:
                last[message["id"]] = message["payload"]
    same, *others = last.values()
    assert same["data"]["taskUpdated"]["status"] == "SUCCEEDED"
    assert others == [same, same]


@pytest.mark.parametrize("protocols", [["graphql-ws"], ["graphql-ws", "x"], None, ["graphql-transport-ws2"]])
async def test_only_the_one_protocol_is_spoken(client: Client, protocols: list[Subprotocol] | None) -> None:
    async with connect(client.demo["ws_url"], subprotocols=protocols, proxy=None) as socket:
        assert (await closed(socket))[0] == 4406


async def test_the_one_protocol_is_chosen_among_several(client: Client) -> None:
    offered = [Subprotocol("graphql-ws"), PROTOCOL]
    async with connect(client.demo["ws_url"], subprotocols=offered, proxy=None) as socket:
        assert socket.subprotocol == PROTOCOL


async def test_a_page_of_another_origin_opens_no_socket(client: Client) -> None:
    address = client.demo["ws_url"]
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            address, subprotocols=[PROTOCOL], proxy=None, additional_headers={"Origin": "https://evil.example"}
        )
    assert refused.value.response.status_code == 403
    for origin in ("https://portal.example", address.replace("ws://", "http://").removesuffix("/graphql")):
        async with connect(address, subprotocols=[PROTOCOL], proxy=None, additional_headers={"Origin": origin}):
            pass


async def test_there_is_room_for_so_many_sockets_and_no_more(hurried: dict[str, Any], user: Client) -> None:
    client = Client(hurried, user.token)

    async def fits() -> bool:
        try:
            async with client.socket():
                return True
        except InvalidStatus:
            return False

    async with client.socket(), client.socket():
        assert not await fits()
    await until(fits)


async def test_whoever_says_nothing_is_closed_out(hurried: dict[str, Any]) -> None:
    async with opened(hurried) as socket:
        assert (await closed(socket))[0] == 4408


async def sse(client: Client, query: str, **variables: Any) -> list[tuple[str, Any]]:
    """Every event of a stream of server-sent events, to its end."""
    events: list[tuple[str, Any]] = []
    headers = client.headers | {"Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
        http.stream(
            "POST", client.demo["graphql_url"], json={"query": query, "variables": variables}, headers=headers
        ) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Request-ID"]
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                events.append((line.removeprefix("event: "), None))
            elif line.startswith("data: ") and line != "data: ":
                events[-1] = (events[-1][0], json.loads(line.removeprefix("data: ")))
    return events


async def test_a_task_is_followed_by_server_sent_events_to_its_end(user: Client) -> None:
    task_id = (await user.ask(SUBMIT, script="#!/bin/sh\n"))["submitJob"]["task"]["id"]
    *states, end = await sse(user, FOLLOW, id=task_id)
    assert end == ("complete", None)
    assert {name for name, _ in states} == {"next"}
    assert states[-1][1]["data"]["taskUpdated"]["status"] == "SUCCEEDED"


async def test_a_stream_of_server_sent_events_ends_with_its_token(strict: dict[str, Any], provider: Provider) -> None:
    assert await sse(Client(strict, provider.token(exp=int(time.time()) + 2)), EVENTS) == []


async def test_what_cannot_be_streamed_is_told_in_the_stream(client: Client) -> None:
    for query, code in ((" ", "INVALID_INPUT"), ("{", "INVALID_INPUT"), ("subscription { nothing }", "INVALID_INPUT")):
        (_, said), end = await sse(client, query)
        assert said["errors"][0]["extensions"]["code"] == code
        assert end == ("complete", None)


async def test_a_stranger_is_streamed_nothing(strict: dict[str, Any]) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(strict["graphql_url"], json={"query": EVENTS}, headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401


async def test_a_subscription_without_a_stream_is_refused(client: Client) -> None:
    answer = await client.post(EVENTS)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
