"""Anything by its id."""

import asyncio
from collections.abc import Awaitable, Callable

from firecrest_gql.errors import FirecrestError, InvalidInput, NotFound
from resolvers import ids, jobs, systems, tasks, transfers
from resolvers.context import Context


async def _system(context: Context, name: str) -> object:
    return systems.system(context, name)


async def _file(context: Context, system: str, path: str) -> object:
    return await context.loaders.file(systems.system(context, system), path)


READERS: dict[tuple[str, int], Callable[..., Awaitable[object]]] = {
    ("system", 1): _system,
    ("job", 2): jobs.job_of,
    ("file", 2): _file,
}


async def node(context: Context, node_id: str) -> object:
    """The thing with this id."""
    if node_id.startswith("task_"):
        return await tasks.task(context, node_id)
    if node_id.startswith("transfer_"):
        return await transfers.transfer(context, node_id)
    kind, parts = ids.decode(node_id)
    read = READERS.get((kind, len(parts)))
    if read is None:
        raise NotFound(f"there is nothing with the id {node_id[:80]!r}")
    return await read(context, *parts)


async def nodes(context: Context, node_ids: list[str]) -> list[object]:
    """The thing with each id, or the error that it met."""
    limit = context.services.settings.limits.max_page_size
    if len(node_ids) > limit:
        raise InvalidInput(f"ids: at most {limit} at once, not {len(node_ids)}")
    return await asyncio.gather(*(_or_error(context, node_id) for node_id in node_ids))


async def _or_error(context: Context, node_id: str) -> object:
    try:
        return await node(context, node_id)
    except FirecrestError as error:
        return error
