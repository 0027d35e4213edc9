"""The service as its users see it: systems, limits, ids, tasks; what is theirs and what is not."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any

import pytest

from tests.client import Client
from tests.waiting import until

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

TASK = "id kind status final version message system { name } error { code message retryable }"
SUBMIT = (
    "mutation($input: SubmitJobInput!, $wait: Float! = 20) { submitJob(input: $input, waitSeconds: $wait) { task { "
    + TASK
    + " result { ... on Job { id jobId name state } } } } }"
)
CANCEL = (
    "mutation($input: CancelJobsInput!, $wait: Float! = 20) { cancelJobs(input: $input, waitSeconds: $wait) { task { "
    + TASK
    + " result { ... on JobResults { results { jobId error { code } job { state } } } } } } }"
)
SCRIPT = "#!/bin/sh\ntrue\n"


async def submit(user: Client, wait: float = 20, **given: Any) -> dict[str, Any]:
    """The task, once it is final or the time is over."""
    said = await user.ask(SUBMIT, input={"system": "local", "script": SCRIPT, **given}, wait=wait)
    return dict(said["submitJob"]["task"])


async def cancel(user: Client, *job_ids: str, **given: Any) -> dict[str, Any]:
    said = await user.ask(CANCEL, input={"system": "local", "jobIds": list(job_ids), **given})
    return dict(said["cancelJobs"]["task"])


async def test_a_system_is_described_by_its_settings_and_its_last_checks(user: Client) -> None:
    query = """{ systems { id name description status checks { name status checkedAt latencySeconds }
        scheduler { kind } fileSystems { path kind default } limits { maxInlineFileSize commandTimeoutSeconds } } }"""

    async def local() -> Any:
        return next(system for system in (await user.ask(query))["systems"] if system["name"] == "local")

    async def healthy() -> bool:
        return bool((await local())["status"] == "HEALTHY")

    await until(healthy)
    found = await local()
    assert [(check["name"], check["status"]) for check in found["checks"]] == [("ssh", "HEALTHY")]
    assert found["checks"][0]["latencySeconds"] > 0
    assert found["scheduler"] == {"kind": "direct"}
    assert [place["kind"] for place in found["fileSystems"]] == ["home"]
    assert found["limits"] == {"maxInlineFileSize": 5 * 2**20, "commandTimeoutSeconds": 30.0}


async def test_an_unknown_system_makes_its_own_field_null_and_the_others_answer(user: Client) -> None:
    said = (await user.post('{ system(name: "nowhere") { name } viewer { username } }')).json()
    assert said["data"] == {"system": None, "viewer": {"username": "fireuser"}}
    assert said["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert "nowhere" in said["errors"][0]["message"]


async def test_the_account_is_told_by_the_system_itself(user: Client, other_user: Client) -> None:
    query = '{ system(name: "local") { account { username uid gid groups { gid name } home shell } } }'
    accounts = [(await one.ask(query))["system"]["account"] for one in (user, other_user)]
    assert [account["username"] for account in accounts] == ["fireuser", "fireuser2"]
    assert len({account["home"] for account in accounts}) == 2
    assert accounts[0]["gid"] in {group["gid"] for group in accounts[0]["groups"]}


async def test_every_part_of_the_service_is_healthy(user: Client) -> None:
    query = "{ service { name version components { name status checkedAt message } } }"

    async def healthy() -> bool:
        components = (await user.ask(query))["service"]["components"]
        return bool(components) and {part["status"] for part in components} == {"HEALTHY"}

    await until(healthy)
    service = (await user.ask(query))["service"]
    assert service["version"] == metadata.version("firecrest-gql")
    assert {part["name"] for part in service["components"]} == {
        *("api", "tasks", "workers", "object store", "identity provider", "signer")
    }


async def test_the_parameters_are_the_limits_by_name(user: Client) -> None:
    said = (
        await user.ask(
            """{ service { parameters { name value unit description } limits {
            maxInlineFileSize maxUploadSize commandTimeoutSeconds maxPageSize maxQueryDepth maxQueryCost
            stagedFileRetentionSeconds } } }"""
        )
    )["service"]
    assert {one["name"]: float(one["value"]) for one in said["parameters"]} == said["limits"]
    assert all(one["unit"] and one["description"] for one in said["parameters"])


PAGES = {
    "tasks": "{ tasks(first: %d) { totalCount } }",
    "jobs": '{ system(name: "local") { jobs(first: %d) { totalCount } } }',
    "entries": '{ system(name: "local") { file(path: "~") { entries(first: %d) { totalCount } } } }',
}


@pytest.mark.parametrize("query", PAGES.values(), ids=PAGES)
async def test_a_page_is_no_larger_than_the_limit_says(user: Client, query: str) -> None:
    limit = (await user.ask("{ service { limits { maxPageSize } } }"))["service"]["limits"]["maxPageSize"]
    await user.ask(query % limit)
    for first in (limit + 1, -1):
        error = await user.error(query % first)
        assert error["extensions"]["code"] == "INVALID_INPUT"
        assert "first" in error["message"]


async def test_everything_with_an_id_is_found_by_it(user: Client) -> None:
    task = await submit(user, name="by-id")
    said = await user.ask('{ system(name: "local") { id file(path: "~") { id } } }')
    known = {
        "System": said["system"]["id"],
        "File": said["system"]["file"]["id"],
        "Job": task["result"]["id"],
        "Task": task["id"],
    }
    for kind, node_id in known.items():
        found = (await user.ask("query($id: ID!) { node(id: $id) { __typename id } }", id=node_id))["node"]
        assert found == {"__typename": kind, "id": node_id}
    asked = [*known.values(), "file_", "task_" + "a" * 28, "nonsense", *known.values()]
    said = (await user.post("query($ids: [ID!]!) { nodes(ids: $ids) { __typename } }", ids=asked)).json()
    assert [node and node["__typename"] for node in said["data"]["nodes"]] == [*known, None, None, None, *known]
    assert {error["extensions"]["code"] for error in said["errors"]} <= {"NOT_FOUND", "INVALID_INPUT"}


async def test_too_many_things_at_once_are_refused(user: Client) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert await user.code(query, ids=["x"] * 1001) == "INVALID_INPUT"
    query = 'query($paths: [String!]!) { system(name: "local") { files(paths: $paths) { name } } }'
    assert await user.code(query, paths=["/"] * 1001) == "INVALID_INPUT"


async def test_tasks_are_paged_newest_first_without_a_gap(user: Client) -> None:
    made = [(await submit(user, wait=0))["id"] for _ in range(5)]
    query = (
        "query($after: String) { tasks(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    seen: list[str] = []
    after = None
    while len(seen) < 5:
        page = (await user.ask(query, after=after))["tasks"]
        assert len(page["nodes"]) == 2
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen[:5] == made[::-1]
    assert len(seen) == len(set(seen))


async def test_tasks_are_filtered_by_every_condition(user: Client) -> None:
    begun = datetime.now(UTC)
    task = await submit(user)
    gone = await cancel(user, "999999")
    query = "query($filter: TaskFilter) { tasks(filter: $filter, first: 1000) { nodes { id kind status } totalCount } }"

    async def ids(**conditions: Any) -> list[str]:
        since = {"since": begun.isoformat()}
        return [node["id"] for node in (await user.ask(query, filter=since | conditions))["tasks"]["nodes"]]

    assert await ids() == [gone["id"], task["id"]]
    assert await ids(kinds=["SUBMIT_JOB"]) == [task["id"]]
    assert await ids(kinds=["CANCEL_JOBS"], statuses=[gone["status"]]) == [gone["id"]]
    assert await ids(statuses=["QUEUED"]) == []
    assert await ids(system="elsewhere") == []
    assert await ids(since=(begun + timedelta(days=1)).isoformat()) == []
    assert (await user.ask(query, filter={"since": begun.isoformat()}))["tasks"]["totalCount"] == 2


async def test_no_event_is_lost_between_a_list_and_its_stream(user: Client) -> None:
    cursor = (await user.ask("{ tasks(first: 1) { eventCursor } }"))["tasks"]["eventCursor"]
    task = await submit(user)
    changes = []
    async for event in user.events(
        "subscription($after: String) { taskEvents(after: $after) { cursor change { version status } task { id } } }",
        after=cursor,
    ):
        if event["task"]["id"] == task["id"]:
            changes.append((event["change"]["version"], event["change"]["status"]))
            if event["change"]["status"] == "SUCCEEDED":
                break
    assert [version for version, _ in changes] == list(range(1, len(changes) + 1))


async def test_the_same_key_and_input_give_the_same_task(user: Client, other_user: Client) -> None:
    key = f"key-{time.time_ns()}"
    first, second = await asyncio.gather(submit(user, idempotencyKey=key), submit(user, idempotencyKey=key))
    assert first["id"] == second["id"]
    assert first["result"]["jobId"] == second["result"]["jobId"]
    other_input = {"system": "local", "script": SCRIPT + "#", "idempotencyKey": key}
    assert await user.code(SUBMIT, input=other_input) == "CONFLICT"
    assert (await submit(other_user, idempotencyKey=key))["id"] != first["id"]


async def test_the_answer_is_held_until_the_task_ends_or_the_time_is_over(user: Client) -> None:
    task = await submit(user, name="held")
    assert (task["status"], task["final"], task["result"]["name"]) == ("SUCCEEDED", True, "held")
    at_once = await submit(user, wait=0)
    assert at_once["status"] in ("QUEUED", "RUNNING", "SUCCEEDED")
    for wait in (-1, 31):
        error = await user.error(SUBMIT, input={"system": "local", "script": SCRIPT}, wait=wait)
        assert error["extensions"]["code"] == "INVALID_INPUT"
        assert "waitSeconds" in error["message"]


SUBMITS_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to run": ({"script": None}, "INVALID_INPUT"),
    "two things to run": ({"scriptPath": "~/x"}, "INVALID_INPUT"),
    "a relative directory": ({"workingDirectory": "here"}, "INVALID_INPUT"),
    "a variable without a name": ({"environment": [{"name": "", "value": "x"}]}, "INVALID_INPUT"),
    "a variable that chooses programs": ({"environment": [{"name": "PATH", "value": "/evil"}]}, "INVALID_INPUT"),
    "no time": ({"timeLimitSeconds": 0}, "INVALID_INPUT"),
    "no such system": ({"system": "nowhere"}, "NOT_FOUND"),
    "an empty key": ({"idempotencyKey": ""}, "INVALID_INPUT"),
    "a key of bytes": ({"idempotencyKey": "\udcff"}, "INVALID_INPUT"),
}


@pytest.mark.parametrize(("given", "code"), SUBMITS_REFUSED.values(), ids=SUBMITS_REFUSED)
async def test_a_job_that_can_never_be_makes_no_task(user: Client, given: dict[str, Any], code: str) -> None:
    async def newest() -> Any:
        return (await user.ask("{ tasks(first: 1) { nodes { id } } }"))["tasks"]["nodes"]

    before = await newest()
    assert await user.code(SUBMIT, input={"system": "local", "script": SCRIPT, **given}) == code
    assert await newest() == before


async def test_a_script_that_is_not_there_fails_its_task(user: Client) -> None:
    task = await submit(user, script=None, scriptPath="~/no-such-script")
    assert task["status"] == "FAILED"
    assert task["error"]["code"] in ("NOT_FOUND", "SCHEDULER_REJECTED")
    assert "no-such-script" in task["error"]["message"]


async def test_running_jobs_are_cancelled_and_each_is_told_of(user: Client) -> None:
    running = (await submit(user, script="#!/bin/sh\nsleep 600\n"))["result"]["jobId"]
    task = await cancel(user, running, "999999999")
    results = {result["jobId"]: result for result in task["result"]["results"]}
    assert results[running]["error"] is None
    assert results["999999999"]["error"]["code"] == "NOT_FOUND"
    query = 'query($id: String!) { system(name: "local") { job(jobId: $id) { state final } } }'

    async def cancelled() -> bool:
        return bool((await user.ask(query, id=running))["system"]["job"] == {"state": "CANCELLED", "final": True})

    await until(cancelled)


async def test_what_cannot_be_cancelled_makes_no_task(user: Client) -> None:
    refused: list[dict[str, Any]] = [
        *({"jobIds": []}, {"jobIds": ["-9"]}, {"jobIds": ["1; reboot"]}),
        {"jobIds": ["1"], "signal": "NONE"},
    ]
    for given in refused:
        assert await user.code(CANCEL, input={"system": "local", **given}) == "INVALID_INPUT"


async def test_anothers_task_does_not_exist(user: Client, other_user: Client) -> None:
    task = await submit(user)
    for query in ("query($id: ID!) { task(id: $id) { id } }", "query($id: ID!) { node(id: $id) { id } }"):
        assert await user.ask(query, id=task["id"])
        assert await other_user.code(query, id=task["id"]) == "NOT_FOUND"
    listed = (await other_user.ask("{ tasks(first: 1000) { nodes { id } } }"))["tasks"]["nodes"]
    assert task["id"] not in [node["id"] for node in listed]
    with pytest.raises(AssertionError, match="NOT_FOUND"):
        async for _ in other_user.events("subscription($id: ID!) { taskUpdated(id: $id) { id } }", id=task["id"]):
            pass


async def test_anothers_job_does_not_exist_where_the_scheduler_hides_it(user: Client, other_user: Client) -> None:
    job = (await submit(user))["result"]
    query = 'query($id: String!) { system(name: "local") { job(jobId: $id) { user } } }'
    assert (await user.ask(query, id=job["jobId"]))["system"]["job"]["user"] == "fireuser"
    said = (await other_user.post(query, id=job["jobId"])).json()
    found = said["data"]["system"]["job"]
    assert found is None or found["user"] == "fireuser2"
