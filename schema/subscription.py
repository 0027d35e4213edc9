"""What is pushed, over graphql-transport-ws and server-sent events."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

import strawberry

from firecrest_gql.model import jobs as jobs_model
from firecrest_gql.model import tasks as tasks_model
from firecrest_gql.settings import SystemSettings
from resolvers import files, jobs, systems, tasks
from schema.fields import Info, says, subscription
from schema.jobs import JobEvent, OutputChunk
from schema.scalars import BigInt
from schema.systems import System
from schema.tasks import Task, TaskEvent


@strawberry.type(description="What is pushed; every stream ends with the token.")
class Subscription:
    """What is pushed."""

    @subscription(Task)
    def task_updated(
        self,
        info: Info,
        id: Annotated[strawberry.ID, says("The task's id.")],  # noqa: A002
        since_version: Annotated[int | None, says("The version that the client has: only newer ones are sent.")] = None,
    ) -> AsyncIterator[tasks_model.Task]:
        """Begins with the present state unless its version is sinceVersion; completes after a final one."""
        return tasks.updates(info.context, id, since_version)

    @subscription(TaskEvent)
    def task_events(
        self,
        info: Info,
        after: Annotated[
            str | None, says("The cursor of the last event seen; from now on where nothing is said.")
        ] = None,
    ) -> AsyncIterator[tasks_model.TaskEvent]:
        """Every change of every task of the viewer's; a cursor that is no longer kept is CURSOR_EXPIRED."""
        return tasks.events(info.context, after)

    @subscription(JobEvent)
    def job_updated(
        self,
        info: Info,
        system: Annotated[str | None, says("Where; every system of the viewer's where nothing is said.")] = None,
        job_ids: Annotated[list[str] | None, says("Which; all of the viewer's where nothing is said.")] = None,
        since: Annotated[datetime | None, says("Jobs that changed after this time are told of, too.")] = None,
    ) -> AsyncIterator[jobs_model.JobEvent]:
        """The present state of each job, then changes of state; completes when all named ones are final, else never."""
        return jobs.updates(info.context, system, job_ids, since)

    @subscription(OutputChunk)
    def job_output(
        self,
        info: Info,
        system: Annotated[str, says("Where.")],
        job_id: Annotated[str, says("Whose output.")],
        stream: Annotated[jobs_model.OutputStream, says("Which of the two.")] = jobs_model.OutputStream.STDOUT,
        offset: Annotated[BigInt, says("Where to begin, in bytes.")] = BigInt(0),
    ) -> AsyncIterator[jobs_model.OutputChunk]:
        """The job's output as it is written; completes when the job has ended and every byte is out."""
        return jobs.output(info.context, system, job_id, stream, offset)

    @subscription(OutputChunk)
    def file_tail(
        self,
        info: Info,
        system: Annotated[str, says("Where.")],
        path: Annotated[str, says("Absolute, from ~, or base64:….")],
        offset: Annotated[BigInt | None, says("Where to begin, in bytes; at the present end if not said.")] = None,
    ) -> AsyncIterator[jobs_model.OutputChunk]:
        """The file as it is written, through truncation and rotation, and where there is none yet; never completes."""
        return files.follow(info.context, system, path, offset)

    @subscription(System)
    def system_status(
        self,
        info: Info,
        names: Annotated[list[str] | None, says("Which; every system of the viewer's where nothing is said.")] = None,
    ) -> AsyncIterator[SystemSettings]:
        """Begins with the present state of each system, then each again when its checks find something else."""
        return systems.changes(info.context, names)
