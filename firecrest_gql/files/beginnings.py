"""The beginnings of many files by one command."""

import base64
from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.contents import FIT, content_of
from firecrest_gql.files.failures import failure_of
from firecrest_gql.files.road import EachCommand
from firecrest_gql.model.files import FileContent

# $1 how many bytes of each, then the paths. In base64 the bytes have no NUL, which ends them.
BEGINNINGS = (
    FIT
    + r"""
count=$1
shift
for path do
  fit "$path" && head -c 1 -- "$path" > /dev/null || continue
  printf "%s\0%s\0" "$path" "$(head -c "$count" -- "$path" | base64 -w 0)"
done
"""
)
OVERHEAD = 8192  # bytes of a path and what goes with it, at most


@dataclass(frozen=True, slots=True)
class Beginnings(EachCommand[dict[str, FileContent | FirecrestError]]):
    """The first `length` bytes of each path, as many of them as there are, or the error that it met."""

    paths: tuple[str, ...]
    length: int

    @property
    def argv(self) -> list[str]:
        """One byte more than asked tells whether the file goes on."""
        return ["xargs", "-0", "sh", "-c", BEGINNINGS, "sh", str(self.length + 1)]

    @property
    def holds(self) -> dict[str, Hold]:
        """What a link points to is read."""
        return {"paths": Hold.FILE}

    @property
    def each(self) -> str:
        """Of what is held, under the path's name."""
        read = f'"$(head -c {self.length + 1} -- "$held" | base64 -w 0)"'
        return f'head -c 1 -- "$held" > /dev/null && printf "%s\\0%s\\0" "$path" {read}'

    @property
    def output_limit(self) -> int:
        """What was asked for is what is enforced."""
        return len(self.paths) * size_of(self.length)

    def parse(self, result: Result) -> dict[str, FileContent | FirecrestError]:
        """A path, then its bytes."""
        values = result.stdout.decode("utf-8", "surrogateescape").split("\0")
        told = dict(zip(values[:-1:2], values[1::2], strict=False))
        return {
            path: content_of(base64.b64decode(told[path]), 0, self.length) if path in told else failure_of(path, result)
            for path in self.paths
        }


def size_of(length: int) -> int:
    """Bytes of output for one file of which so many bytes are wanted, at most."""
    return OVERHEAD + (length + 3) * 4 // 3
