"""A worker that stops at a moment of a submission, says so in a file, and waits to be killed there.

`python -m tests.held_worker SETTINGS MOMENT FILE`; the moments are `before` (sbatch runs) and `after` (it accepted).
The submissions of transfers are held in the same way; with `@` and a system's name behind it, those there alone. At the
moment `queue` nobody is held: while there is such a file the schedulers tell transfers nothing that can be read.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from firecrest_gql.app import job_work, run_worker, transfer_work
from firecrest_gql.command import Command
from firecrest_gql.errors import CommandFailed
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.work import JobWork
from firecrest_gql.model.identity import Caller
from firecrest_gql.ports import Ports
from firecrest_gql.settings import Settings, SystemSettings, load_settings
from firecrest_gql.transfers.work import TransferWork

T = TypeVar("T")


async def held(file: Path, _: object = None) -> None:
    """Say so, and stay until killed."""
    await asyncio.to_thread(file.touch)
    await asyncio.Event().wait()


@dataclass(frozen=True)
class HeldAtSubmit:
    """The transport, but for submissions, which never leave, or of which nobody learns."""

    transport: Runs
    moment: str
    file: Path

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer, unless it submits."""
        if self.moment == "queue":
            if type(command).__name__ == "Queue" and self.file.exists():
                raise CommandFailed("the queue answered 'nonsense'")
            return await self.transport.run(system, caller, command)
        moment, _, only = self.moment.partition("@")
        submits = type(command).__name__ == "Submit" and only in ("", system.name)
        if submits and moment == "before":
            await held(self.file)
        answer = await self.transport.run(system, caller, command)
        if submits:
            await held(self.file)
        return answer


def held_work(moment: str, file: Path, settings: Settings, reach: Ports) -> JobWork:
    """The real work, held at the moment."""
    work = job_work(settings, reach)
    if moment in ("before", "queue"):
        return replace(work, transport=HeldAtSubmit(work.transport, moment, file))
    return replace(work, after_accept=partial(held, file))


def held_moves(moment: str, file: Path, settings: Settings, reach: Ports) -> TransferWork:
    """The real work on transfers, held at the moment."""
    work = transfer_work(settings, reach)
    return replace(work, transport=HeldAtSubmit(work.transport, moment, file))


async def work(settings: Path, moment: str, file: Path) -> None:
    """Do tasks, until killed."""
    await run_worker(load_settings(settings), partial(held_work, moment, file), partial(held_moves, moment, file))


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
