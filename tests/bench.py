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
from firecrest_gql.demo.run import running_demo
from tests.client import Client, fetch_token

ROUNDS = 30
SUBMIT = "mutation($input: SubmitJobInput!) { submitJob(input: $input) { task { id status } } }"
UPDATED = "subscription($id: ID!) { taskUpdated(id: $id) { version status } }"
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

    def __init__(self, demo: dict[str, Any], user: Client, http: httpx.AsyncClient) -> None:
        self._url = demo["graphql_url"]
        self._live = demo["playground_url"] + "livez"
        self._user = user
        self._http = http

    async def floor(self) -> None:
        """The smallest answer that the server gives."""
        await self._http.get(self._live)

    async def viewer(self) -> None:
        """The smallest query: a token verified, a document executed."""
        await self._post("{ viewer { username } }")

    async def file(self) -> None:
        """One remote command under a certificate of its own."""
        await self._post('{ system(name: "local") { file(path: "/") { type } } }')

    async def submit(self) -> None:
        """`submitJob`, answered with its task."""
        await self._post(SUBMIT, input=JOB)

    async def first_event(self) -> None:
        """From the submission to the first event on a socket opened for it."""
        task = await self._post(SUBMIT, input=JOB)
        async for _ in self._user.events(UPDATED, id=task["submitJob"]["task"]["id"]):
            return

    async def final_event(self) -> None:
        """From the submission to the event that says SUCCEEDED."""
        task = await self._post(SUBMIT, input=JOB)
        async for _ in self._user.events(UPDATED, id=task["submitJob"]["task"]["id"]):
            pass

    async def _post(self, query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        said = (await self._http.post(self._url, json=body, headers=self._user.headers)).json()
        assert "errors" not in said, said
        return dict(said["data"])


async def main() -> None:
    """Start a demo twice, the first time on an empty folder, and measure in the second."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "demo"
        port = remembered_ports(Path(folder) / "ports.json", ["server"])["server"]
        ready = []
        for _ in range(2):
            start = time.perf_counter()
            async with running_demo(state, port):
                ready.append(time.perf_counter() - start)
                if len(ready) == 2:
                    await measure(state)
        print(f"{'demo ready: first start, then on kept state':<46} {ready[0]:>9.2f} s  {ready[1]:>9.2f} s ")


async def measure(state: Path) -> None:
    """Print a row for each case."""
    demo = json.loads((state / "demo.json").read_text())
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        bench = Bench(demo, Client(demo, await fetch_token(demo)), http)
        print(f"{'case':<46} {'median':>12} {'slowest':>12} {'× livez':>8}")
        floor = await timed(bench.floor)
        row("GET /livez", floor, floor)
        row("viewer", await timed(bench.viewer), floor)
        row("file: one certificate, one command", await timed(bench.file), floor)
        row("submit answered", await timed(bench.submit), floor)
        row("submit to first event, socket opened for it", await timed(bench.first_event), floor)
        row("submit to SUCCEEDED, job accepted", await timed(bench.final_event), floor)


if __name__ == "__main__":
    asyncio.run(main())
