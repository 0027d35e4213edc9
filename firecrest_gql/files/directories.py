"""What directories hold, page by page: this side never has more than a page."""

from dataclasses import dataclass

from firecrest_gql.errors import Conflict, InvalidInput, PermissionDenied
from firecrest_gql.files import paths
from firecrest_gql.files.listing import refuse_non_directory
from firecrest_gql.files.pages import Count, Entry, Found, ListPage, Wanted, check_wanted
from firecrest_gql.files.road import FileRoad, allows_all
from firecrest_gql.model.files import File
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

LOOKS = 5  # at a page whose entries vanish


@dataclass(frozen=True, slots=True)
class Listed:
    """A page's entries, whether there are more, and how many in all where somebody asked.

    `closed`: something below may not be read, which is no entry of any page; `lost`: why other entries are missing.
    """

    entries: tuple[Entry, ...]
    more: bool
    total: int | None
    closed: bool = False
    lost: str | None = None


class Directories:
    """Lists and searches directories."""

    def __init__(self, road: FileRoad) -> None:
        self._road = road

    async def page(
        self,
        system: SystemSettings,
        caller: Caller,
        directory: File,
        wanted: Wanted,
        *,
        first: int,
        after: tuple[str, str] | None,
        count: bool,
    ) -> Listed:
        """The first entries behind `after`; they are counted only where the page does not show all of them."""
        refuse_non_directory(directory)
        _check(system, wanted)
        listing = ListPage(system.name, directory.location, wanted, first + 1, after)
        found = await self._found(system, caller, listing)
        total, more = len(found.entries), found.passed > first
        if count and (more or after is not None):
            total = await self._road.run(system, caller, Count(directory.location, wanted))
        closed = found.closed and wanted.chosen and after is None
        return Listed(found.entries[:first], more, total if count else None, closed, found.lost)

    async def _found(self, system: SystemSettings, caller: Caller, listing: ListPage) -> Found:
        """A page; once more where all of its entries have vanished since they were listed."""
        for _ in range(LOOKS):
            found = await self._road.run(system, caller, listing)
            if found.entries or not found.passed:
                return found
        raise Conflict(f"{listing.path!r} changes faster than it can be listed: try again")


def _check(system: SystemSettings, wanted: Wanted) -> None:
    check_wanted(wanted)
    if wanted.dereference and not allows_all(system):
        raise PermissionDenied(f"dereference: {system.name} limits its paths, and links in a directory may leave them")
    if wanted.match is not None:
        paths.check_name(wanted.match, argument="match")
    if wanted.words is not None:
        paths.check_name(wanted.words, argument="contains")


def depth(*, recursive: bool, max_depth: int | None) -> int | None:
    """How deep a listing goes; None is everything below."""
    if not recursive and max_depth is not None:
        raise InvalidInput("maxDepth: goes with recursive")
    return max_depth if recursive else 1
