"""How late who watches is told of a job's end: from the moment that its last command writes down to the client."""

import asyncio
import os
import statistics
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from tests.client import Client
from tests.sizes import size
from tests.waiting import until

JOBS, SUBSCRIBERS = size(20, 100), size(100, 500)
APART_SECONDS = 0.25
SCRIPT = '#!/bin/sh\nmkfifo "%(go)s" && read -r _ <"%(go)s"\nrm "%(go)s"\ndate +%%s.%%N\n'
SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) {
  task { result { ... on Job { jobId stdoutPath } } } } }"""
WATCH = """subscription($system: String!, $ids: [String!]) {
  jobUpdated(system: $system, jobIds: $ids) { job { jobId final } } }"""


async def print_delays(user: Client, system: dict[str, Any]) -> None:
    """Print a row: the median and the longest delay of all final events of all subscribers."""
    go = [f"{system['home']['fireuser']}/bench-{time.time_ns()}" for _ in range(JOBS)]
    jobs = dict([await _submitted(user, system["name"], path) for path in go])
    watched = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(_ends(user, system["name"], [*jobs], watched)) for _ in range(SUBSCRIBERS)]
        for _ in watching:
            await watched.acquire()
        for path in go:
            await until(partial(_let_go, path), seconds=300)
            await asyncio.sleep(APART_SECONDS)
    written = {job_id: float((await asyncio.to_thread(path.read_text)).split()[0]) for job_id, path in jobs.items()}
    delays = [told - written[job_id] for each in watching for job_id, told in each.result().items()]
    name = f"job's last word to its end told, {JOBS} jobs, {SUBSCRIBERS} told, {system['name']}"
    print(f"{name:<46} {1000 * statistics.median(delays):>9.1f} ms {1000 * max(delays):>9.1f} ms")


async def _submitted(user: Client, system: str, go: str) -> tuple[str, Path]:
    """A job that ends once somebody writes into the pipe; its output is no other demo's, who may share the home."""
    given = {"system": system, "script": SCRIPT % {"go": go}, "cpusPerTask": 1, "stdoutPath": f"{go}.out"}
    job = (await user.ask(SUBMIT, input=given))["submitJob"]["task"]["result"]
    return job["jobId"], Path(job["stdoutPath"])


def _let_go(path: str) -> bool:
    """Whether a job has been there to be told."""
    with suppress(OSError):  # fifo(7): nobody reads, or there is no pipe yet
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.write(pipe, b"\n")
        os.close(pipe)
        return True
    return False


async def _ends(user: Client, system: str, ids: list[str], watched: asyncio.Semaphore) -> dict[str, float]:
    """When each job's final state came, in seconds since the epoch; `watched` once the first state of each has."""
    came: dict[str, float] = {}
    waiting = set(ids)  # for their first state
    async for event in user.events(WATCH, system=system, ids=ids):
        if event["job"]["final"]:
            came.setdefault(event["job"]["jobId"], time.time())
        if waiting:
            waiting.discard(event["job"]["jobId"])
            if not waiting:
                watched.release()
    return came
