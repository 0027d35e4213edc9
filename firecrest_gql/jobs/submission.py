"""One job out of any number of attempts: a hash of the task's id is the key that an earlier one's job carries."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TypeVar

from firecrest_gql.command import Command
from firecrest_gql.errors import CommandFailed, TooLarge
from firecrest_gql.jobs.attempts import Attempts, StillRuns
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.dialect import SUBMIT_SECONDS, Scheduler
from firecrest_gql.settings import SystemSettings

GONE_SECONDS = 30
"""After so long nothing runs on a system for a client that is dead: the transport's promise."""

SETTLE_SECONDS = 2
"""For a scheduler to take in what a client sent it with its last breath."""

CLOCKS_DIFFER = timedelta(hours=26)
"""Accounting is asked in the system's own time, whose zone we do not know."""

CLOCK_SECONDS = 30
"""By how much the clocks of two workers may differ, and a scheduler may forget a job early."""

KEY_LENGTH = 16
"""Of hexadecimal digits: 64 bits tell one user's jobs apart."""

UNKNOWN = "whether the job was submitted is not known: look for it before you submit it again"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Submission:
    """The submission of one job, asked for at `since`; the attempts at it are marked by `mark`."""

    transport: Runs
    system: SystemSettings
    caller: Caller
    scheduler: Scheduler
    attempts: Attempts
    key: str
    since: datetime
    mark: str

    async def attempt(self, spec: JobSpec) -> str:
        """The id of the one job: submitted now unless an earlier attempt, here or in a dead worker, has done it."""
        if job_id := await self.earlier():
            return job_id
        begun = datetime.now(UTC)
        try:
            return await self._run(self.scheduler.submit(spec, self.key))
        except (CommandFailed, TooLarge):
            # It has answered in no way that we know; a job may be there all the same.
            if job_id := await self._search(begun):
                return job_id
            raise

    async def earlier(self) -> str | None:
        """The job of an earlier attempt, if there was one; from now on there was.

        Raises `CommandFailed` where that cannot be known: it is better to submit nothing than to submit twice.
        """
        since = await self.attempts.begin(self.mark)
        if since is None:
            return None
        if job_id := await self._search(since):
            return job_id
        await self.attempts.begin_anew(self.mark)
        return None

    async def _search(self, since: datetime) -> str | None:
        """The job that was submitted since then, looked for until none can come any more."""
        if job_id := await self._found_until_over() or await self._find():
            return job_id
        await asyncio.sleep(SETTLE_SECONDS)
        if job_id := await self._find() or await self._find_accounted():
            return job_id
        await self._require_memory(since)
        return None

    async def _found_until_over(self) -> str | None:
        """Look for the job as long as the earlier command may be at work; None once it is over."""
        begun = monotonic()
        while (seen := await self._still_runs()) is not False:
            waited = monotonic() - begun
            if seen is None and waited >= GONE_SECONDS:
                return None
            if waited > SUBMIT_SECONDS + GONE_SECONDS:
                raise CommandFailed(f"{UNKNOWN}: the command of an earlier attempt does not end")
            if job_id := await self._find():
                return job_id
            await asyncio.sleep(1)
        return None

    async def _still_runs(self) -> bool | None:
        """Whether the earlier command is alive; None: it cannot be seen, as it may be on another login node."""
        if len(self.system.login_nodes) > 1:
            return None
        try:
            return await self._run(StillRuns(self.key))
        except (CommandFailed, TooLarge):
            return None

    async def _find(self) -> str | None:
        return await self._run(self.scheduler.find(self.key, self.caller.username, self.system.name))

    async def _find_accounted(self) -> str | None:
        since = self.since - CLOCKS_DIFFER
        command = self.scheduler.find_accounted(self.key, self.caller.username, since)
        return None if command is None else await self._run(command)

    async def _require_memory(self, since: datetime) -> None:
        """Raise `CommandFailed` where a job of that time may have come and gone, and nobody remembers it."""
        if (command := self.scheduler.recall()) is None:
            return
        recall = await self._run(command)
        seconds = (datetime.now(UTC) - since).total_seconds()
        if not recall.remembers(seconds + CLOCK_SECONDS):
            raise CommandFailed(f"{UNKNOWN}: {recall.advice}")

    async def _run(self, command: Command[T]) -> T:
        return await self.transport.run(self.system, self.caller, command)


def key_of(task_id: str) -> str:
    """A short hash of the task's id: what a job carries, so that it is found again."""
    return hashlib.sha256(task_id.encode()).hexdigest()[:KEY_LENGTH]
