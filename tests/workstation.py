"""A workstation without a workload manager: a home, whose jobs run by the dialect `direct`, without SSH."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from firecrest_gql.model.jobs import Job, JobAct, JobFilter, JobSpec, JobState
from firecrest_gql.schedulers.dialect import Outcomes
from firecrest_gql.schedulers.direct import Direct
from tests.scheduler_commands import run_in
from tests.waiting import until

DIRECT = Direct()
SLEEPS = JobSpec(script="#!/bin/sh\nexec sleep 600\n")
# A process that has left its job's session, environment, parent, directory and open files.
STRAY = """here=$PWD
(cd / && env -i setsid setsid sh -c 'echo $$ >"$0/stray"; exec sleep 600 <&- >&- 2>&-' "$here" &)
until test -s stray; do sleep 0.05; done
"""
QUICK = JobSpec(script="#!/bin/sh\n")


class Workstation:
    """A home, and whoever works there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.jobs_folder = home / ".firecrest/jobs"

    async def submit(self, spec: JobSpec, key: str) -> str:
        """The new job's id."""
        return await run_in(DIRECT.submit(spec, key), self.home)

    async def jobs(self, *ids: str) -> list[Job]:
        """These jobs, or all."""
        return await run_in(DIRECT.queue(JobFilter(job_ids=ids or None), "me", "here"), self.home)

    async def states(self, *ids: str) -> dict[str, JobState]:
        """What became of each."""
        return {job.job_id: job.state for job in await self.jobs(*ids)}

    async def reached(self, job_id: str, *states: JobState) -> Job:
        """The job, once it is so."""

        async def so() -> bool:
            return (await self.jobs(job_id))[0].state in states

        await until(so, what=f"job {job_id} is {states}")
        return (await self.jobs(job_id))[0]

    async def cancel(self, *ids: str) -> Outcomes:
        """End them."""
        return await run_in(DIRECT.cancel(ids), self.home)

    async def act(self, act: JobAct, *ids: str) -> Outcomes:
        """Hold, release or requeue them."""
        return await run_in(DIRECT.act(act, ids), self.home)

    def processes(self) -> list[int]:
        """Everything that has this home, and what `STRAY` has started."""
        mark, stray = f"HOME={self.home}\0".encode(), self.home / "stray"
        every = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
        found = [pid for pid in every if mark in _read(pid, "environ")]
        strays = [int(stray.read_text())] if stray.exists() else []
        return [*found, *(pid for pid in strays if _read(pid, "cmdline").startswith(b"sleep\0"))]

    def runner(self, job_id: str) -> int:
        """The process that stands by a running job."""
        number, _, task = job_id.partition("_")
        return int((self.jobs_folder / number / f"state{task and f'_{task}'}").read_text().split()[6])


def _read(pid: int, file: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{file}").read_bytes()
    return b""


@pytest.fixture
def workstation(tmp_path: Path) -> Iterator[Workstation]:
    """A new one; nothing of it is left behind."""
    found = Workstation(tmp_path)
    yield found
    while left := found.processes():
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
