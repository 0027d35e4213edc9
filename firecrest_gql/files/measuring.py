"""What kind of bytes files hold, how much trees take, and what room file systems have: each of many at once."""

import re
from dataclasses import dataclass

from firecrest_gql.command import Operation, Result
from firecrest_gql.errors import CommandFailed, FirecrestError, Unsupported
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.each import EachCommand, Told
from firecrest_gql.files.failures import failure, failure_of
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import FileSystemUsage

MIME_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+_-]+")
NO_PROGRAM = 127  # xargs(1): the command cannot be found

# One du for each path: one du for all would count what two of them share only once. What vanishes below meanwhile takes
# no room; any other words say that something was not counted.
DISK_USAGE = r"""
size=$({ du -s --block-size=1 -- "$held" 2>&1 >&4 | grep -a -v ": No such file or directory$" >&2; } 4>&1) && exit 1
[ -n "$size" ] || { stat -- "$held" > /dev/null; exit 1; }
printf "%s\0%s\0" "${size%%[!0-9]*}" "$path"
"""


@dataclass(frozen=True, slots=True)
class MimeTypes(EachCommand[dict[str, str | FirecrestError]]):
    """The media type of what is at each path, links not followed, or the error that it met."""

    lost = r"%.0s%s\0"

    paths: tuple[str, ...]

    @property
    def argv(self) -> list[str]:
        """`file` ends each type with NUL (-00); names, which it would write in its own way, are left out."""
        return ["xargs", "-0", "file", "--brief", "-00", "--mime-type", "--no-dereference", "--"]

    @property
    def each(self) -> str:
        """The same of what is held."""
        return 'file --brief -00 --mime-type --no-dereference -- "$held"'

    def parse(self, result: Result) -> dict[str, str | FirecrestError]:
        """In the order of the paths; where `file` cannot tell, it says why in place of a type."""
        if result.exit_status == NO_PROGRAM:
            return {path: Unsupported("mimeType: the system has no program `file` to tell it") for path in self.paths}
        told = dict(zip(self.paths, result.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1], strict=False))
        return {path: _type(path, told[path]) if path in told else failure_of(path, result) for path in self.paths}


def _type(path: str, told: str) -> str | FirecrestError:
    return told if MIME_TYPE.fullmatch(told) else failure(path, told.encode("utf-8", "surrogateescape"), 1)


@dataclass(frozen=True, slots=True)
class DiskUsage(EachCommand[dict[str, int | FirecrestError]]):
    """The bytes on disk of the tree at each path, or the error that it met anywhere in it."""

    paths: tuple[str, ...]

    @property
    def operation(self) -> Operation:
        """It reads whole trees."""
        return Operation.DISK_USAGE

    @property
    def each(self) -> str:
        """Of what is held, under the path's name."""
        return DISK_USAGE

    def parse(self, result: Result) -> dict[str, int | FirecrestError]:
        """The bytes, and the path."""
        told = Told.of(result, 2)
        sizes = {path: int(size) for size, path in told.answers}
        return {path: sizes[path] if path in sizes else told.failure(path) for path in self.paths}


@dataclass(frozen=True, slots=True)
class Usage(FileCommand[dict[str, FileSystemUsage | FirecrestError]]):
    """The room of the file system at each path, which the site names."""

    paths: tuple[str, ...]

    @property
    def holds(self) -> dict[str, Hold]:
        """No path of the user's: the site names them."""
        return {}

    @property
    def argv(self) -> list[str]:
        """`df`, all at once; the path stands last on its line."""
        return ["df", "--block-size=1", "--output=size,used,avail,file", "--", *self.paths]

    def parse(self, result: Result) -> dict[str, FileSystemUsage | FirecrestError]:
        """A line for each path that is there, below a heading."""
        lines = result.stdout.decode("utf-8", "surrogateescape").splitlines()[1:]
        told = {words[3]: words[:3] for words in (line.split(None, 3) for line in lines) if len(words) == 4}
        return {path: _usage(path, told[path]) if path in told else failure_of(path, result) for path in self.paths}


def _usage(path: str, numbers: list[str]) -> FileSystemUsage | FirecrestError:
    if not all(number.isdigit() for number in numbers):
        return CommandFailed(f"the file system at {path!r} does not tell its size")
    return FileSystemUsage(*map(int, numbers))
