"""The beginnings, or the ends, of many files by one command."""

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

    HEAD = "0"
    TAIL = "size > length ? size - length : 0"


OVERHEAD = 8192  # bytes of a path and what goes with it, at most


@dataclass(frozen=True, slots=True)
class Ends(EachCommand[dict[str, FileContent | FirecrestError]]):
    """`length` bytes from one end of each path, as many of them as there are, or the error that it met."""

    paths: tuple[str, ...]
    end: End
    length: int

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is read."""
        return {"paths": Hold.FILE}

    @property
    def each(self) -> str:
        """The path, where its bytes begin, and the bytes in base64, which has no NUL; the size is read before them."""
        return (
            f'{FIT}fit "$held" && head -c 1 -- "$held" > /dev/null && size=$(stat -L -c %s -- "$held") '
            f'&& length={self.length} && offset=$(({self.end})) && printf "%s\\0" "$path" "$offset" '
            f'&& tail -c "+$((offset + 1))" -- "$held" | head -c {self._most} | base64 -w 0 && printf "\\0"'
        )

    @property
    def output_limit(self) -> int:
        """What was asked for is what is enforced."""
        return len(self.paths) * size_of(self.length)

    def parse(self, result: Result) -> dict[str, FileContent | FirecrestError]:
        """Three values of each path."""
        told = Told.of(result, 3)
        contents = {path: self._content(int(offset), base64.b64decode(data)) for path, offset, data in told.answers}
        return {path: contents.get(path) or told.failure(path) for path in self.paths}

    @property
    def _most(self) -> int:
        """One byte more than asked tells whether a beginning goes on."""
        return self.length + (self.end is End.HEAD)

    def _content(self, offset: int, data: bytes) -> FileContent:
        return content_of(data, offset, self.length) if self.end is End.HEAD else end_of(data, offset)


def one_end(path: str, end: End, length: int) -> FileCommand[FileContent]:
    """The same of one file: the bytes as they are, without the cost of telling several apart."""
    return Read(path, 0, length) if end is End.HEAD else ReadEnd(path, length)


def size_of(length: int) -> int:
    """Bytes of output for one file of which so many bytes are wanted, at most."""
    return OVERHEAD + (length + 3) * 4 // 3
