"""Whatever stands in an argument, the answer is one of the contract's errors: nothing is a fault of ours."""

import asyncio
from typing import Any

import pytest

from tests.client import Client
from tests.sizes import FULL

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

ODD: list[Any] = [
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\ud800",
        "\udcff",
        "x" * 5000,
        "'\"$(id)`;\n",
        "-",
        "--",
        "-rf",
        "*",
        "[",
        "%n%s",
        "\\0041",
    ),
    *("../..", "~", "~/\udcff", "~/\ud800", "~root/x", "/" + "a" * 300, "base64:", "base64:!", "base64:L3RtcAA="),
    *(
        "task_",
        "task_\ud800",
        "file_AAAA",
        "system_AAAA",
        "job_AAAA",
        "c_AAAA",
        "1",
        "-1",
        "1e9",
        "None",
        "\u202e",
        "😀",
    ),
]

STRINGS = {
    "system": "query($x: String!) { system(name: $x) { name } }",
    "file": 'query($x: String!) { system(name: "local") { file(path: $x) { path rawPath id } } }',
    "files": 'query($x: String!) { system(name: "local") { files(paths: [$x, "~"]) { path } } }',
    "match": 'query($x: String!) { system(name: "local") { file(path: "~") { entries(match: $x) { totalCount } } } }',
    "after": 'query($x: String!) { system(name: "local") { file(path: "~") { entries(after: $x) { totalCount } } } }',
    "jobs after": 'query($x: String!) { system(name: "local") { jobs(after: $x) { totalCount } } }',
    "job": 'query($x: String!) { system(name: "local") { job(jobId: $x) { jobId } } }',
    "jobs filter": """query($x: String!) { system(name: "local") { jobs(filter: {
        name: $x, partition: $x, account: $x, qos: $x }) { totalCount } } }""",
    "jobs of users": 'query($x: String!) { system(name: "local") { jobs(filter: { users: [$x] }) { totalCount } } }',
    "jobs by id": 'query($x: String!) { system(name: "local") { jobs(filter: { jobIds: [$x] }) { totalCount } } }',
    "task": "query($x: ID!) { task(id: $x) { id } }",
    "tasks after": "query($x: String!) { tasks(after: $x) { totalCount } }",
    "tasks filter": "query($x: String!) { tasks(filter: { system: $x }) { totalCount } }",
    "node": "query($x: ID!) { node(id: $x) { id } }",
    "times": 'query($x: DateTime!) { system(name: "local") { jobs(filter: { since: $x }) { totalCount } } }',
    "offset": """query($x: BigInt!) { system(name: "local") {
        file(path: "/etc/passwd") { content(offset: $x, length: 1) { text } } } }""",
    "mode": 'mutation($x: String!) { createDirectory(input: { system: "local", path: "~/m", mode: $x }) { path } }',
    "cancel": """mutation($x: String!) { cancelJobs(input: {
        system: "local", jobIds: [$x], signal: $x, idempotencyKey: $x }) { task { id } } }""",
    "submit paths": """mutation($x: String!) { submitJob(input: { system: "local", script: "x", workingDirectory: $x,
        stdoutPath: $x, stderrPath: $x, stdinPath: $x, idempotencyKey: $x }) { task { id } } }""",
    "submit words": """mutation($x: String!) { submitJob(input: { system: "local", script: "x", partition: $x,
        account: $x, qos: $x, dependency: $x, constraint: $x, reservation: $x }) { task { id } } }""",
    "upload": """mutation($x: Upload!) { uploadFile(input: {
        system: "local", path: "~/u", content: $x }) { path } }""",
    "no such field": "query($x: String!) { nothing(x: $x) }",
}
TIMES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2020-01-01T00:00:00", "2020-02-30T00:00:00Z"]
NUMBERS: list[Any] = [10**30, -1, 2**63, 1.5, True, None, [], {}]


@pytest.mark.parametrize("query", STRINGS.values(), ids=STRINGS)
async def test_no_argument_brings_about_a_fault_of_ours(user: Client, query: str) -> None:
    # In the small size every third, beginning elsewhere for each argument.
    values = [*ODD, *TIMES, *NUMBERS][(0 if FULL else len(query) % 3) :: 1 if FULL else 3]
    for begin in range(0, len(values), 8):
        answers = await asyncio.gather(*(user.post(query, x=value) for value in values[begin : begin + 8]))
        for value, answer in zip(values[begin:], answers, strict=False):
            for error in answer.json().get("errors", []):
                assert error["extensions"]["code"] not in ("INTERNAL", "COMMAND_FAILED"), (value, error)
                assert error["extensions"]["requestId"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("value", ["2020-01-01T00:00:00", "2020-01-01", "yesterday", 5, "2020-02-30T00:00:00Z"])
async def test_a_time_without_its_offset_is_no_time(user: Client, value: Any) -> None:
    error = await user.error("query($x: DateTime!) { tasks(filter: { since: $x }) { totalCount } }", x=value)
    assert error["extensions"]["code"] == "INVALID_INPUT"


async def test_a_number_may_come_as_its_digits(user: Client) -> None:
    query = STRINGS["offset"]
    for value in (1, "1"):
        assert (await user.ask(query, x=value))["system"]["file"]["content"]["text"] == "o"
    for value in ("1.0", "０", " 1", "0x1", "1_0", "9" * 41):
        assert await user.code(query, x=value) == "INVALID_INPUT"
