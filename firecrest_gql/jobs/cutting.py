"""Cuts a stream of bytes into chunks of bounded size, and text only between its characters."""

from collections.abc import Iterator

from firecrest_gql.model.jobs import OutputChunk

MAX_CHUNK = 64 * 1024
RESET = OutputChunk(offset=0, data=b"", reset=True)


class Cutter:
    """Bytes in, chunks out; `position` is where the next byte to come in stands in the file."""

    def __init__(self, position: int) -> None:
        self.position = position
        self._held = b""

    @property
    def held(self) -> bytes:
        """The beginning of a character whose end has not come."""
        return self._held

    def feed(self, data: bytes) -> Iterator[OutputChunk]:
        """The chunks that are whole now; at most three bytes of a character that is not complete stay back."""
        self.position += len(data)
        data = self._held + data
        end = whole(data)
        self._held = data[end:]
        yield from self._chunks(data[:end])

    def flush(self) -> Iterator[OutputChunk]:
        """What was kept back: no more comes."""
        data, self._held = self._held, b""
        yield from self._chunks(data)

    def _chunks(self, data: bytes) -> Iterator[OutputChunk]:
        offset = self.position - len(self._held) - len(data)
        while data:
            end = (whole(data[:MAX_CHUNK]) or MAX_CHUNK) if len(data) > MAX_CHUNK else len(data)
            yield OutputChunk(offset=offset, data=data[:end])
            offset, data = offset + end, data[end:]


def whole(data: bytes) -> int:
    """The length without a UTF-8 character (RFC 3629) that the end cuts."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if 0xC2 <= byte <= 0xF4:
            width = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2
            return len(data) - back if width > back else len(data)
        if not 0x80 <= byte < 0xC0:
            break
    return len(data)
