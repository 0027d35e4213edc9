"""What a document may ask: it is measured before anything is executed, however it is written."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import strawberry
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.settings import LimitSettings
from schema import build_schema
from schema.cost import Measure, Size
from tests.client import Client
from tests.provider import Provider

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

LIMITS = LimitSettings()


def nested(levels: int) -> str:
    """Directories in directories."""
    opening = 'file(path: "~") { system { ' * levels
    return f'{{ system(name: "local") {{ {opening} name {"} } " * levels} }} }}'


def fragments(levels: int) -> str:
    """Each fragment spreads the next one twice: 2 ** levels fields from a short text."""
    chain = "".join(f"fragment F{n} on Viewer {{ ...F{n + 1} ...F{n + 1} }} " for n in range(levels))
    return f"{{ viewer {{ ...F0 }} }} {chain} fragment F{levels} on Viewer {{ username }}"


TOO_COMPLEX = {
    "deep selections": nested(10),
    "very deep selections": nested(600),
    "deep inline fragments": "{" + " ... {" * 1500 + " viewer { username } " + "}" * 1500 + "}",
    "deep lists": "{ nodes(ids: " + "[" * 2000 + "]" * 2000 + ") { id } }",
    "deep objects": "{ tasks(filter: " + "{a: " * 1600 + "1" + "}" * 1600 + ") { totalCount } }",
    "deep list types": "query($a: " + "[" * 2000 + "Int" + "]" * 2000 + ") { viewer { username } }",
    "many tokens": "{ viewer { " + "username " * 6000 + "} }",
    "many aliases": "{ "
    + " ".join(f'a{n}: system(name: "local") {{ job(jobId: "1") {{ name }} }}' for n in range(350))
    + "}",
    "a fragment bomb": fragments(20),
    "pages in pages": '{ system(name: "local") { jobs(first: 1000) { nodes { stdout { head { text } } } } } }',
    "a page by variable": """query($n: Int!) { tasks(first: $n) { nodes {
        result { ... on Job { stdout { size } } } } } }""",
    "checksums of a page": """{ system(name: "local") { file(path: "~") { entries(first: 1000) {
        nodes { checksum } } } } }""",
}


@pytest.fixture
def client(strict: dict[str, Any], provider: Provider) -> Client:
    return Client(strict, provider.token())


@pytest.mark.parametrize("query", TOO_COMPLEX.values(), ids=TOO_COMPLEX)
async def test_too_much_is_refused_before_anything_is_executed(client: Client, query: str) -> None:
    answer = await client.post(query, n=1000)
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert error["extensions"]["retryable"] is False
    assert "data" not in answer.json()


async def test_the_costliest_operation_of_a_document_counts(client: Client) -> None:
    body = {"query": f"query Cheap {{ viewer {{ username }} }} query Costly {nested(10)}", "operationName": "Cheap"}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(client.demo["graphql_url"], json=body, headers=client.headers)
    assert answer.json()["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_a_long_document_delays_nobody_else(client: Client) -> None:
    """Bombs are measured in time that grows with their text: those who ask little meanwhile are answered."""
    bombs = [client.code(fragments(200)) for _ in range(5)]
    told, *codes = await asyncio.gather(client.ask("{ viewer { username } }"), *bombs)
    assert told == {"viewer": {"username": "fireuser"}}
    assert set(codes) == {"QUERY_TOO_COMPLEX"}


async def test_the_message_names_the_limit_and_the_way_out(client: Client) -> None:
    assert "maxQueryDepth is 15" in (await client.error(nested(10)))["message"]
    assert "maxQueryCost is 10000" in (await client.error(TOO_COMPLEX["pages in pages"]))["message"]


REMOTE_EVENTS = {
    "a job's script": ("subscription { jobUpdated { job { script } } }", "script"),
    "a file of a job": (
        "subscription { jobUpdated { ...A } } fragment A on JobEvent { job { stdout { path } } }",
        "stdout",
    ),
    "a system's jobs": ("subscription { systemStatus { jobs { totalCount } } }", "jobs"),
    "the system of a task": ("subscription { taskEvents { task { system { account { uid } } } } }", "account"),
}


@pytest.mark.parametrize(("query", "field"), REMOTE_EVENTS.values(), ids=REMOTE_EVENTS)
async def test_an_event_carries_nothing_that_takes_a_remote_command(client: Client, query: str, field: str) -> None:
    async with client.socket() as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        [error] = json.loads(await socket.recv())["payload"]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert error["message"].startswith(f"{field} needs a remote command")


async def test_a_cycle_of_fragments_is_no_document(client: Client) -> None:
    query = "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }"
    answer = await client.post(query)
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"INVALID_INPUT"}


async def test_tools_may_ask_for_the_whole_schema(client: Client) -> None:
    everything = get_introspection_query(
        descriptions=True, specified_by_url=True, directive_is_repeatable=True, schema_description=True
    )
    told = await client.ask(everything)
    assert told["__schema"]["queryType"]["name"] == "Query"


async def test_what_a_person_asks_is_within_the_limits(client: Client) -> None:
    await client.ask(
        """{ viewer { username } systems { name status checks { name status } limits { maxPageSize } }
        service { components { name } } tasks { totalCount nodes { id status history { version } } } }"""
    )


@strawberry.type
class Query:
    """A small schema whose fields cost 1."""

    leaf: int

    @strawberry.field
    def a(self) -> "Query":
        return self

    @strawberry.field
    def b(self, first: int = 10, paths: list[str] | None = None) -> "Query":
        return self


SMALL = strawberry.Schema(Query)._schema


def size(query: str, page: int = 100, **variables: object) -> Size:
    document = parse(query)
    return Measure(SMALL, document, variables, page).operation(document.definitions[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ leaf }", Size(1, 1)),
        ("{ a { leaf } }", Size(2, 2)),
        ("{ a { leaf } leaf }", Size(2, 3)),
        ("{ b { leaf } }", Size(2, 11)),
        ("{ b(first: 3) { leaf leaf } }", Size(2, 7)),
        ("{ b(first: 0) { leaf } }", Size(2, 2)),
        ("{ b(first: 2) { b(first: 3) { leaf } } }", Size(3, 9)),
        ('{ b(first: 1, paths: ["x", "y", "z"]) { leaf } }', Size(2, 4)),
        ("{ ... { a { ... on Query { leaf } } } }", Size(2, 2)),
        ("{ ...F } fragment F on Query { a { leaf } }", Size(2, 2)),
        ("{ ...F ...F } fragment F on Query { leaf }", Size(1, 2)),
    ],
)
def test_a_document_costs_its_fields_times_the_pages_that_they_stand_in(query: str, expected: Size) -> None:
    assert size(query) == expected


def test_a_page_by_variable_costs_what_the_variable_says() -> None:
    query = "query($n: Int) { b(first: $n) { leaf } }"
    assert size(query, n=7) == Size(2, 8)
    assert size(query) == Size(2, 101)  # not given: what a page can be at most
    assert size("query($n: Int = 7) { b(first: $n) { leaf } }") == Size(2, 8)
    assert size("query($n: Int = 7) { b(first: $n) { leaf } }", n=9) == Size(2, 10)
    assert size("query($n: Int = 7) { b(first: $n) { leaf } }", n=None) == Size(2, 101)
    two = "query A($n: Int = 7) { ...F } query B($n: Int = 9) { ...F } fragment F on Query { b(first: $n) { leaf } }"
    assert size(two) == Size(2, 10)  # they share the fragment: the larger
    assert size(two.replace("= 9", "")) == Size(2, 101)
    assert size("query($p: [String!]) { b(first: 1, paths: $p) { leaf } }", p=["x"] * 9) == Size(2, 10)


@given(st.integers(1, 12), st.integers(1, 12))
def test_what_a_fragment_expands_to_is_counted_wherever_it_stands(width: int, levels: int) -> None:
    spreads = " ".join(f"x{n}: a {{ ...F }}" for n in range(width))
    chain = "leaf" if levels == 1 else "a { " * (levels - 1) + "leaf" + " }" * (levels - 1)
    assert size(f"{{ {spreads} }} fragment F on Query {{ {chain} }}") == Size(levels + 1, width * (levels + 1))


def test_each_fragment_is_measured_once() -> None:
    levels = 1000
    chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in reversed(range(levels)))
    document = parse(f"{{ ...F{levels - 5} }} {chain} fragment F{levels} on Query {{ leaf }}")
    assert Measure(SMALL, document, {}, 1).operation(document.definitions[0]) == Size(1, 2**5)  # type: ignore[arg-type]


async def test_large_values_belong_into_variables(user: Client) -> None:
    large = "x" * 300_000
    assert await user.code(f'{{ task(id: "{large}") {{ id }} }}') == "QUERY_TOO_COMPLEX"
    assert await user.code("query($id: ID!) { task(id: $id) { id } }", id=large) == "NOT_FOUND"


def test_the_limits_of_the_settings_are_those_that_are_enforced() -> None:
    tight = build_schema(LIMITS.model_copy(update={"max_query_depth": 2, "max_query_cost": 3}))
    for query, refused in (
        ("{ viewer { username } }", False),
        ("{ service { limits { maxPageSize } } }", True),
        ("{ viewer { username subject scopes } }", True),
    ):
        told = tight.execute_sync(query).errors or []
        assert any("maxQuery" in error.message for error in told) is refused
