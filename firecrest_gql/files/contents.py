"""Reading bytes of files: from the beginning, from the end, from an offset; and checksums of many at once."""

from contextlib import suppress
from dataclasses import dataclass

from firecrest_gql.command import Operation, Result
from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.each import EachCommand, Told
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import FileContent

# fit PATH: fails for a pipe, a socket or a device, which might never end, nor even open.
FIT = """
fit() {
  [ -f "$1" ] || [ -d "$1" ] || [ ! -e "$1" ] || { printf "%s: not a regular file\\n" "$1" >&2; return 1; }
}
"""

# Reads at most $3 bytes of the file $1 from offset $2 on; the redirection's own error is the shell's.
READ = FIT + 'fit "$1" || exit 1; exec < "$1" && tail -c "+$2" | head -c "$3"'

# The size first, so that what follows has a known offset though the file grows: the last $2 bytes of that size.
TAIL = (
    FIT + 'fit "$1" || exit 1; s=$(stat -L -c %s -- "$1") && exec < "$1" || exit 1; n=$2; [ "$s" -gt "$n" ] || n=$s; '
    'printf "%s\\0" "$((s - n))"; tail -c "+$((s - n + 1))" | head -c "$n"'
)


@dataclass(frozen=True, slots=True)
class Read(FileCommand[FileContent]):
    """`length` bytes from `offset` on, as many of them as there are."""

    twin = "startDownload"

    path: str
    offset: int
    length: int

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is read."""
        return {"path": Hold.FILE}

    @property
    def argv(self) -> list[str]:
        """One byte more than asked tells whether the file goes on."""
        return ["sh", "-c", READ, "sh", self.path, str(self.offset + 1), str(self.length + 1)]

    @property
    def output_limit(self) -> int:
        """What was asked for is what is enforced."""
        return self.length + 1

    def parse(self, result: Result) -> FileContent:
        """The bytes, without the one too many."""
        _check_read(self.path, result)
        return content_of(result.stdout, self.offset, self.length)


@dataclass(frozen=True, slots=True)
class ReadEnd(FileCommand[FileContent]):
    """The last `length` bytes; `truncated` tells that there is more before them."""

    twin = "startDownload"

    path: str
    length: int

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is read."""
        return {"path": Hold.FILE}

    @property
    def argv(self) -> list[str]:
        """The size is read first and bounds what is printed."""
        return ["sh", "-c", TAIL, "sh", self.path, str(self.length)]

    @property
    def output_limit(self) -> int:
        """The bytes and the offset before them."""
        return self.length + 32

    def parse(self, result: Result) -> FileContent:
        """The offset is printed before the bytes."""
        _check_read(self.path, result)
        offset, _, data = result.stdout.partition(b"\0")
        return end_of(data, int(offset))


@dataclass(frozen=True, slots=True)
class Checksum(EachCommand[dict[str, str | FirecrestError]]):
    """The hexadecimal checksum of each path, or the error that it met."""

    good = '[ -f "$held" ] && [ -r "$held" ]'

    algorithm: str
    paths: tuple[str, ...]

    @property
    def many(self) -> str:
        """`sha256sum` and its like, for all paths at once; -z writes names as they are."""
        return f'{self._program} -z -- "$@"'

    @property
    def operation(self) -> Operation:
        """It reads whole files."""
        return Operation.CHECKSUM

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is read."""
        return {"paths": Hold.FILE}

    @property
    def each(self) -> str:
        """Of what is held, under the path's name."""
        return f'{FIT}fit "$held" && sum=$({self._program} < "$held") && printf \'%s  %s\\0\' "${{sum%% *}}" "$path"'

    @property
    def _program(self) -> str:
        return f"{self.algorithm.lower()}sum"

    def parse(self, result: Result) -> dict[str, str | FirecrestError]:
        """Answers are `<hex>  <path>`."""
        told = Told.of(result, 1)
        sums = {path: digest for digest, _, path in (line.partition("  ") for [line] in told.answers)}
        return {path: sums.get(path) or told.failure(path) for path in self.paths}


def content_of(data: bytes, offset: int, length: int) -> FileContent:
    """What was read from there on: `length` bytes, of which one more tells that the file goes on."""
    more = len(data) > length
    kept = data[:length]
    return FileContent(data=_without_cut_end(kept) if more else kept, offset=offset, truncated=more)


def end_of(data: bytes, offset: int) -> FileContent:
    """What was read from there to the end."""
    kept = _without_cut_beginning(data) if offset > 0 else data
    begin = offset + len(data) - len(kept)
    return FileContent(data=kept, offset=begin, truncated=begin > 0)


def _without_cut_end(data: bytes) -> bytes:
    """Text without the character that its end cuts (RFC 3629), which the next read brings; other bytes as they are."""
    return _first_text([data[: len(data) - cut] for cut in range(4)]) or data


def _without_cut_beginning(data: bytes) -> bytes:
    """Text without the rest of a character that its beginning cuts; other bytes as they are."""
    return _first_text([data[cut:] for cut in range(4)]) or data


def _first_text(pieces: list[bytes]) -> bytes | None:
    """The first of these that is UTF-8."""
    for piece in pieces:
        with suppress(UnicodeDecodeError):
            piece.decode("utf-8")
            return piece
    return None


def last_lines(content: FileContent, lines: int) -> FileContent:
    """The last lines of what was read; `truncated` as before where the beginning fell away."""
    count = content.data.count(b"\n") + (not content.data.endswith(b"\n"))
    skipped = _end_of_line(content.data, max(0, count - lines))
    offset = content.offset + skipped
    return FileContent(data=content.data[skipped:], offset=offset, truncated=offset > 0)


def first_lines(content: FileContent, lines: int) -> FileContent:
    """The first lines of what was read."""
    kept = content.data[: _end_of_line(content.data, lines)]
    return FileContent(data=kept, offset=content.offset, truncated=content.truncated or len(kept) < len(content.data))


def _end_of_line(data: bytes, number: int) -> int:
    """Where the line of this number, counted from 1, ends; by halves, for a file may hold millions."""
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        seen = data.count(b"\n", low, middle + 1)
        low, high, number = (middle + 1, high, number - seen) if seen < number else (low, middle, number)
    return min(low + 1, len(data)) if number > 0 else 0


def _check_read(path: str, result: Result) -> None:
    """A pipe's status is its last part's: the words of the first part count too."""
    if result.stderr:
        raise failure(path, result.stderr, result.exit_status)
    check(path, result)
