"""Cursors: sort keys in base64, so that a client does not read meaning into them."""

from firecrest_gql.errors import InvalidInput
from resolvers import ids


def encode(*keys: str) -> str:
    """The cursor behind the item with these sort keys."""
    return ids.encode("c", *keys)


def decode(cursor: str, count: int) -> list[str]:
    """The sort keys; raises `InvalidInput` for what is no cursor of this list."""
    try:
        kind, keys = ids.decode(cursor)
    except InvalidInput:
        kind, keys = "", []
    if kind != "c" or len(keys) != count:
        raise InvalidInput(f"after: {cursor[:80]!r} is no cursor of this list")
    return keys


def check_first(first: int, limit: int) -> None:
    """Refuse a page that is negative or too long."""
    if not 0 <= first <= limit:
        raise InvalidInput(f"first: from 0 to maxPageSize, {limit}, is {first}")
