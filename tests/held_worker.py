"""A worker that stops at a moment of a submission, says so in a file, and waits to be killed there.

`python -m tests.held_worker SETTINGS MOMENT FILE`; the moments are `before` (sbatch runs) and `after` (it accepted).
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from firecrest_gql.app import Ports, job_work, run_worker
from firecrest_gql.command import Command
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.work import JobWork
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import Settings, SystemSettings, load_settings

T = TypeVar("T")


async def held(file: Path, _: object = None) -> None:
    """Say so, and stay until killed."""
    await asyncio.to_thread(file.touch)
    await asyncio.Event().wait()


@dataclass(frozen=True)
class HeldBeforeSubmit:
    """The transport, but for submissions, which never leave."""

    transport: Runs
    file: Path

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer, unless it submits."""
        if type(command).__name__ == "Submit":
            await held(self.file)
        return await self.transport.run(system, caller, command)


def held_work(moment: str, file: Path, settings: Settings, reach: Ports) -> JobWork:
    """The real work, held at the moment."""
    work = job_work(settings, reach)
    if moment == "before":
        return replace(work, transport=HeldBeforeSubmit(work.transport, file))
    return replace(work, after_accept=partial(held, file))


if __name__ == "__main__":
    asyncio.run(run_worker(load_settings(Path(sys.argv[1])), partial(held_work, sys.argv[2], Path(sys.argv[3]))))
