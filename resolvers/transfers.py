"""Transfers: asked for, looked up, and what hangs on them."""

from contextlib import suppress

from firecrest_gql.errors import Conflict, NotFound
from firecrest_gql.model.files import Compression
from firecrest_gql.model.jobs import Job
from firecrest_gql.model.page import Page
from firecrest_gql.model.tasks import Task
from firecrest_gql.model.transfers import CopyWish, Terms, Transfer, TransferFilter
from firecrest_gql.settings import SystemSettings
from firecrest_gql.transfers.accepting import Accepted
from firecrest_gql.transfers.service import Asking
from resolvers import cursors
from resolvers import systems as system_resolvers
from resolvers import tasks as task_resolvers
from resolvers.context import Context


async def transfer(context: Context, transfer_id: str) -> Transfer:
    """The viewer's transfer with this id."""
    found = await context.services.records.get(transfer_id, context.principal.subject)
    if found is None:
        raise NotFound(f"you have no transfer {transfer_id[:80]!r}; `transfers` lists them")
    return found


async def transfers(
    context: Context, wanted: TransferFilter, first: int, after: str | None, count: bool
) -> Page[Transfer]:
    """One page of the viewer's transfers, the newest first."""
    cursors.check_first(first, context.services.settings.limits.max_page_size)
    return await context.services.records.page(context.principal.subject, wanted, first, after, count=count)


def system(context: Context, of: Transfer) -> SystemSettings:
    """The system that it is on, or comes from."""
    return system_resolvers.system(context, of.system)


def target_system(context: Context, of: Transfer) -> SystemSettings | None:
    """The system that it goes to, where that is another one."""
    return None if of.target_system is None else system_resolvers.system(context, of.target_system)


async def task(context: Context, of: Transfer) -> Task | None:
    """The task that is on it now; None once that is no longer kept."""
    return await context.services.store.get(of.task_id, context.principal.subject)


async def job(context: Context, of: Transfer) -> Job | None:
    """The scheduler's job that moves the bytes; None where processes of no scheduler do."""
    if of.job is None:
        return None
    found = system_resolvers.system(context, of.job.system)
    own = context.services.transfers.uses_own_scheduler(found)
    return await context.loaders.job(found, of.job.job_id) if own else None


async def copy(
    context: Context,
    asking: Asking,
    path: str,
    target: str,
    *,
    target_system: str | None,
    dereference: bool,
    overwrite: bool,
    wait: float,
) -> Accepted:
    """Accept the copy as a transfer."""
    if target_system in (None, asking.system.name):
        inside = context.services.transfers
        accepted = await inside.copy(asking, path, target, dereference=dereference, overwrite=overwrite)
    else:
        there = system_resolvers.system(context, target_system)
        wish = CopyWish(
            path=path, target_system=there.name, target=target, dereference=dereference, overwrite=overwrite
        )
        accepted = await context.services.staged_copies.start(asking, there, wish)
    return await held(context, accepted, wait)


async def move(context: Context, asking: Asking, path: str, target: str, *, overwrite: bool, wait: float) -> Accepted:
    """Accept the move as a transfer."""
    accepted = await context.services.transfers.move(asking, path, target, overwrite=overwrite)
    return await held(context, accepted, wait)


async def remove(context: Context, asking: Asking, path: str, *, recursive: bool, wait: float) -> Accepted:
    """Accept the removal as a transfer."""
    return await held(context, await context.services.transfers.remove(asking, path, recursive=recursive), wait)


async def sync(context: Context, asking: Asking, path: str, target: str, *, delete: bool, wait: float) -> Accepted:
    """Accept the synchronisation as a transfer."""
    accepted = await context.services.transfers.sync(asking, path, target, delete=delete)
    return await held(context, accepted, wait)


async def compress(
    context: Context,
    asking: Asking,
    path: str,
    target: str,
    *,
    compression: Compression,
    match: str | None,
    dereference: bool,
    overwrite: bool,
    wait: float,
) -> Accepted:
    """Accept the making of an archive as a transfer."""
    accepted = await context.services.transfers.compress(
        asking,
        path,
        target,
        compression=compression,
        match=match,
        dereference=dereference,
        overwrite=overwrite,
    )
    return await held(context, accepted, wait)


async def extract(
    context: Context,
    asking: Asking,
    path: str,
    target: str,
    *,
    compression: Compression | None,
    overwrite: bool,
    wait: float,
) -> Accepted:
    """Accept the unpacking of an archive as a transfer."""
    service = context.services.transfers
    accepted = await service.extract(asking, path, target, compression=compression, overwrite=overwrite)
    return await held(context, accepted, wait)


async def discard(context: Context, transfer_id: str) -> Transfer:
    """The transfer, whose task is told to end where it has not."""
    found = await transfer(context, transfer_id)
    of = await task(context, found)
    if of is not None and not of.final:
        with suppress(Conflict):  # it has ended meanwhile
            await task_resolvers.cancel(context, of.id)
    if context.services.stage is not None:
        await context.services.stage.discard(found)
    return await transfer(context, transfer_id)


def asking(context: Context, name: str, terms: Terms, key: str | None) -> Asking:
    """Who asks, where, and on what terms."""
    return Asking(context.principal, system_resolvers.system(context, name), context.request_id, terms, key)


async def held(context: Context, accepted: Accepted, seconds: float) -> Accepted:
    """The transfer and its task once that is final, or as they are when the time is over."""
    task = await task_resolvers.held(context, accepted.task, seconds)
    found = await context.services.records.get(accepted.transfer.id, context.principal.subject)
    return Accepted(found or accepted.transfer, task)
