"""Uploads a file and downloads it again through the object store; the bytes pass nobody but the store and the system.

Needs a running demo (`make demo`) and knows nothing but its `demo.json`:

    .venv/bin/python examples/upload_and_download.py [--file FILE] [--demo .demo/demo.json] [--system local]
"""

import argparse
import asyncio
import hashlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from submit_and_watch import Client, Refused

PIECE = 2**20  # bytes in memory at once
EXAMPLE_SIZE = 20 * 2**20  # of the file that is made where none is named

BEGIN = """mutation Begin($input: StartUploadInput!) {
  startUpload(input: $input) { transfer { id } task { id } }
}"""

MISSING = """query Missing($id: ID!) {
  transfer(id: $id) { parts(missingOnly: true, first: 20) { number url offset size } }
}"""

COMPLETE = """mutation Complete($id: ID!) {
  completeUpload(input: {transferId: $id}) { task { id } }
}"""

FETCH = """mutation Fetch($system: String!, $path: String!) {
  startDownload(input: {system: $system, path: $path}) { transfer { id } task { id } }
}"""

FETCHED = """query Fetched($id: ID!) { transfer(id: $id) { downloadUrl size sha256 expiresAt } }"""

DISCARD = """mutation Discard($id: ID!) { discardTransfer(input: {transferId: $id}) { transfer { id } } }"""

WATCH = """subscription Watch($id: ID!) {
  taskUpdated(id: $id) { status message progress { done total } error { code message } }
}"""


def measured(file: Path) -> tuple[int, str]:
    """The bytes, and their SHA-256, hexadecimal."""
    with file.open("rb") as opened:
        return file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest()


async def pieces(file: Path, offset: int, size: int) -> AsyncIterator[bytes]:
    """So many bytes of the file from there on, a few at a time."""
    with file.open("rb") as opened:
        opened.seek(offset)
        while size > 0:
            piece = opened.read(min(PIECE, size))
            size -= len(piece)
            yield piece


async def send_missing(client: Client, store: httpx.AsyncClient, transfer_id: str, file: Path) -> None:
    """PUT the parts that the store does not have: after an interruption, with fresh URLs, only what is missing."""
    while parts := (await client.ask(MISSING, id=transfer_id))["transfer"]["parts"]:
        for part in parts:
            body = pieces(file, part["offset"], part["size"])
            answer = await store.put(part["url"], content=body, headers={"Content-Length": str(part["size"])})
            print(f"part  {part['number']}  {part['size']} bytes  {answer.raise_for_status().headers['ETag']}")


async def follow(client: Client, task_id: str) -> None:
    """Print what becomes of the task, until it has succeeded."""
    async for task in client.events(WATCH, id=task_id):
        progress = task["progress"] or {"done": 0, "total": None}
        print(f"task  {task['status']}  {progress['done']}/{progress['total']}  {task['message'] or ''}")
        if task["error"]:
            raise Refused(f"{task['error']}")


async def upload(client: Client, store: httpx.AsyncClient, file: Path, system: str, path: str) -> None:
    """Bring the file to the system; it is in place only if it has the checksum."""
    size, sha256 = measured(file)
    asked = {"system": system, "path": path, "size": size, "sha256": sha256, "overwrite": True}
    begun = (await client.ask(BEGIN, input=asked))["startUpload"]
    await send_missing(client, store, begun["transfer"]["id"], file)
    await client.ask(COMPLETE, id=begun["transfer"]["id"])
    await follow(client, begun["task"]["id"])


async def download(client: Client, store: httpx.AsyncClient, system: str, path: str, target: Path) -> None:
    """Fetch it into the target, which then has the checksum of what the system's job has read."""
    begun = (await client.ask(FETCH, system=system, path=path))["startDownload"]
    await follow(client, begun["task"]["id"])
    found = (await client.ask(FETCHED, id=begun["transfer"]["id"]))["transfer"]
    with target.open("wb") as opened:
        async with store.stream("GET", found["downloadUrl"]) as answer:
            async for piece in answer.raise_for_status().aiter_bytes():
                opened.write(piece)
    assert measured(target) == (found["size"], found["sha256"])
    await client.ask(DISCARD, id=begun["transfer"]["id"])  # else it stays until `expiresAt`


async def main(demo: dict[str, Any], given: Path | None, system: str, username: str) -> None:
    """There and back."""
    client = Client(demo, username)
    await client.sign_in()
    with tempfile.TemporaryDirectory() as folder:
        file = given or Path(folder) / "example"
        if given is None:
            file.write_bytes(os.urandom(EXAMPLE_SIZE))
        start, path = time.monotonic(), f"~/{file.name}"
        async with httpx.AsyncClient(trust_env=False, timeout=60) as store:
            await upload(client, store, file, system, path)
            await download(client, store, system, path, Path(folder) / "back")
        size, sha256 = measured(file)
        assert measured(Path(folder) / "back") == (size, sha256)
        print(f"{size} bytes went to {system} and back in {time.monotonic() - start:.1f} s: {sha256}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(os.environ.get("FIRECREST_DEMO_STATE", ".demo")) / "demo.json"
    parser.add_argument("--file", type=Path, help="what to upload; 20 MiB of noise without")
    parser.add_argument("--demo", type=Path, default=default, help="the demo's demo.json")
    parser.add_argument("--system", default="local")
    parser.add_argument("--user", default="fireuser")
    options = parser.parse_args()
    asyncio.run(main(json.loads(options.demo.read_text(encoding="utf-8")), options.file, options.system, options.user))
