"""Listings and searches: pages of files with their cursors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from firecrest_gql.errors import CommandFailed, InvalidInput, PermissionDenied
from firecrest_gql.files.directories import Listed
from firecrest_gql.files.pages import Entry, Wanted
from firecrest_gql.model.files import File, FileOrder
from firecrest_gql.model.page import Edge, Page
from resolvers import cursors
from resolvers.context import Context, Fault
from resolvers.slices import in_slices
from resolvers.systems import system

KEY = re.compile(r"(-?[0-9]+(\.[0-9]+)?)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """Where in the answer a page stands, and where each of its files; whether all of them are to be counted."""

    page: tuple[str | int, ...]
    before: tuple[str, ...]
    behind: tuple[str, ...]
    count: bool

    def place(self, index: int) -> tuple[str | int, ...]:
        """Where this file stands."""
        return (*self.page, *self.before, index, *self.behind)


async def page(context: Context, of: File, wanted: Wanted, first: int, after: str | None, asked: Asked) -> Page[File]:
    """One page of what is wanted of a directory; what could not be read on the way is told beside it."""
    cursors.check_first(first, context.services.settings.limits.max_page_size)
    behind = None if after is None else _decoded(after, wanted.order)
    found, directories = system(context, of.system), context.services.directories
    listed = await directories.page(found, context.caller, of, wanted, first=first, after=behind, count=asked.count)
    context.faults.extend(_faults(of, listed, asked))
    return Page(
        edges=tuple([_edge(entry, wanted.order) async for entry in in_slices(listed.entries)]),
        has_next_page=listed.more,
        has_previous_page=after is not None,
        total_count=listed.total,
    )


def _faults(of: File, listed: Listed, asked: Asked) -> Iterator[Fault]:
    for index, entry in enumerate(listed.entries):
        if entry.closed:
            said = f"{entry.file.path!r} may not be listed by this user: what is in it is missing"
            yield Fault(asked.place(index), PermissionDenied(said))
    if listed.closed:
        said = f"some of what is below {of.path!r} may not be read by this user: it, or what is in it, is missing"
        yield Fault(asked.page, PermissionDenied(said))
    if listed.lost is not None:
        yield Fault(asked.page, CommandFailed(f"some of what is below {of.path!r} is missing: {listed.lost}"))


def _edge(entry: Entry, order: FileOrder) -> Edge[File]:
    return Edge(entry.file, cursors.encode(order, entry.key, entry.below))


def _decoded(cursor: str, order: FileOrder) -> tuple[str, str]:
    """The key and the path below the directory behind which to begin."""
    of, key, below = cursors.decode(cursor, 3)
    if of != order or not KEY.fullmatch(key):
        raise InvalidInput(f"after: {cursor[:80]!r} is a cursor of another order")
    return key, below
