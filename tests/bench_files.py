"""The files' part of `make bench`: a crowded directory, and what listing it costs the server and everybody else."""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from firecrest_gql.demo.process import Process
from tests.client import Client
from tests.service import serving

FILES = 200_000
PAGE = 1_000  # limits.maxPageSize
LISTING = """query($path: String!, $first: Int!, $after: String) { system(name: "local") { file(path: $path) {
    entries(first: $first, after: $after) { nodes { name size modifiedAt } pageInfo { hasNextPage endCursor } } } } }"""
Act = Callable[[], Awaitable[object]]


async def measure_files(viewer: Act, user: Client, home: Path, server: Process, state: Path) -> None:
    """Print how long the first page takes, and what all pages cost; another process lists them."""
    folder = home / "bench-crowd"
    await asyncio.to_thread(_fill, folder)
    try:
        seconds = [await _first_page(user, folder) for _ in range(5)]
        shown(f"first page of 100 of {FILES}", f"{1000 * statistics.median(seconds):.0f} ms", "1000 ms")
        before = _memory(server.pid)
        quiet = [await _timed(viewer) for _ in range(50)]
        given = json.dumps({"graphql_url": user.demo["graphql_url"], "token": user.token, "path": str(folder)}).encode()
        listing = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench_files"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        told = asyncio.create_task(listing.communicate(given))
        busy, most = [], before
        while not told.done():
            busy.append(await _timed(viewer))
            most = max(most, _memory(server.pid))
            await asyncio.sleep(0.02)
        count = int((await told)[0])
        shown(f"memory of the server while {count} are listed", f"+{(most - before) / 2**20:.1f} MiB", "30 MB")
        usual = statistics.median(quiet)
        longer = [1000 * (value - usual) for value in (statistics.median(busy), statistics.quantiles(busy, n=20)[-1])]
        shown("other requests wait longer meanwhile", "{:.1f} ms, {:.1f} ms of 95 %".format(*longer), "20 ms")
        await _measure_loop(state, user, folder)
    finally:
        await asyncio.to_thread(_empty, folder)


async def _measure_loop(state: Path, user: Client, folder: Path) -> None:
    """Print how late the event loop of a server is that lists, and that of one which does nothing meanwhile."""
    files = {name: state / f"{name}-loop" for name in ("listing", "idle")}
    async with (
        serving(state, "listing", program=("tests.lagging_server", str(files["listing"]))) as busy,
        serving(state, "idle", program=("tests.lagging_server", str(files["idle"]))),
    ):
        client = Client(busy.described, user.token)
        await client.ask(LISTING, path=str(folder), first=PAGE)  # what is loaded once, and made once, is no lag
        for file in files.values():
            os.truncate(file, 0)
        await _all_pages(client, folder)
        for name, file in files.items():
            late, worked = zip(*(map(float, line.split()) for line in file.read_text().splitlines()), strict=True)
            for what, values in (("late by", late), ("works at once", worked)):
                told = f"{1000 * statistics.median(values):.1f} ms, {1000 * max(values):.1f} ms at worst"
                shown(f"event loop of the {name} server {what}", told, "20 ms")


def shown(case: str, value: str, promise: str) -> None:
    """Print one value beside what is promised of it."""
    print(f"{case:<46} {value:>32}   (promised: {promise})")


def _fill(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    for number in range(FILES):
        os.close(os.open(folder / f"file-{number:06}", os.O_CREAT | os.O_WRONLY, 0o644))


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


async def _first_page(user: Client, folder: Path) -> float:
    start = time.perf_counter()
    await user.ask(LISTING, path=str(folder), first=100)
    return time.perf_counter() - start


async def _timed(act: Act) -> float:
    start = time.perf_counter()
    await act()
    return time.perf_counter() - start


async def _all_pages(user: Client, folder: Path) -> int:
    names: set[str] = set()
    after = None
    while True:
        said = await user.ask(LISTING, path=str(folder), first=PAGE, after=after)
        page = said["system"]["file"]["entries"]
        names |= {node["name"] for node in page["nodes"]}
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return len(names)


def _memory(pid: int) -> int:
    """Bytes of memory that the process holds (proc(5), statm)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (str(pid), *children)]
    return sum(pages) * os.sysconf("SC_PAGESIZE")


async def main() -> None:
    """List all pages, as standard input says; print how many names there were."""
    given = json.loads(sys.stdin.read())
    print(await _all_pages(Client(given, given["token"]), Path(given["path"])))


if __name__ == "__main__":
    asyncio.run(main())
