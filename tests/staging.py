"""Uploads and downloads as a client of the API does them: the bytes go to the object store and come from there."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aioboto3
import httpx
import yaml

from tests.client import Client
from tests.files import names
from tests.transfers import TASK, ended

PIECE = 2**20  # bytes in memory at a time
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


async def begin(user: Client, data: bytes | int, **given: Any) -> dict[str, Any]:
    """The upload of these, or so many, bytes, of which none has been sent yet: its transfer."""
    size = data if isinstance(data, int) else len(data)
    return dict((await user.ask(UPLOAD, input={"size": size, **given}))["startUpload"]["transfer"])


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


async def send_from(file: Path, parts: list[dict[str, Any]]) -> None:
    """PUT these parts of the file, of which little is in memory at a time."""
    async with store_client() as store:
        for part in parts:
            length = {"Content-Length": str(part["size"])}
            answer = await store.put(part["url"], content=_pieces(file, part["offset"], part["size"]), headers=length)
            assert answer.status_code == 200, answer.text


async def _pieces(file: Path, offset: int, size: int) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        opened.seek(offset)
        for left in range(size, 0, -PIECE):
            yield opened.read(min(PIECE, left))


async def fetched(url: str) -> str:
    """The SHA-256 of what is there."""
    sha256 = hashlib.sha256()
    async with store_client() as store, store.stream("GET", url) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for piece in answer.aiter_bytes(PIECE):
            sha256.update(piece)
    return sha256.hexdigest()


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def random_file(path: Path, size: int) -> Path:
    """A file of so many bytes that no two parts of are alike."""
    with path.open("wb") as opened:
        for left in range(size, 0, -PIECE):
            opened.write(os.urandom(min(PIECE, left)))
    return path


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


def rest_of(folder: Path) -> list[str]:
    """What is still in a job's folder of its URLs, and of what its user moved."""
    private = ("secrets", "input", "conf.*", "piece", "sum", ".secrets", ".input", "beside")
    return [name for pattern in private for name in names(folder, pattern)]


async def staged(state: Path, transfer_id: str) -> list[str]:
    """What the store's owner finds of the transfer: objects and uploads that are not complete."""
    return await whole(state, transfer_id) + await unfinished(state, transfer_id)


async def whole(state: Path, transfer_id: str) -> list[str]:
    """The keys of its objects."""
    async with owner_of(block := _storage(state)) as store:
        found = await store.list_objects_v2(Bucket=block["bucket"])
    return [each["Key"] for each in found.get("Contents", ()) if each["Key"].endswith(transfer_id)]


async def unfinished(state: Path, transfer_id: str) -> list[str]:
    """The keys of its uploads that are not complete: nobody can read what they have."""
    async with owner_of(block := _storage(state)) as store:
        found = await store.list_multipart_uploads(Bucket=block["bucket"])
    return [each["Key"] for each in found.get("Uploads", ()) if each["Key"].endswith(transfer_id)]


def _storage(state: Path) -> dict[str, Any]:
    block: dict[str, Any] = yaml.safe_load((state / "firecrest.yaml").read_text())["storage"]
    return block


def owner_of(block: dict[str, Any]) -> Any:
    """The client of somebody who has the store's own keys, out of the settings."""
    return aioboto3.Session().client(
        "s3",
        endpoint_url=block["endpoint_url"],
        region_name=block["region"],
        aws_access_key_id=block["access_key_id"],
        aws_secret_access_key=block["secret_access_key"],
    )
