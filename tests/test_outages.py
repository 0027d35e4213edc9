"""What users see while a part is down, and when it is back."""

import asyncio

import pytest

from firecrest_gql.demo.run import Demo
from tests.client import Client
from tests.waiting import until

STATUSES = "{ systems { name status } }"
BOTH = """{
  slurm: system(name: "slurm") { status account { home } file(path: "~") { path } jobs { nodes { jobId } } }
  local: system(name: "local") { status account { home } }
}"""
SUBMIT = "mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) { task { id status } } }"
EVENTS = "subscription { taskEvents { change { version } task { id } } }"
EVERYWHERE = "subscription { jobUpdated { job { system { name } state } } }"
SUBSCRIBERS, JOBS = 20, 6


async def is_now(user: Client, name: str, status: str) -> bool:
    """Whether the system was found like this at the last check."""
    systems = (await user.ask(STATUSES))["systems"]
    return {"name": name, "status": status} in systems


async def submit(user: Client) -> str:
    """Submit a job that ends at once; its task's id, once it has succeeded."""
    task = (await user.ask(SUBMIT, input={"system": "local", "script": "#!/bin/sh\ntrue\n"}))["submitJob"]["task"]
    assert task["status"] == "SUCCEEDED", task
    return str(task["id"])


@pytest.mark.slurm
async def test_a_system_without_sshd_turns_unavailable_while_the_others_answer(running: Demo, user: Client) -> None:
    assert running.slurm is not None
    await until(lambda: is_now(user, "slurm", "HEALTHY"))
    await running.slurm.ssh.stop()
    try:
        await until(lambda: is_now(user, "slurm", "UNAVAILABLE"))
        said = (await user.post(BOTH)).json()
    finally:
        await running.slurm.ssh.start()

    assert said["data"]["local"]["status"] == "HEALTHY"
    assert said["data"]["local"]["account"]["home"]
    assert said["data"]["slurm"] == {"status": "UNAVAILABLE", "account": None, "file": None, "jobs": None}
    assert [error["extensions"]["code"] for error in said["errors"]] == ["SYSTEM_UNAVAILABLE"] * 3
    assert all(error["extensions"]["retryable"] for error in said["errors"])

    await until(lambda: is_now(user, "slurm", "HEALTHY"))
    assert (await user.ask(BOTH))["slurm"]["account"]["home"]


@pytest.mark.slurm
async def test_jobs_of_one_system_are_told_while_another_has_no_sshd_and_its_own_when_it_is_back(
    running: Demo, user: Client
) -> None:
    heard: set[tuple[str, str]] = set()

    async def listen() -> None:
        async for event in user.events(EVERYWHERE):
            heard.add((event["job"]["system"]["name"], event["job"]["state"]))

    async def is_told(system: str) -> bool:
        await user.ask(SUBMIT, input={"system": system, "script": "#!/bin/sh\nsleep 1\n"})
        return (system, "COMPLETED") in heard

    assert running.slurm is not None
    await running.slurm.ssh.stop()
    try:
        listener = asyncio.create_task(listen())
        await until(lambda: is_told("local"))
        assert ("slurm", "COMPLETED") not in heard  # what still runs there, the last look may have told
    finally:
        await running.slurm.ssh.start()
    await until(lambda: is_told("slurm"))
    assert not listener.done()
    listener.cancel()


async def test_killing_valkey_under_open_subscriptions_loses_and_doubles_no_event(running: Demo, user: Client) -> None:
    heard: list[list[tuple[str, int]]] = [[] for _ in range(SUBSCRIBERS)]

    async def listen(events: list[tuple[str, int]]) -> None:
        async for event in user.events(EVENTS):
            events += [(event["task"]["id"], event["change"]["version"])]

    async def everybody_is_told() -> str:
        task = await submit(user)
        await until(lambda: all((task, 3) in events for events in heard), what="everybody is told")
        return task

    listeners = [asyncio.create_task(listen(events)) for events in heard]
    # Who has heard of one of these tasks listens; whatever comes after it must be heard.
    await until(lambda: submit_until_heard(user, heard), what="everybody listens")
    tasks = [await everybody_is_told()]
    await running.parts.valkey.process.kill()
    await running.parts.valkey.process.start()
    tasks += [await everybody_is_told() for _ in range(JOBS)]
    for listener in listeners:
        listener.cancel()

    for events in heard:
        told = {task: [version for found, version in events if found == task] for task in tasks}
        assert [*told.values()] == [[1, 2, 3]] * len(tasks)


async def submit_until_heard(user: Client, heard: list[list[tuple[str, int]]]) -> bool:
    """Submit one more; whether everybody has heard of any."""
    await submit(user)
    return all(heard)


async def test_a_restarted_signer_is_found_again(running: Demo, user: Client) -> None:
    await running.signer.restart()
    assert (await user.ask('{ system(name: "local") { file(path: "~") { type } } }'))["system"]["file"]["type"]


async def test_without_a_signer_what_needs_a_certificate_is_null_with_its_code(running: Demo, user: Client) -> None:
    await running.signer.stop()
    try:
        said = (await user.post('{ viewer { username } system(name: "local") { file(path: "~/") { type } } }')).json()
    finally:
        await running.signer.start()
    assert said["data"] == {"viewer": {"username": "fireuser"}, "system": {"file": None}}
    assert said["errors"][0]["extensions"]["code"] == "DELEGATION_UNAVAILABLE"
