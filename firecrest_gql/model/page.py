"""One page of a list that can grow; a cursor is a sort key, never an index."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Edge(Generic[T_co]):
    """One item of a page and the cursor that continues behind it."""

    node: T_co
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """Some edges in order, and whether there are more; `total_count` is None where nobody counted."""

    edges: tuple[Edge[T_co], ...]
    has_next_page: bool
    has_previous_page: bool = False
    total_count: int | None = None

    @property
    def nodes(self) -> tuple[T_co, ...]:
        """The items without their cursors."""
        return tuple(edge.node for edge in self.edges)

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first edge."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last edge."""
        return self.edges[-1].cursor if self.edges else None

    @property
    def page_info(self) -> "Page[T_co]":
        """The page itself, which GraphQL's `PageInfo` reads."""
        return self
