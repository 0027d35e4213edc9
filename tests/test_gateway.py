"""GraphQL over HTTP: what is understood, what is refused and how, and that nothing goes on for a client that left."""

import asyncio
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from firecrest_gql.demo.node import node_program
from tests.client import Client
from tests.processes import processes
from tests.provider import Provider
from tests.service import STRICT_BODY
from tests.waiting import until

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

VIEWER = "{ viewer { username } }"
GRAPHQL_JSON = "application/graphql-response+json"
AUDIT = Path(__file__).with_name("audit")

NO_REQUEST = {
    "a string": b'"x"',
    "a list": b"[1]",
    "a batch": b'[{"query": "{ viewer { username } }"}]',
    "null": b"null",
    "half an object": b"{",
    "nothing": b"",
    "no UTF-8": b'{"query": "\xff\xfe"}',
    "deep lists": b'{"query": "{ viewer { username } }", "variables": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "an endless number": b'{"query": "{ viewer { username } }", "variables": {"a": ' + b"1" * 5_000 + b"}}",
    "no query": b"{}",
    "an empty query": b'{"query": ""}',
    "a query that is a number": b'{"query": 1}',
    "variables that are a list": b'{"query": "{ viewer { username } }", "variables": [1]}',
    "variables that are a string": b'{"query": "{ viewer { username } }", "variables": "x"}',
    "extensions that are a string": b'{"query": "{ viewer { username } }", "extensions": "x"}',
    "a name of no operation": b'{"query": "query A { viewer { username } }", "operationName": "B"}',
    "a list for a name": b'{"query": "query A { viewer { username } }", "operationName": ["A"]}',
    "two operations and no name": b'{"query": "query A { viewer { username } } query B { viewer { username } }"}',
}


@pytest.fixture
def client(strict: dict[str, Any], provider: Provider) -> Client:
    """Somebody who asks nothing of any system."""
    return Client(strict, provider.token())


async def send(client: Client, method: str = "POST", **request: Any) -> httpx.Response:
    headers = client.headers | request.pop("headers", {})
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.request(method, client.demo["graphql_url"], headers=headers, **request)


def assert_refused(answer: httpx.Response, status: int, code: str = "INVALID_INPUT") -> dict[str, Any]:
    """One error of the whole request, in GraphQL's shape, that tells nothing of our inside."""
    assert answer.status_code == status
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == code
    assert error["extensions"]["requestId"] == answer.headers["X-Request-ID"]
    assert "data" not in answer.json()
    assert "Traceback" not in answer.text
    return dict(error)


async def test_every_check_of_the_graphql_over_http_audit_passes(client: Client) -> None:
    if not (AUDIT / "node_modules").is_dir():
        lack = "the audit of GraphQL over HTTP is not installed: run `npm ci` in tests/audit"
        pytest.fail(lack) if os.environ.get("FIRECREST_REQUIRE_REAL") == "1" else pytest.skip(lack)
    argv = [str(node_program()), "audit.mjs", client.demo["graphql_url"]]
    ended = await asyncio.to_thread(
        subprocess.run, argv, cwd=AUDIT, input=client.token, capture_output=True, text=True, timeout=60, check=True
    )
    results = json.loads(ended.stdout)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) >= 61


async def test_a_query_may_come_by_get(client: Client) -> None:
    answer = await send(client, "GET", params={"query": VIEWER, "variables": "{}"})
    assert answer.json() == {"data": {"viewer": {"username": "fireuser"}}}


async def test_nothing_is_changed_by_get(user: Client) -> None:
    query = 'mutation { createDirectory(input: { system: "local", path: "~/by-get" }) { path } }'
    answer = await send(user, "GET", params={"query": query})
    assert_refused(answer, 405)
    assert answer.headers["Allow"] == "POST"
    assert await user.code('{ system(name: "local") { file(path: "~/by-get") { path } } }') == "NOT_FOUND"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    answer = await send(client, method)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("body", NO_REQUEST.values(), ids=NO_REQUEST)
@pytest.mark.parametrize("accept", ["application/json", GRAPHQL_JSON])
async def test_a_request_is_a_json_object_with_a_query(client: Client, body: bytes, accept: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": accept}
    answer = await send(client, content=body, headers=headers)
    if answer.status_code == 200:  # well-formed JSON whose document fails, told as older clients expect it
        assert accept == "application/json"
        assert_refused(answer, 200)
    else:
        assert_refused(answer, 400)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_other_content_types_are_refused(client: Client, content_type: str) -> None:
    body = json.dumps({"query": VIEWER}).encode()
    assert_refused(await send(client, content=body, headers={"Content-Type": content_type}), 400)


async def test_a_client_of_the_new_media_type_is_told_by_the_status(client: Client) -> None:
    headers = {"Accept": f"{GRAPHQL_JSON}, application/json;q=0.9"}
    good = await send(client, json={"query": VIEWER}, headers=headers)
    assert good.status_code == 200
    assert good.headers["Content-Type"].startswith(GRAPHQL_JSON)
    assert_refused(await send(client, json={"query": "{ nothing }"}, headers=headers), 400)
    assert_refused(await send(client, json={"query": "{"}, headers=headers), 400)


async def test_a_client_of_the_old_media_type_is_told_by_the_errors(client: Client) -> None:
    answer = await send(client, json={"query": "{ nothing }"}, headers={"Accept": "application/json"})
    error = assert_refused(answer, 200)
    assert "nothing" in error["message"]


async def test_an_error_suggests_no_names_to_strangers(client: Client) -> None:
    error = await client.error("{ viewe { username } }")
    assert "viewer" not in error["message"]


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_a_body_over_the_limit_is_not_taken_in(client: Client, chunked: bool) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 4096

    content = chunks() if chunked else b" " * (STRICT_BODY + 1)
    answer = await send(client, content=content, headers={"Content-Type": "application/json"})
    assert str(STRICT_BODY) in assert_refused(answer, 413, "TOO_LARGE")["message"]


async def test_a_body_of_exactly_the_limit_is_read(client: Client) -> None:
    body = json.dumps({"query": VIEWER}).encode()
    answer = await send(client, content=body.ljust(STRICT_BODY), headers={"Content-Type": "application/json"})
    assert answer.json() == {"data": {"viewer": {"username": "fireuser"}}}


async def test_a_strangers_body_is_not_read_at_all(strict: dict[str, Any]) -> None:
    answer = await send(Client(strict, None), content=b" " * 2**20, headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


@pytest.mark.parametrize("given", ["abc-123_X.y", "a" * 64])
async def test_the_callers_own_request_id_is_used(client: Client, given: str) -> None:
    answer = await client.post("{ nothing }", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given
    assert answer.json()["errors"][0]["extensions"]["requestId"] == given


async def test_each_request_is_told_its_own_id_also_of_a_document_that_others_sent_before(client: Client) -> None:
    ids = [f"request-{number}" for number in range(20)]
    answers = await asyncio.gather(*(client.post("{ none }", headers={"X-Request-ID": given}) for given in ids))
    assert [answer.json()["errors"][0]["extensions"]["requestId"] for answer in answers] == ids
    assert len({answer.json()["errors"][0]["message"] for answer in answers}) == 1


@pytest.mark.parametrize("given", ["", "a b", "a" * 65, "a;b", "<script>", "a\tb"])
async def test_what_is_no_request_id_is_replaced(client: Client, given: str) -> None:
    answer = await client.post("{ nothing }", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given
    assert answer.json()["errors"][0]["extensions"]["requestId"] == answer.headers["X-Request-ID"]


MAPS = {
    "a map that is a list": ('{"query": "{ viewer { username } }"}', "[1]"),
    "a map to no place": ('{"query": "{ viewer { username } }", "variables": {}}', '{"0": ["variables.a.b"]}'),
    "a map into a string": (
        '{"query": "{ viewer { username } }", "variables": {"a": "x"}}',
        '{"0": ["variables.a.b"]}',
    ),
    "a map into a list": ('{"query": "{ viewer { username } }", "variables": {"a": []}}', '{"0": ["variables.a.7"]}'),
    "a map over the query": ('{"query": "{ viewer { username } }"}', '{"0": ["query"]}'),
    "a map of numbers": ('{"query": "{ viewer { username } }"}', '{"0": [1]}'),
    "a map that is null": ('{"query": "{ viewer { username } }"}', '{"0": null}'),
    "a map of a missing file": ('{"query": "{ viewer { username } }"}', '{"1": ["variables.a"]}'),
    "operations that are a list": ("[]", '{"0": ["variables.a"]}'),
    "operations that are no JSON": ("{", '{"0": ["variables.a"]}'),
    "a part that is too large": (" " * 50_000 + "{", "{}"),
}


@pytest.mark.parametrize(("operations", "places"), MAPS.values(), ids=MAPS)
async def test_a_multipart_request_names_places_in_its_variables(client: Client, operations: str, places: str) -> None:
    files = {"0": ("name", b"data", "text/plain")}
    assert_refused(await send(client, data={"operations": operations, "map": places}, files=files), 400)


async def test_a_multipart_request_that_is_none_is_refused(client: Client) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_refused(await send(client, content=b"--y\r\nnothing", headers=headers), 400)
    assert_refused(await send(client, content=b"", headers={"Content-Type": "multipart/form-data"}), 400)


async def test_answers_with_tokens_behind_them_are_kept_in_no_cache(client: Client) -> None:
    assert (await client.post(VIEWER)).headers["Cache-Control"] == "no-store"


async def endless(user: Client, name: str) -> tuple[str, Any]:
    """A file in the user's home, of four terabytes that take no room: summing it up does not end."""
    home = Path((await user.ask('{ system(name: "local") { account { home } } }'))["system"]["account"]["home"])
    with (home / name).open("wb") as file:
        file.truncate(2**42)
    return str(home / name), lambda: [pid for pid, argv in processes() if any(name in word for word in argv)]


READ = 'query($path: String!) { system(name: "local") { file(path: $path) { checksum } } }'


async def test_the_work_of_a_client_that_has_left_is_ended_on_the_system(user: Client) -> None:
    path, readers = await endless(user, f"left-{time.time_ns()}")
    asking = asyncio.create_task(user.post(READ, path=path))
    await until(readers)
    asking.cancel()
    await until(lambda: not readers())


async def test_a_request_that_takes_too_long_is_answered_and_its_work_ended(
    hurried: dict[str, Any], user: Client
) -> None:
    path, readers = await endless(user, f"slow-{time.time_ns()}")
    answer = await Client(hurried, user.token).post(READ, path=path)
    error = assert_refused(answer, 504, "COMMAND_TIMEOUT")
    assert error["extensions"]["retryable"] is True
    await until(lambda: not readers())


async def test_a_query_over_a_socket_has_no_more_time_and_a_subscription_as_much_as_it_takes(
    hurried: dict[str, Any], user: Client
) -> None:
    path, readers = await endless(user, f"slow-{time.time_ns()}")
    async with Client(hurried, user.token).socket() as socket:
        for name, query in (("stream", "subscription { taskEvents { task { kind } } }"), ("query", READ)):
            payload = {"query": query, "variables": {"path": path}}
            await socket.send(json.dumps({"type": "subscribe", "id": name, "payload": payload}))
        said = json.loads(await socket.recv())
        assert (said["type"], said["id"]) == ("error", "query")
        assert said["payload"][0]["extensions"]["code"] == "COMMAND_TIMEOUT"
        await until(lambda: not readers())
        await user.ask('mutation { submitJob(input: { system: "local", script: "#!/bin/sh\\n" }) { task { id } } }')
        said = json.loads(await socket.recv())
        assert (said["type"], said["id"]) == ("next", "stream")


async def test_health_needs_no_token(strict: dict[str, Any]) -> None:
    base = strict["graphql_url"].removesuffix("/graphql")
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{base}/livez")).json() == {"status": "HEALTHY"}
        ready = (await http.get(f"{base}/readyz")).json()
    assert ready["status"] == "HEALTHY"


async def test_pages_of_the_sites_origins_alone_may_call_us(client: Client) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for origin, allowed in (("https://portal.example", True), ("https://evil.example", False)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = await http.options(client.demo["graphql_url"], headers=asked)
            assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
