"""Jobs: asked for, submitted, cancelled, followed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from firecrest_gql.errors import InvalidInput
from firecrest_gql.jobs.limits import MAX_SCRIPT as MAX_SCRIPT
from firecrest_gql.jobs.page import JobOrder
from firecrest_gql.jobs.spec import with_file
from firecrest_gql.model.cluster import ComputeNode, Project, Reservation
from firecrest_gql.model.files import File
from firecrest_gql.model.jobs import (
    NOWHERE,
    Job,
    JobAct,
    JobChange,
    JobEvent,
    JobFilter,
    JobSpec,
    JobUsage,
    OutputChunk,
    OutputStream,
)
from firecrest_gql.model.page import Page
from firecrest_gql.model.tasks import Task
from firecrest_gql.settings import SystemSettings
from resolvers import cursors
from resolvers.context import Context
from resolvers.merge import merged
from resolvers.systems import system, systems
from resolvers.tasks import held


async def job(context: Context, found: SystemSettings, job_id: str, usage: bool = False) -> Job:
    """The job with this id; `usage`: what it has used will be asked for too."""
    return await context.loaders.job(found, job_id, usage)


async def job_of(context: Context, name: str, job_id: str) -> Job:
    """The job with this id on the system of this name."""
    return await job(context, system(context, name), job_id)


async def jobs(
    context: Context,
    found: SystemSettings,
    wanted: JobFilter,
    order: JobOrder,
    first: int,
    after: str | None,
    usage: bool = False,
) -> Page[Job]:
    """One page of the jobs that the filter means; `usage`: what they have used will be asked for too."""
    cursors.check_first(first, context.services.settings.limits.max_page_size)
    return await context.services.jobs.jobs(context.caller, found, wanted, order, first, after, usage)


async def nodes(context: Context, found: SystemSettings) -> list[ComputeNode]:
    """What jobs run on."""
    return await context.services.jobs.nodes(context.caller, found)


async def reservations(context: Context, found: SystemSettings) -> list[Reservation]:
    """What is kept for some."""
    return await context.services.jobs.reservations(context.caller, found)


async def script(context: Context, of: Job) -> str | None:
    """What was submitted, as far as the scheduler still tells it."""
    return await context.loaders.script(system(context, of.system), of.job_id)


async def used(context: Context, of: Job) -> JobUsage:
    """What accounting has recorded of it: with the job, where that came from there."""
    return of.usage or await context.loaders.job_usage(system(context, of.system), of.job_id)


async def projects(context: Context, name: str) -> list[Project]:
    """What the viewer's jobs can be charged to."""
    return await context.services.jobs.projects(context.caller, system(context, name))


async def output_file(context: Context, of: Job, path: str | None) -> File | None:
    """The file that an output of the job goes to; None where the scheduler does not say, and for /dev/null."""
    return None if path in (None, NOWHERE) else await context.loaders.file(system(context, of.system), path)


@dataclass(frozen=True, slots=True)
class Asked:
    """A job as it was given, with the script that was uploaded, if one was."""

    spec: JobSpec
    file: bytes | None
    validate_only: bool
    idempotency_key: str | None


async def submit(context: Context, name: str, asked: Asked, wait: float) -> Task:
    """Accept the job as a task."""
    found = system(context, name)
    task = await context.services.compute.start_submit(
        context.principal,
        found,
        asked.spec if asked.file is None else with_file(asked.spec, asked.file),
        validate_only=asked.validate_only,
        idempotency_key=asked.idempotency_key,
        request_id=context.request_id,
    )
    return await held(context, task, wait)


async def cancel(
    context: Context, name: str, job_ids: list[str], signal: str | None, key: str | None, wait: float
) -> Task:
    """Accept the cancelling as a task."""
    found = system(context, name)
    task = await context.services.compute.start_cancel(
        context.principal, found, job_ids, signal, idempotency_key=key, request_id=context.request_id
    )
    return await held(context, task, wait)


async def act(context: Context, name: str, wanted: JobAct, job_ids: list[str], key: str | None, wait: float) -> Task:
    """Accept the holding, releasing or requeueing as a task."""
    found = system(context, name)
    task = await context.services.compute.start_act(
        context.principal, found, wanted, job_ids, idempotency_key=key, request_id=context.request_id
    )
    return await held(context, task, wait)


async def update(context: Context, name: str, job_id: str, change: JobChange, key: str | None, wait: float) -> Task:
    """Accept the change of a pending job as a task."""
    found = system(context, name)
    task = await context.services.compute.start_update(
        context.principal, found, job_id, change, idempotency_key=key, request_id=context.request_id
    )
    return await held(context, task, wait)


async def attach(context: Context, name: str, job_id: str, command: list[str], key: str | None, wait: float) -> Task:
    """Accept a command inside a job as a task."""
    found = system(context, name)
    task = await context.services.compute.start_attach(
        context.principal, found, job_id, command, idempotency_key=key, request_id=context.request_id
    )
    return await held(context, task, wait)


async def query(context: Context, name: str, wanted: JobFilter, key: str | None, wait: float) -> Task:
    """Accept a long query as a task."""
    found = system(context, name)
    task = await context.services.compute.start_query(
        context.principal, found, wanted, idempotency_key=key, request_id=context.request_id
    )
    return await held(context, task, wait)


def updates(
    context: Context, name: str | None, job_ids: list[str] | None, since: datetime | None
) -> AsyncIterator[JobEvent]:
    """The jobs' present states, then their changes; of every system where none is named.

    Then one that is down is waited for, and what has changed meanwhile is told; one that the viewer may not watch is
    left out.
    """
    if name is None and job_ids is not None:
        raise InvalidInput("system: is needed where jobIds are given")
    watched = systems(context) if name is None else [system(context, name)]
    if len(watched) == 1:
        return context.services.watch.updates(context.principal, watched[0], job_ids, since)
    begun = datetime.now(UTC)
    return merged([partial(_updates, context, found, since, begun) for found in watched])


def _updates(
    context: Context, found: SystemSettings, since: datetime | None, begun: datetime, again: bool
) -> AsyncIterator[JobEvent]:
    return context.services.watch.updates(context.principal, found, None, (since or begun) if again else since)


def output(context: Context, name: str, job_id: str, stream: OutputStream, offset: int) -> AsyncIterator[OutputChunk]:
    """The bytes of the job's output as they come."""
    return context.services.output.output(context.principal, system(context, name), job_id, stream, offset)
