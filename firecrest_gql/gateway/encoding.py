"""Answers as JSON: strings that every parser takes, and large ones without holding up other requests."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator

LONG = 64 * 1024  # characters of a string that are encoded at once: some tenths of a millisecond
HALF = re.compile("[\ud800-\udfff]")  # bytes of names that are not UTF-8, which are no characters in JSON either


def encoded(data: object) -> str:
    """The data as JSON; what is no character becomes U+FFFD."""
    return HALF.sub("\ufffd", json.dumps(data, separators=(",", ":"), ensure_ascii=False))


def is_long(data: object) -> bool:
    """Whether there is a string in it that takes long to encode."""
    if isinstance(data, dict):
        return any(map(is_long, data.values()))
    return any(map(is_long, data)) if isinstance(data, list) else isinstance(data, str) and len(data) > LONG


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
    if isinstance(data, dict):
        yield from _between("{}", ((f"{encoded(name)}:", value) for name, value in data.items()))
    elif isinstance(data, list):
        yield from _between("[]", (("", value) for value in data))
    elif isinstance(data, str) and len(data) > LONG:
        yield '"'
        yield from (encoded(data[start : start + LONG])[1:-1] for start in range(0, len(data), LONG))
        yield '"'
    else:
        yield encoded(data)


def _between(signs: str, members: Iterator[tuple[str, object]]) -> Iterator[str]:
    sign = signs[0]
    for begin, value in members:
        yield sign + begin
        yield from _parts(value)
        sign = ","
    yield signs if sign == signs[0] else signs[1]
