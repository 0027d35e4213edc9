"""The transfers' part of `make bench`: how soon an upload is in place, and large files beside plain `curl`."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.bench_files import shown
from tests.client import Client
from tests.staging import COMPLETE, DOWNLOAD, DOWNLOADED, begin, owner_of, random_file, send_from
from tests.transfers import ended

SOON, LARGE = 20 * 2**20, 300 * 2**20  # bytes


async def measure_transfers(user: Client, state: Path, home: Path) -> None:
    """Print how long after its last part a file is in place, and how long a large one takes up and down."""
    with tempfile.TemporaryDirectory() as folder:
        small = await asyncio.to_thread(random_file, Path(folder) / "small", SOON)
        for completed, how in ((True, "completed"), (False, "noticed")):
            seconds = [await _in_place(user, small, home / "bench-small", completed=completed) for _ in range(3)]
            shown(f"20 MiB upload in place after its last part, {how}", f"{max(seconds):.1f} s", "5 s")
        large = await asyncio.to_thread(random_file, Path(folder) / "large", LARGE)
        await _beside_curl(user, state, large, home / "bench-large")


async def _in_place(user: Client, file: Path, target: Path, *, completed: bool) -> float:
    transfer = await begin(user, SOON, system="local", path=str(target), overwrite=True)
    await send_from(file, transfer["parts"])
    start = time.perf_counter()
    if completed:
        await user.ask(COMPLETE, id=transfer["id"])
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    return time.perf_counter() - start


async def _beside_curl(user: Client, state: Path, file: Path, target: Path) -> None:
    """Both ways lead over the store; plain `curl` puts the object there and gets it again, and compares nothing."""
    plain = await _plain(state, file)
    up = await _up(user, file, target)
    down = await _down(user, target, file.with_name("down"))
    for name, seconds in (("up", up), ("down", down)):
        speed = f"{LARGE / 2**20 / seconds:.0f} MiB/s, {seconds / plain:.1f} × curl's time"
        shown(f"300 MiB {name}", speed, "-")


async def _plain(state: Path, file: Path) -> float:
    block = yaml.safe_load((state / "firecrest.yaml").read_text())["storage"]
    where = {"Bucket": block["bucket"], "Key": "bench"}
    async with owner_of(block) as store:
        put, get = [await store.generate_presigned_url(f"{verb}_object", where) for verb in ("put", "get")]
        start = time.perf_counter()
        await _curl([f'upload-file = "{file}"', f'url = "{put}"'])
        await _curl([f'output = "{file}-plain"', f'url = "{get}"'])
        seconds = time.perf_counter() - start
        await store.delete_object(**where)
    return seconds


async def _up(user: Client, file: Path, target: Path) -> float:
    start = time.perf_counter()
    transfer = await begin(user, LARGE, system="local", path=str(target), overwrite=True)
    lines = []
    with file.open("rb") as opened:
        for part in transfer["parts"]:
            piece = file.with_name(f"part-{part['number']}")
            piece.write_bytes(opened.read(part["size"]))
            lines += [f'upload-file = "{piece}"', f'url = "{part["url"]}"']
    await _curl(lines)
    await user.ask(COMPLETE, id=transfer["id"])
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    return time.perf_counter() - start


async def _down(user: Client, source: Path, file: Path) -> float:
    start = time.perf_counter()
    asked = {"system": "local", "path": str(source)}
    transfer: dict[str, Any] = (await user.ask(DOWNLOAD, input=asked))["startDownload"]["transfer"]
    assert (await ended(user, transfer["id"]))["status"] == "SUCCEEDED"
    url = (await user.ask(DOWNLOADED, id=transfer["id"]))["transfer"]["downloadUrl"]
    await _curl([f'output = "{file}"', f'url = "{url}"'])
    return time.perf_counter() - start


async def _curl(lines: list[str]) -> None:
    argv = ("curl", "-q", "-sS", "--fail", "-K", "-")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=asyncio.subprocess.DEVNULL)
    await process.communicate("\n".join(lines).encode())
    assert process.returncode == 0
