"""Files and outputs followed through the API: exact bytes, whatever becomes of the client, and nobody else's."""

import asyncio
import json
import uuid
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client
from tests.files import change, path_of, write
from tests.sizes import size

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

TAIL = """subscription($system: String! = "local", $path: String!, $offset: BigInt) {
  fileTail(system: $system, path: $path, offset: $offset) { offset nextOffset text base64 reset } }"""
OUTPUT = """subscription($system: String!, $id: String!, $offset: BigInt! = 0) {
  jobOutput(system: $system, jobId: $id, offset: $offset) { offset nextOffset base64 reset } }"""
SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) {
  task { result { ... on Job { jobId stdoutPath } } } } }"""
REQUEUE = """mutation($ids: [String!]!) {
  requeueJobs(input: {system: "slurm", jobIds: $ids}, waitSeconds: 30) { task { status } } }"""
SIZE = size(2, 20) * 1_000_000


async def test_a_log_is_followed_from_its_end_through_rotation(user: Client, folder: Path) -> None:
    log = folder / "it's a log"
    await write(user, log, b"old\n")
    told = user.events(TAIL, path=path_of(log), offset=0)
    assert (await anext(told))["text"] == "old\n"
    await change(user, "moveFile", path=path_of(log), target=path_of(folder / "log.1"))
    assert (await anext(told)) == {"offset": 0, "nextOffset": 0, "text": "", "base64": "", "reset": True}
    await write(user, log, "neu: ü\n".encode())
    chunk = await anext(told)
    assert (chunk["offset"], chunk["text"], chunk["nextOffset"]) == (0, "neu: ü\n", 8)
    assert (await anext(user.events(TAIL, path=path_of(log), offset=5)))["text"] == "ü\n"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"path": "/"}, "IS_A_DIRECTORY"),
        ({"path": "relative"}, "INVALID_INPUT"),
        ({"path": "~/x", "offset": -1}, "INVALID_INPUT"),
        ({"path": "~/x", "system": "nowhere"}, "NOT_FOUND"),
        ({"path": "/dev/zero"}, "INVALID_INPUT"),
    ],
    ids=str,
)
async def test_what_cannot_be_followed_is_told_at_once(user: Client, given: dict[str, Any], code: str) -> None:
    with pytest.raises(AssertionError, match=code):
        await anext(user.events(TAIL, **given))


async def submitted(user: Client, script: str, **given: Any) -> dict[str, Any]:
    """The job."""
    said = await user.ask(SUBMIT, input={"script": script, **given})
    return dict(said["submitJob"]["task"]["result"])


@pytest.mark.slurm
async def test_an_output_arrives_whole_though_the_client_is_dropped_five_times_and_to_nobody_else(
    user: Client, other_user: Client
) -> None:
    words, got, drops = f"line {uuid.uuid4().hex} ü 日\n", b"", 0
    script = f"#!/bin/sh\numask 077\nsleep 1\nyes '{words.strip()}' | head -c {SIZE}\nsleep 1\n"
    job = await submitted(user, script, system="slurm", stdoutPath=f"~/out-{uuid.uuid4().hex}")
    denied: list[str] = []
    while len(got) < SIZE:
        async with user.socket() as socket:
            payload = {"query": OUTPUT, "variables": {"system": "slurm", "id": job["jobId"], "offset": len(got)}}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "complete":
                    break
                chunk = message["payload"]["data"]["jobOutput"]
                assert (chunk["offset"], chunk["reset"]) == (len(got), False)
                got += b64decode(chunk["base64"])
                if not denied:
                    denied += [await code_of(other_user, id=job["jobId"], system="slurm")]
                if drops < 5 and len(got) >= (drops + 1) * SIZE // 7:
                    drops += 1
                    socket.transport.abort()
                    break
    assert denied == ["PERMISSION_DENIED"]
    assert drops == 5
    assert got == (words.encode() * (SIZE // len(words.encode()) + 1))[:SIZE]


@pytest.mark.slurm
async def test_the_output_of_a_requeued_job_begins_anew_with_its_second_run(user: Client) -> None:
    script = '#!/bin/sh\ntest -z "$SLURM_RESTART_COUNT" || exec echo second\necho the first run\nsleep 600\n'
    job = await submitted(user, script, system="slurm", stdoutPath=f"~/out-{uuid.uuid4().hex}")
    runs, requeued = [b""], False
    async with asyncio.timeout(110):  # a requeued job waits for cred_expire seconds
        async for chunk in user.events(OUTPUT, system="slurm", id=job["jobId"]):
            runs += [b""] if chunk["reset"] else []
            assert chunk["offset"] == len(runs[-1])
            runs[-1] += b64decode(chunk["base64"])
            if runs == [b"the first run\n"] and not requeued:
                said = await user.ask(REQUEUE, ids=[job["jobId"]])
                requeued = said["requeueJobs"]["task"]["status"] == "SUCCEEDED"
                assert requeued
    first, second = runs
    assert first.startswith(b"the first run\n")  # behind that Slurm may write that it has ended this run
    assert second == b"second\n"


async def code_of(user: Client, **variables: Any) -> str:
    """The code with which a subscription to an output is refused."""
    async with user.socket() as socket:
        payload = {"query": OUTPUT, "variables": variables}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        async with asyncio.timeout(60):
            message = json.loads(await socket.recv())
    errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
    return str(errors[0]["extensions"]["code"])
