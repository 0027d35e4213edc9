"""`make bench`: times of the running demo, each beside a baseline of the same run; nothing is asserted."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from firecrest_gql.demo.ports import remembered_ports
from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo, running_demo
from tests.bench_files import measure_files
from tests.bench_silent import measure_silent
from tests.bench_transfers import measure_transfers
from tests.bench_watch import print_delays
from tests.client import Client, fetch_token
from tests.parts import missing
from tests.processes import processes
from tests.waiting import until

ROUNDS = 30
SUBMIT = "mutation($input: SubmitJobInput!) { submitJob(input: $input) { task { id status } } }"
UPDATED = "subscription($id: ID!) { taskUpdated(id: $id) { version status } }"
READ = 'query($path: String!) { system(name: "local") { file(path: $path) { checksum } } }'
JOB = {"system": "local", "name": "bench", "script": "#!/bin/sh\ntrue\n"}


async def timed(act: Callable[[], Awaitable[object]], rounds: int = ROUNDS) -> list[float]:
    """How long each of the rounds took, in seconds; one before them warms up."""
    await act()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        await act()
        seconds.append(time.perf_counter() - start)
    return seconds


def row(name: str, seconds: list[float], baseline: list[float]) -> None:
    """Print the median, the slowest, and how many times the baseline's median the median is."""
    median = statistics.median(seconds)
    ratio = median / statistics.median(baseline)
    print(f"{name:<46} {1000 * median:>9.1f} ms {1000 * max(seconds):>9.1f} ms {ratio:>8.1f}")


class Bench:
    """The cases, over one demo."""

    def __init__(self, demo: dict[str, Any], user: Client, http: httpx.AsyncClient, worker: Process) -> None:
        self._worker = worker
        self.endless = f"{demo['systems'][0]['home']['fireuser']}/bench-endless"
        self._started = 0.0
        self._url = demo["graphql_url"]
        self._live = demo["playground_url"] + "livez"
        self._user = user
        self._http = http

    async def floor(self) -> None:
        """The smallest answer that the server gives."""
        await self._http.get(self._live)

    async def viewer(self) -> None:
        """The smallest query: a token verified, a document executed."""
        await self.post("{ viewer { username } }")

    async def file(self) -> None:
        """One remote command under a certificate of its own."""
        await self.post('{ system(name: "local") { file(path: "/") { type } } }')

    async def submit(self) -> None:
        """`submitJob`, answered with its task."""
        await self.post(SUBMIT, input=JOB)

    async def first_event(self) -> None:
        """From the submission to the first event on a socket opened for it."""
        task = await self.post(SUBMIT, input=JOB)
        async for _ in self._user.events(UPDATED, id=task["submitJob"]["task"]["id"]):
            return

    async def final_event(self) -> None:
        """From the submission to the event that says SUCCEEDED."""
        task = await self.post(SUBMIT, input=JOB)
        async for _ in self._user.events(UPDATED, id=task["submitJob"]["task"]["id"]):
            pass

    async def left(self) -> None:
        """A client leaves a read that would not end: until no process of it is on the system."""
        reading = asyncio.create_task(self._user.post(READ, path=self.endless))
        await until(self._readers)
        self._started = time.perf_counter()
        reading.cancel()
        await until(lambda: not self._readers())

    async def taken_over(self) -> None:
        """`kill -9` of the worker and the start of another: until a task of the meantime has SUCCEEDED."""
        await self._worker.kill()
        task = await self.post(SUBMIT, input=JOB)
        self._started = time.perf_counter()
        await self._worker.start()
        async for _ in self._user.events(UPDATED, id=task["submitJob"]["task"]["id"]):
            pass

    async def since(self, act: Callable[[], Awaitable[object]]) -> float:
        """How long the act took from the moment that it calls its start."""
        await act()
        return time.perf_counter() - self._started

    def _readers(self) -> list[int]:
        return [pid for pid, argv in processes() if any(self.endless in word for word in argv)]

    async def post(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        body = {"query": query, "variables": variables}
        said = (await self._http.post(self._url, json=body, headers=self._user.headers)).json()
        assert "errors" not in said, said
        return dict(said["data"])


async def main() -> None:
    """Start a demo twice, the first time on an empty folder, and measure in the second."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "demo"
        port = remembered_ports(Path(folder) / "ports.json", ["server"])["server"]
        ready: list[float] = []
        stopped: list[float] = []
        for _ in range(2):
            start = time.perf_counter()
            async with running_demo(state, port, with_slurm=len(ready) == 1 and missing("slurm") is None) as demo:
                ready.append(time.perf_counter() - start)
                if len(ready) == 2:
                    await measure(state, demo)
                    await watched(state)
                start = time.perf_counter()
            stopped.append(time.perf_counter() - start)
        print(f"{'demo ready: first start, then on kept state':<46} {ready[0]:>9.2f} s  {ready[1]:>9.2f} s ")
        print(f"{'demo stopped':<46} {stopped[0]:>9.2f} s  {stopped[1]:>9.2f} s ")


async def watched(state: Path) -> None:
    """Print a row for each system's watch."""
    demo = json.loads((state / "demo.json").read_text())
    for system in demo["systems"]:
        await print_delays(Client(demo, await fetch_token(demo)), system)


def endless(path: str) -> None:
    """A file of four terabytes that take no room: summing it up does not end."""
    with Path(path).open("wb") as file:
        file.truncate(2**42)


async def measure(state: Path, running: Demo) -> None:
    """Print a row for each case."""
    demo = json.loads((state / "demo.json").read_text())
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        bench = Bench(demo, Client(demo, await fetch_token(demo)), http, running.worker)
        print(f"{'case':<46} {'median':>12} {'slowest':>12} {'× livez':>8}")
        floor = await timed(bench.floor)
        row("GET /livez", floor, floor)
        row("viewer", await timed(bench.viewer), floor)
        row("file: one certificate, one command", await timed(bench.file), floor)
        row("submit answered", await timed(bench.submit), floor)
        await measure_silent(running, bench.post, timed, lambda name, seconds: row(name, seconds, floor))
        row("submit to first event, socket opened for it", await timed(bench.first_event), floor)
        row("submit to SUCCEEDED, job accepted", await timed(bench.final_event), floor)
        await asyncio.to_thread(endless, bench.endless)
        row("client left to command gone", [await bench.since(bench.left) for _ in range(5)], floor)
        row("worker started again to SUCCEEDED", [await bench.since(bench.taken_over) for _ in range(3)], floor)
        home = Path(demo["systems"][0]["home"]["fireuser"])
        await measure_files(demo, state)
        await measure_transfers(Client(demo, await fetch_token(demo)), state, home)


if __name__ == "__main__":
    asyncio.run(main())
