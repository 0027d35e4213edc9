"""The files' part of `make bench`, alone `python -m tests.bench_files`: what listing a crowded directory costs whom."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from firecrest_gql.demo.ports import remembered_ports
from firecrest_gql.demo.run import running_demo
from tests.client import Client, signed_in
from tests.parts import missing
from tests.service import serving

LAGGING = "tests.lagging_server"
FILES = 200_000
PAGE = 5_000
LIMITS = {"max_page_size": PAGE, "max_query_cost": 1_000_000}
LISTING = """query($s: String!, $path: String!, $first: Int!, $after: String) { system(name: $s) { file(path: $path) {
    entries(first: $first, after: $after) { nodes { name size modifiedAt } pageInfo { hasNextPage endCursor } } } } }"""


async def measure_files(demo: dict[str, Any], state: Path) -> None:
    """For each system print how long the first page takes, and what all pages cost a server and everybody else."""
    for system in demo["systems"]:
        folder = Path(system["home"]["fireuser"]) / "bench-crowd"
        await asyncio.to_thread(_fill, folder)
        try:
            await _measure(system["name"], folder, state)
        finally:
            await asyncio.to_thread(_empty, folder)


async def _measure(system: str, folder: Path, state: Path) -> None:
    """Two servers of which one lists and the other does nothing: on a busy machine the difference is the listing."""
    lags = {name: state / f"{name}-{system}-loop" for name in ("listing", "idle")}
    async with (
        serving(state, "listing", program=(LAGGING, str(lags["listing"])), limits=LIMITS) as busy,
        serving(state, "idle", program=(LAGGING, str(lags["idle"])), limits=LIMITS) as idle,
    ):
        user, other = await signed_in(busy.described), await signed_in(idle.described)
        first = partial(user.ask, LISTING, s=system, path=str(folder), first=100)
        seconds = [await _timed(first) for _ in range(5)]
        shown(f"{system}: first page of 100 of {FILES}", f"{1000 * statistics.median(seconds):.0f} ms", "1000 ms")
        await user.ask(LISTING, s=system, path=str(folder), first=PAGE)  # what is loaded once, and made once, is no lag
        for lag in lags.values():
            os.truncate(lag, 0)
        before = most = _memory(busy.process.pid)
        listing = asyncio.create_task(_listed_elsewhere(user, system, folder))
        waits: dict[str, list[float]] = {"listing": [], "idle": []}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            while not listing.done():
                for name, client in (("listing", user), ("idle", other)):
                    waits[name].append(await _timed(partial(_viewer, http, client)))
                most = max(most, _memory(busy.process.pid))
                await asyncio.sleep(0.02)
        count, grown = await listing, f"+{(most - before) / 1e6:.1f} MB"
        shown(f"{system}: memory while {count} are listed by {PAGE}", grown, "30 MB")
        for name, values in waits.items():
            shown(f"{system}: another request to the {name} server", _told(values), "20 ms more than the idle one")
        for name, lag in lags.items():
            late, worked = zip(*(map(float, line.split()) for line in lag.read_text().splitlines()), strict=True)
            shown(f"{system}: event loop of the {name} server late by", _told(late), "20 ms more than the idle one")
            shown(f"{system}: event loop of the {name} server works", _told(worked), "20 ms at once")


async def _listed_elsewhere(user: Client, system: str, folder: Path) -> int:
    """How many names another process, which is no burden to this one, finds on all pages."""
    given = {"graphql_url": user.demo["graphql_url"], "token": user.token, "system": system, "path": str(folder)}
    pipe = asyncio.subprocess.PIPE
    argv = (sys.executable, "-m", "tests.bench_files", "list")
    listing = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
    return int((await listing.communicate(json.dumps(given).encode()))[0])


def _told(seconds: Sequence[float]) -> str:
    return f"{1000 * statistics.median(seconds):.1f} ms, {1000 * max(seconds):.1f} ms at worst"


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


async def _timed(act: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await act()
    return time.perf_counter() - start


async def _viewer(http: httpx.AsyncClient, user: Client) -> None:
    """The smallest query, over a connection that stays: a new one would take longer than what is measured."""
    body = {"query": "{ viewer { username } }"}
    (await http.post(user.demo["graphql_url"], json=body, headers=user.headers)).raise_for_status()


async def _all_pages(user: Client, system: str, path: str) -> int:
    names: set[str] = set()
    after = None
    while True:
        said = await user.ask(LISTING, s=system, path=path, first=PAGE, after=after)
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
    """List all pages, as standard input says, and print how many names there were; or measure a demo of its own."""
    if sys.argv[1:] == ["list"]:
        given = json.loads(sys.stdin.read())
        print(await _all_pages(Client(given, given["token"]), given["system"], given["path"]))
        return
    with tempfile.TemporaryDirectory() as folder:
        state, port = Path(folder) / "demo", remembered_ports(Path(folder) / "ports.json", ["server"])["server"]
        async with running_demo(state, port, with_slurm=missing("slurm") is None):
            await measure_files(json.loads((state / "demo.json").read_text()), state)


if __name__ == "__main__":
    asyncio.run(main())
