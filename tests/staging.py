"""Uploads and downloads as a client of the API does them: the bytes go to the object store and come from there."""

import hashlib
from typing import Any

import httpx

from tests.client import Client
from tests.transfers import TASK, ended

PART = "number url urlExpiresAt offset size etag"
UPLOAD = f"""mutation($input: StartUploadInput!) {{ startUpload(input: $input) {{
    transfer {{ id size parts(first: 1000) {{ {PART} }} }} {TASK} }} }}"""
PARTS = f"""query($id: ID!, $missing: Boolean! = false) {{ transfer(id: $id) {{
    id size parts(first: 1000, missingOnly: $missing) {{ {PART} }} }} }}"""
COMPLETE = f"""mutation($id: ID!, $parts: [UploadedPartInput!]) {{
    completeUpload(input: {{transferId: $id, parts: $parts}}) {{ transfer {{ id }} {TASK} }} }}"""
DOWNLOAD = (
    f"""mutation($input: StartDownloadInput!) {{ startDownload(input: $input) {{ transfer {{ id }} {TASK} }} }}"""
)
DOWNLOADED = """query($id: ID!) { transfer(id: $id) { size sha256 downloadUrl expiresAt sourcePath } }"""
RESUME = f"mutation($id: ID!) {{ resumeTransfer(input: {{transferId: $id}}) {{ transfer {{ id }} {TASK} }} }}"
DISCARD = "mutation($id: ID!) { discardTransfer(input: {transferId: $id}) { transfer { id } } }"


def store_client() -> httpx.AsyncClient:
    """Somebody who has URLs and no keys."""
    return httpx.AsyncClient(trust_env=False, timeout=60)


async def begin(user: Client, data: bytes, **given: Any) -> dict[str, Any]:
    """The upload of these bytes, of which none has been sent yet: its transfer."""
    return dict((await user.ask(UPLOAD, input={"size": len(data), **given}))["startUpload"]["transfer"])


async def send(data: bytes, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """PUT these parts; what `completeUpload` takes for them."""
    sent = []
    async with store_client() as store:
        for part in parts:
            body = data[part["offset"] : part["offset"] + part["size"]]
            answer = await store.put(part["url"], content=body)
            assert answer.status_code == 200, answer.text
            sent.append({"number": part["number"], "etag": answer.headers["etag"]})
    return sent


async def uploaded(user: Client, data: bytes, **given: Any) -> dict[str, Any]:
    """The upload with all its parts sent, and its end: the task."""
    transfer = await begin(user, data, **given)
    await user.ask(COMPLETE, id=transfer["id"], parts=await send(data, transfer["parts"]))
    return await ended(user, transfer["id"])


async def downloaded(user: Client, **given: Any) -> tuple[bytes, dict[str, Any]]:
    """What the path holds, by way of the store, and the transfer; its checksum is that of the bytes."""
    begun = (await user.ask(DOWNLOAD, input=given))["startDownload"]["transfer"]
    task = await ended(user, begun["id"])
    assert task["status"] == "SUCCEEDED", task
    transfer = (await user.ask(DOWNLOADED, id=begun["id"]))["transfer"]
    async with store_client() as store:
        answer = await store.get(transfer["downloadUrl"])
    assert answer.status_code == 200, answer.text
    assert (len(answer.content), hashlib.sha256(answer.content).hexdigest()) == (transfer["size"], transfer["sha256"])
    return answer.content, {**transfer, "id": begun["id"], "headers": answer.headers}
