"""Tasks: asked for, waited for, followed."""

from collections.abc import AsyncIterator

from firecrest_gql.errors import ErrorCode, InvalidInput, NotFound
from firecrest_gql.model.jobs import Job
from firecrest_gql.model.page import Page
from firecrest_gql.model.tasks import (
    JobOutcome,
    JobRef,
    RecordedJobs,
    Task,
    TaskEvent,
    TaskFilter,
    TaskPage,
    TaskResult,
    TaskStatus,
    TransferRef,
)
from firecrest_gql.model.transfers import Transfer
from firecrest_gql.settings import SystemSettings
from resolvers import cursors
from resolvers import systems as system_resolvers
from resolvers.context import Context


async def task(context: Context, task_id: str) -> Task:
    """The viewer's task with this id."""
    found = await context.services.store.get(task_id, context.principal.subject)
    if found is None:
        raise NotFound(f"you have no task {task_id[:80]!r}; `tasks` lists them")
    return found


async def cancel(context: Context, task_id: str) -> Task:
    """The viewer's task, cancelled or told to end."""
    services = context.services
    before = await services.store.load(task_id)
    found = await services.store.cancel(task_id, context.principal.subject)
    if found.final and before is not None and services.stage is not None:  # no worker will see to what is staged
        await services.stage.give_up_of(before)
    if found.status is TaskStatus.WAITING:
        await services.queue.wake(found)
    return found


async def tasks(context: Context, wanted: TaskFilter, first: int, after: str | None, count: bool) -> TaskPage:
    """One page of the viewer's tasks, the newest first."""
    cursors.check_first(first, context.services.settings.limits.max_page_size)
    return await context.services.store.list(context.principal.subject, wanted, first, after, count=count)


async def held(context: Context, started: Task, seconds: float) -> Task:
    """The task once it is final, or as it is when the time is over."""
    limit = context.services.settings.limits.max_wait_seconds
    if not 0 <= seconds <= limit:
        raise InvalidInput(f"waitSeconds: from 0 to {limit:g}, is {seconds:g}")
    if seconds == 0 or started.final:
        return started
    return await context.services.feed.wait(started.id, context.principal.subject, seconds)


def system(context: Context, of: Task) -> SystemSettings | None:
    """The system that the task is about."""
    return None if of.system is None else system_resolvers.system(context, of.system)


async def result(context: Context, of: Task) -> Job | Transfer | TaskResult | None:
    """What came of the task: a job is read as it now is, a transfer as it is recorded."""
    if isinstance(of.result, TransferRef):
        return await context.services.records.get(of.result.transfer_id, context.principal.subject)
    if isinstance(of.result, JobRef):
        return await context.loaders.job(system_resolvers.system(context, of.result.system), of.result.job_id)
    return of.result


async def recorded(context: Context, of: RecordedJobs, first: int, after: str | None) -> Page[Job]:
    """One page of the jobs that a query has found."""
    cursors.check_first(first, context.services.settings.limits.max_page_size)
    return await context.services.listings.page(of, first, after)


async def job(context: Context, of: JobOutcome) -> Job | None:
    """The job that an outcome is about; None for one that was not found when it was asked for."""
    if of.error is not None and of.error.code is ErrorCode.NOT_FOUND:
        return None
    return await context.loaders.job(system_resolvers.system(context, of.system), of.job_id)


def updates(context: Context, task_id: str, since_version: int | None) -> AsyncIterator[Task]:
    """The task's states, one after the other, up to the final one."""
    return context.services.feed.updates(task_id, context.principal.subject, since_version)


def events(context: Context, after: str | None) -> AsyncIterator[TaskEvent]:
    """The changes of all the viewer's tasks."""
    return context.services.feed.events(context.principal.subject, after)
