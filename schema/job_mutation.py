"""What can be done to jobs, each by a task that is made at once, and to such a task."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from firecrest_gql.model.jobs import JobAct
from firecrest_gql.model.tasks import Task
from resolvers import jobs, tasks
from schema.fields import Info, mutation, says
from schema.inputs import CancelJobsInput, CancelTaskInput, SubmitJobInput
from schema.job_inputs import (
    AttachToJobInput,
    HoldJobsInput,
    JobsInput,
    QueryJobsInput,
    ReleaseJobsInput,
    RequeueJobsInput,
    UpdateJobInput,
)
from schema.payloads import (
    AttachToJobPayload,
    CancelJobsPayload,
    CancelTaskPayload,
    HoldJobsPayload,
    QueryJobsPayload,
    ReleaseJobsPayload,
    RequeueJobsPayload,
    SubmitJobPayload,
    UpdateJobPayload,
)
from schema.uploads import uploaded

Wait = Annotated[float, says("How long to hold the answer, at most, until the task ends.")]


@dataclass(frozen=True, slots=True)
class Started:
    """The task that a mutation made."""

    task: Task


@strawberry.type(description="What can be done to jobs.")
class JobMutation:
    """What can be done to jobs."""

    @mutation(SubmitJobPayload)
    async def submit_job(
        self,
        info: Info,
        input: Annotated[SubmitJobInput, says("The job.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Submit a job; the answer is the task that does it."""
        given = input.script_file
        script = None if given is None else await uploaded(given, "scriptFile", jobs.MAX_SCRIPT)
        asked = jobs.Asked(input.spec(), script, input.validate_only, input.idempotency_key)
        return Started(await jobs.submit(info.context, input.system, asked, wait_seconds))

    @mutation(CancelJobsPayload)
    async def cancel_jobs(
        self,
        info: Info,
        input: Annotated[CancelJobsInput, says("The jobs.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Cancel jobs, or send them a signal; the answer is the task that does it."""
        return Started(
            await jobs.cancel(
                info.context, input.system, input.job_ids, input.signal, input.idempotency_key, wait_seconds
            )
        )

    @mutation(HoldJobsPayload)
    async def hold_jobs(
        self,
        info: Info,
        input: Annotated[HoldJobsInput, says("The jobs.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Keep pending jobs from starting; the answer is the task that does it."""
        return await _act(info, JobAct.HOLD, input, wait_seconds)

    @mutation(ReleaseJobsPayload)
    async def release_jobs(
        self,
        info: Info,
        input: Annotated[ReleaseJobsInput, says("The jobs.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Let held jobs start; the answer is the task that does it."""
        return await _act(info, JobAct.RELEASE, input, wait_seconds)

    @mutation(RequeueJobsPayload)
    async def requeue_jobs(
        self,
        info: Info,
        input: Annotated[RequeueJobsInput, says("The jobs.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Put running or ended jobs back into the queue; the answer is the task that does it."""
        return await _act(info, JobAct.REQUEUE, input, wait_seconds)

    @mutation(UpdateJobPayload)
    async def update_job(
        self,
        info: Info,
        input: Annotated[UpdateJobInput, says("The job, and what changes.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Change a job while it is pending; the answer is the task that does it."""
        return Started(
            await jobs.update(
                info.context, input.system, input.job_id, input.change(), input.idempotency_key, wait_seconds
            )
        )

    @mutation(AttachToJobPayload)
    async def attach_to_job(
        self,
        info: Info,
        input: Annotated[AttachToJobInput, says("The job and the command.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Run a command inside a running job's allocation, as one task on its first node; never twice."""
        given = input
        return Started(
            await jobs.attach(
                info.context, given.system, given.job_id, given.command, given.idempotency_key, wait_seconds
            )
        )

    @mutation(QueryJobsPayload)
    async def query_jobs(
        self,
        info: Info,
        input: Annotated[QueryJobsInput, says("Which jobs.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Started:
        """Ask for jobs, however long that takes; of each user one query runs at a time, the others wait."""
        wanted = input.condition()
        return Started(await jobs.query(info.context, input.system, wanted, input.idempotency_key, wait_seconds))

    @mutation(CancelTaskPayload)
    async def cancel_task(
        self,
        info: Info,
        input: Annotated[CancelTaskInput, says("The task.")],  # noqa: A002
    ) -> Started:
        """Cancel a task; CONFLICT once it is final or has begun what must happen once, such as a submission."""
        return Started(await tasks.cancel(info.context, input.id))


async def _act(info: Info, act: JobAct, given: JobsInput, wait_seconds: float) -> Started:
    return Started(await jobs.act(info.context, given.system, act, given.job_ids, given.idempotency_key, wait_seconds))
