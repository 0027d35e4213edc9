"""Transfers through the object store: asked for, completed, taken up again, and what their clients need."""

from collections.abc import Sequence

from firecrest_gql.model.tasks import Task
from firecrest_gql.model.transfers import DownloadWish, Part, Transfer, UploadWish
from firecrest_gql.transfers.accepting import Accepted
from firecrest_gql.transfers.service import Asking
from resolvers import cursors, transfers
from resolvers import tasks as task_resolvers
from resolvers.context import Context


async def upload(context: Context, asking: Asking, wish: UploadWish, wait: float) -> Accepted:
    """Accept the upload, whose parts the client sends to the store."""
    return await transfers.held(context, await context.services.staged_uploads.start(asking, wish), wait)


async def complete(context: Context, transfer_id: str, etags: dict[int, str] | None, wait: float) -> Accepted:
    """The upload, whose parts are all there."""
    found, task = await _with_task(context, transfer_id)
    await context.services.staged_uploads.complete(found, task, etags)
    return await transfers.held(context, Accepted(found, task), wait)


async def download(context: Context, asking: Asking, wish: DownloadWish, wait: float) -> Accepted:
    """Accept the download, whose bytes a job brings to the store."""
    return await transfers.held(context, await context.services.staged_downloads.start(asking, wish), wait)


async def resume(context: Context, transfer_id: str) -> Accepted:
    """The transfer with the task that takes it up again."""
    found = await transfers.transfer(context, transfer_id)
    return await context.services.resuming.resume(
        context.principal, context.request_id, found, await transfers.task(context, found)
    )


async def parts(
    context: Context,
    of: Transfer,
    numbers: Sequence[int] | None,
    *,
    missing_only: bool,
    first: int,
    after: int | None,
) -> list[Part] | None:
    """Where the client sends the parts of an upload."""
    cursors.check_first(first, context.services.settings.limits.max_page_size)
    return await context.services.staged_uploads.parts(of, numbers, missing_only=missing_only, first=first, after=after)


async def download_url(context: Context, of: Transfer) -> str | None:
    """Where the client gets what is staged."""
    return await context.services.staged_downloads.url(of)


async def _with_task(context: Context, transfer_id: str) -> tuple[Transfer, Task]:
    found = await transfers.transfer(context, transfer_id)
    return found, await task_resolvers.task(context, found.task_id)
