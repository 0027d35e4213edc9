"""Pieces of many files, from a place on or at their ends, by one command."""

import base64
from dataclasses import dataclass
from enum import StrEnum

from firecrest_gql.command import Result
from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.contents import FIT, Read, ReadEnd, content_of, end_of
from firecrest_gql.files.each import EachCommand, Told
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import FileContent


class End(StrEnum):
    """From which end files are read; the value is where that begins, as the shell reckons it."""

    HEAD = "from"
    TAIL = "size > length ? size - length : 0"


@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes of a file: at most `length`, from `offset` on or at the end.

    `lines`: only so many lines of them are wanted; `last`: nothing longer is read for these.
    """

    end: End
    length: int
    offset: int = 0
    lines: int | None = None
    last: bool = True


OVERHEAD = 8192  # bytes of a path and what goes with it, at most


@dataclass(frozen=True, slots=True)
class Ends(EachCommand[dict[str, FileContent | FirecrestError]]):
    """These bytes of each path, as many of them as there are, or the error that it met."""

    twin = "startDownload"

    paths: tuple[str, ...]
    span: Span

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is read."""
        return {"paths": Hold.FILE}

    @property
    def each(self) -> str:
        """The path, where its bytes begin, and the bytes in base64, which has no NUL; the size is read before them."""
        return (
            f'{FIT}fit "$held" && head -c 1 -- "$held" > /dev/null && size=$(stat -L -c %s -- "$held") '
            f"&& length={self.span.length} from={self.span.offset} && offset=$(({self.span.end})) "
            '&& printf "%s\\0" "$path" "$offset" '
            f'&& tail -c "+$((offset + 1))" -- "$held" | head -c {self._most} | base64 -w 0 && printf "\\0"'
        )

    @property
    def output_limit(self) -> int:
        """What was asked for is what is enforced."""
        return len(self.paths) * size_of(self.span.length)

    def parse(self, result: Result) -> dict[str, FileContent | FirecrestError]:
        """Three values of each path."""
        told = Told.of(result, 3)
        contents = {path: self._content(int(offset), base64.b64decode(data)) for path, offset, data in told.answers}
        return {path: contents.get(path) or told.failure(path) for path in self.paths}

    @property
    def _most(self) -> int:
        """One byte more than asked tells whether a file goes on."""
        return self.span.length + (self.span.end is End.HEAD)

    def _content(self, offset: int, data: bytes) -> FileContent:
        return content_of(data, offset, self.span.length) if self.span.end is End.HEAD else end_of(data, offset)


def one_end(path: str, span: Span) -> FileCommand[FileContent]:
    """The same of one file: the bytes as they are, without the cost of telling several apart."""
    return Read(path, span.offset, span.length) if span.end is End.HEAD else ReadEnd(path, span.length)


def size_of(length: int) -> int:
    """Bytes of output for one file of which so many bytes are wanted, at most."""
    return OVERHEAD + (length + 3) * 4 // 3
