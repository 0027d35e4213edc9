"""A file as it is wanted over HTTP: what it is and which part of it comes, then that part, piece by piece."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.contents import FIT
from firecrest_gql.files.failures import check
from firecrest_gql.files.streaming import FileStream

# $1 path, $2 first and $3 last byte, or $3 alone: how many at the end; $4 of which state of the file, or nothing: else
# all of it is told; $5 the most bytes that are given. All is of one open file, whatever its name comes to mean.
DOWNLOAD = (
    FIT
    + r"""
fit "$1" || exit 1
[ ! -d "$1" ] || { echo "Is a directory" >&2; exit 1; }
exec < "$1" || exit 1
tag=$(stat -c "%i-%s-%.9Y-%.9Z" -) || exit 1
size=${tag#*-} from=0
size=${size%%-*}
to=$((size - 1))
if [ -z "$4" ] || [ "$4" = "$tag" ]; then
  if [ -n "$2" ]; then from=$2; [ "${3:-$to}" -ge "$to" ] || to=$3
  elif [ -n "$3" ]; then [ "$3" -ge "$size" ] || from=$((size - $3)); fi
fi
printf "%s\0" "$tag" "$size" "$from" "$to" "$(file --brief --mime --dereference -- "$1" 2> /dev/null)"
n=$((to - from + 1))
[ "$n" -lt 1 ] || [ "$n" -gt "$5" ] || tail -c "+$((from + 1))" | head -c "$n"
"""
)
FIELDS = 5
KIND = re.compile(r"((?!inode/)[\w.+-]+/[\w.+-]+)(; charset=(?!binary)[\w-]+)?(; charset=binary)?", re.ASCII)
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Part:
    """Which bytes are wanted: from `first` to `last`, or the last `last` ones; of the state `tag`, if given."""

    first: int | None = None
    last: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's state, its size in bytes, which of them come, and its media type."""

    tag: str
    size: int
    first: int
    last: int
    type: str

    @property
    def length(self) -> int:
        """How many bytes come; 0 where there are none that were asked for."""
        return max(0, self.last - self.first + 1)

    @property
    def whole(self) -> bool:
        """Whether all of it comes."""
        return self.length == self.size

    @classmethod
    def read(cls, record: bytes) -> "Opened":
        """What the program tells before the bytes."""
        tag, size, first, last, kind = record.decode("utf-8", "replace").split("\0")
        told = KIND.fullmatch(kind.strip())
        return cls(tag, int(size), int(first), int(last), told[1] + (told[2] or "") if told else OCTETS)


@dataclass(frozen=True, slots=True)
class Download(FileStream[bytes]):
    """What the file is, in one piece, then at most `most` bytes of it in pieces; none where more are wanted."""

    path: str
    part: Part
    most: int

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is read."""
        return {"path": Hold.FILE}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        wanted = ["" if value is None else str(value) for value in (self.part.first, self.part.last, self.part.tag)]
        return ["sh", "-c", DOWNLOAD, "sh", self.path, *wanted, str(self.most)]

    async def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The record, without its last NUL, and what comes behind it as it comes."""
        begun = b""
        async for chunk in chunks:
            begun += chunk
            if begun.count(b"\0") >= FIELDS:
                *record, rest = begun.split(b"\0", FIELDS)
                yield b"\0".join(record)
                yield rest
                break
        async for chunk in chunks:
            yield chunk

    def check(self, result: Result) -> None:
        """Where the file cannot be read, nothing has come."""
        if result.stderr and not result.exit_status:
            result = Result(1, b"", result.stderr)
        check(self.path, result)


def record_of(begun: bytes | None, path: str) -> Opened:
    """The record as it came; nothing came of a file of which nothing can be told."""
    if begun is None:
        raise CommandFailed(f"nothing could be told of {path!r}")
    return Opened.read(begun)
