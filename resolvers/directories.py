"""Listings and searches: pages of files with their cursors."""

import re

from firecrest_gql.errors import InvalidInput
from firecrest_gql.files.pages import Entry, Wanted
from firecrest_gql.model.files import File, FileOrder
from firecrest_gql.model.page import Edge, Page
from resolvers import cursors
from resolvers.context import Context
from resolvers.systems import system

KEY = re.compile(r"(-?[0-9]+(\.[0-9]+)?)?")


async def page(context: Context, of: File, wanted: Wanted, first: int, after: str | None, count: bool) -> Page[File]:
    """One page of what is wanted of a directory."""
    cursors.check_first(first, context.services.settings.limits.max_page_size)
    behind = None if after is None else _decoded(after, wanted.order)
    found, directories = system(context, of.system), context.services.directories
    listed = await directories.page(found, context.caller, of, wanted, first=first, after=behind, count=count)
    return Page(
        edges=tuple(_edge(entry, wanted.order) for entry in listed.entries),
        has_next_page=listed.more,
        has_previous_page=after is not None,
        total_count=listed.total,
    )


def _edge(entry: Entry, order: FileOrder) -> Edge[File]:
    return Edge(entry.file, cursors.encode(order, entry.key, entry.below))


def _decoded(cursor: str, order: FileOrder) -> tuple[str, str]:
    """The key and the path below the directory behind which to begin."""
    of, key, below = cursors.decode(cursor, 3)
    if of != order or not KEY.fullmatch(key):
        raise InvalidInput(f"after: {cursor[:80]!r} is a cursor of another order")
    return key, below
