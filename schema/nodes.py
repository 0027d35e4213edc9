"""What has an id, and how lists are paged (the GraphQL Cursor Connections Specification)."""

import strawberry

from schema.fields import attribute


@strawberry.interface(description="Anything that has an id and can be asked for by it.")
class Node:
    """Anything that has an id and can be asked for by it."""

    id: strawberry.ID = attribute("The id, opaque, the same for as long as the thing is there.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = attribute("Whether there is more behind this page.")
    has_previous_page: bool = attribute("Whether there is more before this page.")
    start_cursor: str | None = attribute("The cursor of the first edge.")
    end_cursor: str | None = attribute("The cursor of the last edge: `after` for the next page.")
