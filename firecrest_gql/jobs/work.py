"""What a worker does for a task of compute; a retryable error has it called again, as the death of a worker has."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from firecrest_gql.command import Command
from firecrest_gql.errors import CommandFailed, Conflict, FirecrestError, NotFound, TasksUnavailable
from firecrest_gql.jobs.attempts import NOTHING_DONE, Attempts
from firecrest_gql.jobs.ceilings import parts
from firecrest_gql.jobs.compute import KIND_OF
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.rule import by_ids
from firecrest_gql.jobs.spec import Home, at_home, from_input, job_name, needs_home
from firecrest_gql.jobs.submission import Submission, key_of
from firecrest_gql.model.identity import Caller, Grant
from firecrest_gql.model.jobs import Job, JobChange, JobSpec, JobState, SubmitEstimate
from firecrest_gql.model.tasks import CommandOutput, JobOutcome, JobOutcomes, JobRef, Task, TaskError, TaskKind
from firecrest_gql.schedulers.dialect import Outcomes, Scheduler
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.attempt import WorkFunction

GRANTS = "\n"
"""Stands between the grants of a task that is on several systems; none has one in it."""

ACT_OF = {kind: act for act, kind in KIND_OF.items()}

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

    @property
    def functions(self) -> Mapping[TaskKind, WorkFunction]:
        """The work function of each kind of task."""
        return {
            TaskKind.SUBMIT_JOB: self.submit,
            TaskKind.CANCEL_JOBS: self.cancel,
            **dict.fromkeys(ACT_OF, self.act),
            TaskKind.UPDATE_JOB: self.update,
            TaskKind.ATTACH_TO_JOB: self.attach,
        }

    async def submit(self, task: Task) -> JobRef | SubmitEstimate:
        """Submit the task's job exactly once, whatever became of earlier attempts; or only have it checked."""
        system, caller, values = self._system(task), caller_of(task), dict(task.input)
        validate_only = values.pop("validate_only", False)
        spec = await self._at_home(system, caller, from_input(values))
        if validate_only:
            return await self.transport.run(system, caller, self._scheduler(system).estimate(spec))
        if (look := self._scheduler(system).complete(spec)) is not None:
            spec = await self.transport.run(system, caller, look)
        job_id = await self._submission(task, system, caller).attempt(spec)
        await self.after_accept(task)
        await self._remember(task, system.name, job_id, job_name(spec))
        await self._keep_files(system, caller, job_id)
        return JobRef(system.name, job_id, job_name(spec))

    async def cancel(self, task: Task) -> JobOutcomes:
        """Cancel the task's jobs, or send them a signal, which is not sent again after an attempt that was cut off."""
        scheduler, signal = self._scheduler(self._system(task)), task.input.get("signal")
        if not signal:
            return await self._outcomes(task, scheduler.cancel)
        async with self._once(task, f"{signal} has reached the jobs"):
            return await self._outcomes(task, lambda job_ids: scheduler.cancel(job_ids, signal))

    async def act(self, task: Task) -> JobOutcomes:
        """Hold, release or requeue the task's jobs; nothing is requeued again after an attempt that was cut off."""
        done = partial(self._scheduler(self._system(task)).act, ACT_OF[task.kind])
        if task.kind is not TaskKind.REQUEUE_JOBS:
            return await self._outcomes(task, done)
        async with self._once(task, "the jobs were requeued"):
            return await self._outcomes(task, done)

    async def update(self, task: Task) -> JobRef:
        """Change the task's job, as long as it is pending."""
        values = dict(task.input)
        system, job_id = self._system(task), values.pop("job_id")
        command = self._scheduler(system).update(job_id, JobChange(**values))
        await self.transport.run(system, caller_of(task), command)
        return JobRef(system.name, job_id)

    async def attach(self, task: Task) -> CommandOutput:
        """Run the task's command inside its job; not again after an attempt that was cut off."""
        system, caller = self._system(task), caller_of(task)
        async with self._once(task, "the command ran") as found:
            job = require_running(str(task.input["job_id"]), found)
            return await self.transport.run(system, caller, self._scheduler(system).attach(job, task.input["command"]))

    @asynccontextmanager
    async def _once(self, task: Task, unknown: str) -> AsyncIterator[list[Job]]:
        """Do to the task's jobs, as the queue tells of them, what must not be done twice.

        As long as the queue is silent nothing is begun; what was begun stands unless it is sure that nothing was done.
        Raises `CommandFailed` where an earlier attempt may have done it.
        """
        cut = CommandFailed(f"an attempt was cut off: whether {unknown} is not known")
        if await self.attempts.begun(task.id):
            raise cut
        system, caller = self._system(task), caller_of(task)
        queue = self._scheduler(system).queue(by_ids(_job_ids(task)), caller.username, system.name)
        found = await self.transport.run(system, caller, queue)
        if await self.attempts.begin(task.id):
            raise cut
        try:
            yield found
        except NOTHING_DONE:
            await self.attempts.forget(task.id)
            raise

    async def _outcomes(self, task: Task, act: Callable[[Sequence[str]], Command[Outcomes]]) -> JobOutcomes:
        """What became of each job; of those whose turn did not come after the others', why."""
        system, caller, job_ids = self._system(task), caller_of(task), _job_ids(task)
        results: dict[str, TaskError | None] = {}
        for part in parts(system, act(job_ids).loads, job_ids):
            try:
                said: Outcomes = await self.transport.run(system, caller, act(part))
                results.update(said)
            except NOTHING_DONE as error:
                if not results:
                    raise
                results.update(dict.fromkeys(part, TaskError(error.code, error.message, error.retryable)))
        return JobOutcomes(tuple(JobOutcome(system.name, job_id, results.get(job_id)) for job_id in job_ids))

    def _submission(self, task: Task, system: SystemSettings, caller: Caller) -> Submission:
        scheduler = self._scheduler(system)
        return Submission(
            self.transport, system, caller, scheduler, self.attempts, key_of(task.id), task.created_at, mark=task.id
        )

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

    async def _keep_files(self, system: SystemSettings, caller: Caller, job_id: str) -> None:
        """Without this the job's files may be unknown once the queue has forgotten it; that must not fail a task."""
        command = self._scheduler(system).shown(job_id)
        try:
            if command and (shown := await self.transport.run(system, caller, command)):
                await self.recent.keep_files(system.name, caller.username, job_id, shown)
        except FirecrestError as error:
            logger.warning("the files of the job %s of %s are not remembered: %s", job_id, system.name, error.message)


def caller_of(task: Task, place: int = 0) -> Caller:
    """The task's user, with the grant that was sealed when the task was accepted: the one for its system, or next."""
    return Caller(task.subject, task.username, Grant(task.grant.split(GRANTS)[place]), task.request_id)


def require_running(job_id: str, found: Sequence[Job]) -> str:
    """The number by which the scheduler knows the one that runs; `NotFound` for no job, `Conflict` for any other."""
    if not found:
        raise NotFound(f"the queue has no job {job_id} of yours, or no longer")
    running = [job for job in found if job.state is JobState.RUNNING]
    if len(running) > 1:
        raise Conflict(f"{len(running)} jobs of {job_id} run: name one of them, such as {running[0].job_id}")
    if not running:
        raise Conflict(f"the job {job_id} is {found[0].raw_state}: a command runs inside running jobs only")
    return running[0].raw_id or running[0].job_id


def _job_ids(task: Task) -> tuple[str, ...]:
    return tuple(task.input.get("job_ids") or (task.input["job_id"],))
