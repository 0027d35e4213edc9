"""One job out of any number of attempts: the scheduler knows the job of an earlier one by its key, the task's id."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from firecrest_gql.errors import CommandFailed, TooLarge
from firecrest_gql.jobs.attempts import Attempts, StillRuns
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.dialect import Scheduler
from firecrest_gql.settings import SystemSettings

GONE_SECONDS = 30
"""After so long nothing runs on a system for a client that is dead: the transport's promise."""

SETTLE_SECONDS = 2
"""For a scheduler to take in what a client sent it with its last breath."""

CLOCKS_DIFFER = timedelta(hours=26)
"""Accounting is asked in the system's own time, whose zone we do not know."""


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
        try:
            return await self.transport.run(self.system, self.caller, self.scheduler.submit(spec, self.key))
        except (CommandFailed, TooLarge):
            # It has answered in no way that we know; a job may be there all the same.
            if job_id := await self._search():
                return job_id
            raise

    async def earlier(self) -> str | None:
        """The job of an earlier attempt, if there was one; from now on there was."""
        return await self._search() if await self.attempts.begin(self.mark) else None

    async def _search(self) -> str | None:
        """The job of an earlier attempt, looked for until none can come any more."""
        deadline = monotonic() + GONE_SECONDS
        while await self._still_runs() and monotonic() < deadline:
            if job_id := await self._find():
                return job_id
            await asyncio.sleep(1)
        if job_id := await self._find():
            return job_id
        await asyncio.sleep(SETTLE_SECONDS)
        return await self._find() or await self._find_accounted()

    async def _still_runs(self) -> bool:
        """Whether the earlier command may be alive: its processes tell, unless it may be on another login node."""
        if len(self.system.login_nodes) > 1:
            return True
        try:
            return await self.transport.run(self.system, self.caller, StillRuns(self.key))
        except (CommandFailed, TooLarge):
            return True

    async def _find(self) -> str | None:
        command = self.scheduler.find(self.key, self.caller.username, self.system.name)
        return await self.transport.run(self.system, self.caller, command)

    async def _find_accounted(self) -> str | None:
        since = self.since - CLOCKS_DIFFER
        command = self.scheduler.find_accounted(self.key, self.caller.username, since)
        return None if command is None else await self.transport.run(self.system, self.caller, command)
