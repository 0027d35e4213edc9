"""A process that works on one submission and can be held at a moment, to be killed there: its arguments say where."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from firecrest_gql.command import Command
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.work import JobWork
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.tasks import JobRef, Task
from firecrest_gql.schedulers.direct.commands import Submit
from firecrest_gql.schedulers.direct.dialect import Direct
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.connection import connect
from firecrest_gql.tasks.store import TaskStore
from tests.jobs_system import SYSTEM, ThisMachine

T = TypeVar("T")


async def held(_: object = None) -> None:
    """Say so, and stay until killed."""
    print("held", flush=True)
    await asyncio.sleep(600)


@dataclass
class HeldBefore(ThisMachine):
    """Stops where the submission would go out."""

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        if isinstance(command, Submit):
            await held()
        return await ThisMachine.run(self, system, caller, command)


async def work(url: str, homes: Path, path: str, task_id: str, hold: str) -> None:
    """Do the task's work and print the job's id."""
    redis = connect(url)
    task = await TaskStore(redis, retention_seconds=3600, event_retention=100).load(task_id)
    assert isinstance(task, Task)
    machine = HeldBefore(homes, path) if hold == "before" else ThisMachine(homes, path)
    job_work = JobWork(machine, {"local": SYSTEM}, {"direct": Direct()}, Attempts(redis), RecentJobs(redis))
    if hold == "after":
        job_work = JobWork(
            machine, {"local": SYSTEM}, {"direct": Direct()}, Attempts(redis), RecentJobs(redis), after_accept=held
        )
    submitted = await job_work.submit(task)
    assert isinstance(submitted, JobRef)
    print(submitted.job_id, flush=True)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), sys.argv[3], os.environ["TASK"], sys.argv[4]))
