"""Reading pieces of many files: by few commands, and no more at once than an answer has room for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.contents import first_lines, last_lines
from firecrest_gql.files.ends import End, Ends, Span, one_end, size_of
from firecrest_gql.files.road import FileRoad
from firecrest_gql.model.files import File, FileContent, FileType
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

UNKNOWN = (
    64 * 1024
)  # bytes that are read at first of what does not tell its size: links, and files such as those of /proc
GROWTH = 16  # by how much more is read where a piece has too few lines

Contents = Mapping[str, FileContent | FirecrestError]


class Room(Protocol):
    """What an answer may still hold of files."""

    @property
    def left(self) -> int:
        """Bytes."""
        ...

    def take(self, size: int) -> bool:
        """Whether there is room for so many bytes, which are then taken."""
        ...

    def give_back(self, size: int) -> None:
        """So many of them are not held any more."""
        ...

    def full(self) -> FirecrestError:
        """The error of what there is no room for."""
        ...


def expected(file: File, span: Span) -> int:
    """How many bytes there probably are; a file that has more is read once more."""
    if file.type is not FileType.REGULAR or not file.size:
        return min(span.length, UNKNOWN)
    return min(span.length, max(0, file.size - span.offset))


def lengths(first: int, longest: int) -> Iterator[int]:
    """How many bytes are read until they hold enough lines."""
    while first < longest:
        yield first
        first = min(longest, first * GROWTH)
    yield longest


def with_lines(content: FileContent, span: Span) -> FileContent | None:
    """What was read, cut to as many lines as are wanted, if lines are; None where more has to be read for them."""
    if span.lines is None:
        return content
    needed = span.lines + (span.end is End.TAIL)  # the end of the line before them, too
    if content.truncated and content.data.count(b"\n") < needed and not span.last:
        return None
    return first_lines(content, span.lines) if span.end is End.HEAD else last_lines(content, span.lines)


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads for one caller on one system, while there is room."""

    road: FileRoad
    system: SystemSettings
    caller: Caller
    room: Room

    async def read(self, span: Span, guesses: Mapping[str, int]) -> Contents:
        """The piece of each file, of which probably so many bytes are there."""
        told: dict[str, FileContent | FirecrestError] = {}
        for paths, length in self._batches(guesses):
            told.update(await self._batch(replace(span, length=length), paths))
        longer = {
            path: span.length for path, content in told.items() if guesses[path] < span.length and goes_on(content)
        }
        if longer:
            self.room.give_back(sum(size_in(told[path]) for path in longer))
            told.update(await self.read(span, longer))
        return told

    def _batches(self, guesses: Mapping[str, int]) -> Iterator[tuple[list[str], int]]:
        """Paths of like sizes together, each with how many bytes are read of each of them."""
        most, paths, length = self.system.limits.max_output_size, list[str](), 0
        for path in sorted(guesses, key=lambda path: guesses[path]):
            count = len(paths) + 1
            if paths and (count * size_of(guesses[path]) > most or count * guesses[path] > self.room.left):
                yield paths, length
                paths = []
            paths, length = [*paths, path], guesses[path]
        if paths:
            yield paths, length

    async def _batch(self, span: Span, paths: list[str]) -> Contents:
        """What is there, of which no more is taken than there is room for; then what was read is held.

        A command that fails fails its own paths alone.
        """
        reserved, held = len(paths) * span.length, 0
        if not self.room.take(reserved):
            return dict.fromkeys(paths, self.room.full())
        try:
            told = await self._told(span, paths)
            held = sum(map(size_in, told.values()))
            return told
        except FirecrestError as error:
            return dict.fromkeys(paths, error)
        finally:
            self.room.give_back(reserved - held)

    async def _told(self, span: Span, paths: list[str]) -> Contents:
        if len(paths) == 1:
            return {paths[0]: await self.road.run(self.system, self.caller, one_end(paths[0], span))}
        return await self.road.run(self.system, self.caller, Ends(tuple(paths), span))


def goes_on(content: FileContent | FirecrestError) -> bool:
    """Whether there is more than was read."""
    return isinstance(content, FileContent) and content.truncated


def size_in(content: FileContent | FirecrestError) -> int:
    """Bytes that are held."""
    return len(content.data) if isinstance(content, FileContent) else 0
