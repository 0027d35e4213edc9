"""What a worker does for a task of compute; a retryable error has it called again, as the death of a worker has."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from firecrest_gql.errors import CommandFailed, NotFound, TasksUnavailable
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.spec import Home, at_home, from_input, job_name, needs_home
from firecrest_gql.jobs.submission import Submission
from firecrest_gql.model.identity import Caller, Grant
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.model.tasks import JobOutcome, JobOutcomes, JobRef, Task
from firecrest_gql.schedulers.dialect import Scheduler
from firecrest_gql.settings import SystemSettings

logger = logging.getLogger(__name__)


async def go_on(task: Task) -> None:
    """Nothing: between the scheduler's acceptance and our record no time is lost."""


@dataclass(frozen=True)
class JobWork:
    """The work functions of compute; `after_accept` is awaited where a job exists and no record says so yet."""

    transport: Runs
    systems: Mapping[str, SystemSettings]
    schedulers: Mapping[str, Scheduler]
    attempts: Attempts
    recent: RecentJobs
    after_accept: Callable[[Task], Awaitable[None]] = go_on

    async def submit(self, task: Task) -> JobRef:
        """Submit the task's job exactly once, whatever became of earlier attempts."""
        system, caller = self._system(task), caller_of(task)
        spec = await self._at_home(system, caller, from_input(task.input))
        submission = Submission(self.transport, system, caller, self._scheduler(system), self.attempts, task)
        job_id = await submission.attempt(spec)
        await self.after_accept(task)
        await self._remember(task, system.name, job_id, job_name(spec))
        return JobRef(system.name, job_id, job_name(spec))

    async def cancel(self, task: Task) -> JobOutcomes:
        """Cancel the task's jobs, or send them a signal, which is not sent again after an attempt that was cut off."""
        system, caller = self._system(task), caller_of(task)
        job_ids, signal = tuple(task.input["job_ids"]), task.input.get("signal")
        if await self.attempts.begin(task.id) and signal:
            raise CommandFailed(f"an attempt was cut off: whether {signal} has reached the jobs is not known")
        command = self._scheduler(system).cancel(job_ids, signal)
        results = await self.transport.run(system, caller, command)
        return JobOutcomes(tuple(JobOutcome(system.name, job_id, results.get(job_id)) for job_id in job_ids))

    def _system(self, task: Task) -> SystemSettings:
        system = self.systems.get(task.system or "")
        if system is None:
            raise NotFound(f"the system {task.system} is no longer among the settings")
        return system

    def _scheduler(self, system: SystemSettings) -> Scheduler:
        return self.schedulers[system.scheduler.kind]

    async def _at_home(self, system: SystemSettings, caller: Caller, spec: JobSpec) -> JobSpec:
        return at_home(spec, await self.transport.run(system, caller, Home())) if needs_home(spec) else spec

    async def _remember(self, task: Task, system: str, job_id: str, name: str) -> None:
        """Without this the job may be missing for a moment; that must not fail a task whose job exists."""
        try:
            await self.recent.add(system, task.username, job_id, name)
        except TasksUnavailable as error:
            logger.warning("the job %s of task %s is not remembered: %s", job_id, task.id, error.message)


def caller_of(task: Task) -> Caller:
    """The task's user, with the grant that was sealed when the task was accepted."""
    return Caller(task.subject, task.username, Grant(task.grant), task.request_id)
