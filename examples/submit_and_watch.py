"""Submits a job through GraphQL and is told of everything that becomes of it, over a websocket.

Needs a running demo (`make demo`) and knows nothing but its `demo.json`:

    .venv/bin/python examples/submit_and_watch.py [--demo .demo/demo.json] [--system local] [--user fireuser]
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

SCRIPT = "#!/bin/sh\necho hello; sleep 2; echo done\n"

LOOK = """query Look($system: String!) {
  systems { name status }
  system(name: $system) {
    account { username home }
    file(path: "~") { entries { nodes { name type size permissions } } }
  }
}"""

SUBMIT = """mutation Submit($input: SubmitJobInput!) {
  submitJob(input: $input) { task { id status version } }
}"""

WATCH_TASK = """subscription WatchTask($id: ID!) {
  taskUpdated(id: $id) { version status error { code message } result { ... on Job { jobId state } } }
}"""

WATCH_JOB = """subscription WatchJob($system: String!, $jobId: String!) {
  jobUpdated(system: $system, jobIds: [$jobId]) { previousState job { state final exitCode } }
}"""

OUTPUT = """subscription Output($system: String!, $jobId: String!) {
  jobOutput(system: $system, jobId: $jobId) { offset nextOffset reset text }
}"""


class Refused(Exception):
    """The server answered with errors."""


class Client:
    """GraphQL over HTTP and over graphql-transport-ws, as one user of the demo."""

    def __init__(self, demo: dict[str, Any], username: str) -> None:
        self._demo = demo
        self._client = next(client for client in demo["clients"] if client["username"] == username)
        self._headers: dict[str, str] = {}

    async def sign_in(self) -> None:
        """Fetch a token by client credentials (RFC 6749, 4.4)."""
        credentials = httpx.BasicAuth(self._client["client_id"], self._client["client_secret"])
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                self._demo["token_url"], data={"grant_type": "client_credentials"}, auth=credentials
            )
        self._headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of the answer; an answer with errors is one."""
        async with httpx.AsyncClient(trust_env=False, headers=self._headers, timeout=60) as http:
            answer = await http.post(self._demo["graphql_url"], json={"query": query, "variables": variables})
        said: dict[str, Any] = answer.json()
        if "errors" in said:
            raise Refused(f"{said['errors']}")
        return dict(said["data"])

    async def events(self, query: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
        """What the one subscription of a socket of its own is told, until it completes."""
        protocol = Subprotocol("graphql-transport-ws")
        async with connect(self._demo["ws_url"], subprotocols=[protocol], proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": self._headers}))
            request = {"query": query, "variables": variables}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": request}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "complete":
                    return
                if message["type"] == "error" or "errors" in message.get("payload", {}):
                    raise Refused(f"{message['payload']}")
                if message["type"] == "next":
                    yield next(iter(message["payload"]["data"].values()))


async def follow_task(client: Client, task_id: str) -> str:
    """Print the task's states; the id of the job that it made."""
    job_id = ""
    async for task in client.events(WATCH_TASK, id=task_id):
        print(f"task  version {task['version']}  {task['status']}")
        if task["error"]:
            raise Refused(f"{task['error']}")
        if task["result"]:
            job_id = task["result"]["jobId"]
    return job_id


async def follow_job(client: Client, system: str, job_id: str) -> str:
    """Print the job's states; the last one."""
    state = ""
    async for event in client.events(WATCH_JOB, system=system, jobId=job_id):
        state = event["job"]["state"]
        print(f"job   {job_id}  {event['previousState'] or ''} → {state}")
    return state


async def follow_output(client: Client, system: str, job_id: str) -> str:
    """Print the job's output as it comes; all of it."""
    text = ""
    async for chunk in client.events(OUTPUT, system=system, jobId=job_id):
        print(f"out   {chunk['offset']}…{chunk['nextOffset']}  {chunk['text']!r}")
        text = chunk["text"] if chunk["reset"] else text + chunk["text"]
    return text


async def main(demo: dict[str, Any], system: str, username: str) -> None:
    """The whole idea, once."""
    client = Client(demo, username)
    await client.sign_in()
    print(json.dumps(await client.ask(LOOK, system=system), indent=2))

    start = time.monotonic()
    job = {"system": system, "name": "hello", "script": SCRIPT}
    task = (await client.ask(SUBMIT, input=job))["submitJob"]["task"]
    print(f"submitted in {time.monotonic() - start:.3f} s: {task}")
    assert task["status"] in ("QUEUED", "RUNNING"), task

    job_id = await follow_task(client, task["id"])
    async with asyncio.TaskGroup() as group:
        state = group.create_task(follow_job(client, system, job_id))
        output = group.create_task(follow_output(client, system, job_id))
    assert state.result() == "COMPLETED", state.result()
    assert output.result() == "hello\ndone\n", output.result()
    print(f"job {job_id} on {system} is COMPLETED and said {output.result()!r}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(os.environ.get("FIRECREST_DEMO_STATE", ".demo")) / "demo.json"
    parser.add_argument("--demo", type=Path, default=default, help="the demo's demo.json")
    parser.add_argument("--system", default="local")
    parser.add_argument("--user", default="fireuser")
    options = parser.parse_args()
    asyncio.run(main(json.loads(options.demo.read_text(encoding="utf-8")), options.system, options.user))
