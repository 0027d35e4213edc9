"""How late who watches is told of a job's end: from the moment that its last command writes down to the client."""

import asyncio
import statistics
import time
from pathlib import Path

from tests.client import Client

JOBS, SUBSCRIBERS = 40, 100
SCRIPT = "#!/bin/sh\nsleep %.1f\ndate +%%s.%%N\n"
SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) {
  task { result { ... on Job { jobId stdoutPath } } } } }"""
WATCH = """subscription($system: String!, $ids: [String!]) {
  jobUpdated(system: $system, jobIds: $ids) { job { jobId final } } }"""


async def print_delays(user: Client, system: str) -> None:
    """Print a row: the median and the longest delay of all final events of all subscribers."""
    jobs = dict([await _submitted(user, system, 6 + 0.25 * number) for number in range(JOBS)])
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(_ends(user, system, [*jobs])) for _ in range(SUBSCRIBERS)]
    written = {job_id: float((await asyncio.to_thread(path.read_text)).split()[0]) for job_id, path in jobs.items()}
    delays = [told - written[job_id] for each in watching for job_id, told in each.result().items()]
    name = f"job's last word to its end told, {JOBS} jobs, {SUBSCRIBERS} told, {system}"
    print(f"{name:<46} {1000 * statistics.median(delays):>9.1f} ms {1000 * max(delays):>9.1f} ms")


async def _submitted(user: Client, system: str, seconds: float) -> tuple[str, Path]:
    given = {"system": system, "script": SCRIPT % seconds, "cpusPerTask": 1}
    job = (await user.ask(SUBMIT, input=given))["submitJob"]["task"]["result"]
    return job["jobId"], Path(job["stdoutPath"])


async def _ends(user: Client, system: str, ids: list[str]) -> dict[str, float]:
    """When each job's final state came, in seconds since the epoch."""
    came: dict[str, float] = {}
    async for event in user.events(WATCH, system=system, ids=ids):
        if event["job"]["final"]:
            came.setdefault(event["job"]["jobId"], time.time())
    return came
