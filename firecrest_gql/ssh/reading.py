"""Reads what the envelope's program writes: a marker, then the output; at the end of stderr the status."""

import re

NOISE_LIMIT = 256 * 1024  # bytes that start-up files may print
ERROR_LIMIT = 64 * 1024  # bytes of standard error that are kept
_TRAILER_SIZE = 256


class TooNoisy(Exception):
    """The account's start-up files print without end."""


class AfterMarker:
    """Passes on what follows the marker's line; what start-up files print before it is dropped."""

    def __init__(self, marker: str) -> None:
        self._line = marker.encode("ascii") + b"\n"
        self.seen = False
        self.noise = bytearray()

    def feed(self, data: bytes) -> bytes:
        """The part of these bytes that counts; `TooNoisy` above `NOISE_LIMIT` bytes without the marker."""
        if self.seen:
            return data
        self.noise += data
        start = self.noise.find(self._line)
        if start < 0 and len(self.noise) > NOISE_LIMIT:
            raise TooNoisy
        if start < 0:
            return b""
        self.seen = True
        rest = bytes(self.noise[start + len(self._line) :])
        del self.noise[start:]
        return rest


class Errors:
    """Standard error: its beginning, and the trailer that ends it, without signs of life, each a marker's line."""

    def __init__(self, marker: str) -> None:
        self.after_marker = AfterMarker(marker)
        self._trailer = re.compile(rb"\n" + marker.encode("ascii") + rb" (\d+) (\d+)\n")
        self._sign = b"\n" + marker.encode("ascii") + b"\n"
        self._kept = bytearray()

    def feed(self, data: bytes) -> None:
        """Keep the beginning and the end."""
        self._kept += self.after_marker.feed(data)
        if len(self._kept) > ERROR_LIMIT + _TRAILER_SIZE:
            del self._kept[ERROR_LIMIT:-_TRAILER_SIZE]

    def ending(self) -> tuple[int, bool] | None:
        """The exit status, and whether the program was told to end; None before it has ended."""
        found = self._trailer.search(self._kept)
        return (int(found[1]), found[2] == b"1") if found else None

    def text(self) -> bytes:
        """What the command wrote, without the trailer."""
        found = self._trailer.search(self._kept)
        return bytes(self._kept[: found.start()] if found else self._kept).replace(self._sign, b"")
