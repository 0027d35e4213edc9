"""Answers as JSON: strings that every parser takes, and large ones without holding up other requests."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator

LONG = 64 * 1024  # characters that are encoded at once: some tenths of a millisecond
VALUE = 64  # of them takes each value, besides its own
HALF = re.compile("[\ud800-\udfff]")  # bytes of names that are not UTF-8, which are no characters in JSON either


def encoded(data: object) -> str:
    """The data as JSON; what is no character becomes U+FFFD."""
    return HALF.sub("\ufffd", json.dumps(data, separators=(",", ":"), ensure_ascii=False))


def is_long(data: object) -> bool:
    """Whether it takes long to encode; that is known after a look at as much of it as does not."""
    return _left(data, LONG) < 0


def _left(data: object, room: int) -> int:
    """What is left of the room for characters and values, negative where it does not suffice."""
    room -= VALUE
    if isinstance(data, str):
        return room - len(data)
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        if room < 0:
            break
        room = _left(value, room)
    return room


async def slices(data: object) -> AsyncIterator[bytes]:
    """The data as JSON, piece by piece; others have their turn between."""
    parts, size = list[str](), 0
    for part in _parts(data):
        parts.append(part)
        size += len(part)
        if size > LONG:
            yield "".join(parts).encode()
            parts, size = [], 0
            await asyncio.sleep(0)
    yield "".join(parts).encode()


def _parts(data: object) -> Iterator[str]:
    if not is_long(data):
        yield encoded(data)
    elif isinstance(data, dict):
        yield from _between("{}", ((f"{encoded(name)}:", value) for name, value in data.items()))
    elif isinstance(data, list):
        yield from _between("[]", (("", value) for value in data))
    else:
        text = str(data)
        yield '"'
        yield from (encoded(text[start : start + LONG])[1:-1] for start in range(0, len(text), LONG))
        yield '"'


def _between(signs: str, members: Iterator[tuple[str, object]]) -> Iterator[str]:
    sign = signs[0]
    for begin, value in members:
        yield sign + begin
        yield from _parts(value)
        sign = ","
    yield signs[1]
