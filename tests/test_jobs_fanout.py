"""Hundreds watch the same jobs: each is told each change that a look saw, once and in order, and the controller is
asked once for all."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.run import Demo
from firecrest_gql.demo.slurm import SlurmSystem
from firecrest_gql.demo.slurm_daemons import run
from tests.client import Client
from tests.sizes import size

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc, pytest.mark.slurm]

JOBS, SUBSCRIBERS = size(8, 100), size(40, 500)
SCRIPT = "#!/bin/sh\nsleep %d\n"
SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) {
  task { result { ... on Job { jobId } } } } }"""
WATCH = """subscription($ids: [String!]) { jobUpdated(system: "slurm", jobIds: $ids) {
  previousState job { jobId state final } } }"""
LOOK = re.compile(r"request=watch-\S+ .* program=squeue ")
ASKED = re.compile(r"REQUEST_JOB_INFO +\( *\d+\) +count:(\d+)")


async def submitted(user: Client, seconds: int) -> str:
    """The id of a job that takes so long."""
    given = {"system": "slurm", "script": SCRIPT % seconds, "cpusPerTask": 1}
    return str((await user.ask(SUBMIT, input=given))["submitJob"]["task"]["result"]["jobId"])


async def watched(user: Client, ids: list[str]) -> dict[str, list[tuple[str | None, str]]]:
    """What one subscriber is told of each job, up to the end of all."""
    told: dict[str, list[tuple[str | None, str]]] = {job_id: [] for job_id in ids}
    async for event in user.events(WATCH, ids=ids):
        told[event["job"]["jobId"]].append((event["previousState"], event["job"]["state"]))
    return told


def looks(demo: dict[str, Any]) -> int:
    """How often the queue has been read for watching, whoever watched."""
    text = (Path(demo["state"]) / "log" / "serve.log").read_text()
    return len(LOOK.findall(text))


async def questions(slurm: SlurmSystem) -> int:
    """How often slurmctld itself has counted that somebody wanted to know its jobs: https://slurm.schedmd.com/sdiag.html."""
    _, told = await run(("sdiag",), slurm.environment)
    found = ASKED.search(told)
    return int(found[1]) if found else 0


async def test_each_of_many_is_told_every_change_once_and_in_order_and_the_controller_is_asked_once_for_all(
    running: Demo, demo: dict[str, Any], user: Client
) -> None:
    assert running.slurm is not None
    ids = [await submitted(user, 4 + n % 5) for n in range(JOBS)]
    before, asked, start = looks(demo), await questions(running.slurm), datetime.now(UTC)
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(watched(user, ids)) for _ in range(SUBSCRIBERS)]
    seconds = (datetime.now(UTC) - start).total_seconds()
    for told in (each.result() for each in watching):
        for changes in told.values():
            assert changes[-1][1] == "COMPLETED"
            assert changes[0][0] is None
            assert [later[0] for later in changes[1:]] == [earlier[1] for earlier in changes[:-1]]
            assert len({state for _, state in changes}) == len(changes)
    assert 0 < looks(demo) - before <= seconds + 1
    assert 0 < await questions(running.slurm) - asked <= seconds + 1
