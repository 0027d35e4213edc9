"""The remote side of a growing file: its bytes as they come, a part of them, and how far they reach."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from firecrest_gql.command import Command, Result, Stream
from firecrest_gql.errors import (
    CommandFailed,
    Conflict,
    FirecrestError,
    InvalidInput,
    IsADirectory,
    PermissionDenied,
    SystemUnavailable,
)
from firecrest_gql.jobs.cutting import whole
from firecrest_gql.model.jobs import NOWHERE

REPLACED = 75
NO_FILE = 3

# tail's own words for what makes offsets begin anew (GNU coreutils, src/tail.c), in the C locale. `wait` is what a
# signal interrupts; without --pid tail would outlive a shell that is ended that way. -s: seconds between looks, where
# the file is not there yet or not on a local disk, so that the kernel cannot tell of changes. A file that comes later
# is printed from its beginning, whatever offset was asked.
FOLLOW = f"""\
trap "exit {REPLACED}" USR1
exec 3>&1
tail -c "+$2" -F -s 0.25 --pid=$$ -- "$1" 2>&1 >&3 3>&- | while IFS= read -r line; do
  case $line in
    *": file truncated" | *" has been replaced"* | *" has become inaccessible"*) kill -s USR1 $$ ;;
    *": cannot open "*) test "$2" -eq 1 || kill -s USR1 $$ ;;
  esac
done &
wait $!
"""

# Opened first: over NFS that asks the server for the size, while stat alone may answer from a cache. A pipe without a
# writer would not open, and what is no file has no end.
EXTENT = f"""\
test ! -p "$1" || exit {NO_FILE}
exec <"$1" && stat -L -c "%s %F" - && if test -f "$1"; then tail -c 3; fi
"""

PART = 'exec <"$1" && tail -c "+$2" | head -c "$3"'


class Replaced(Conflict):
    """The followed file was truncated, replaced or removed: what has been read is no longer in it."""


@dataclass(frozen=True, slots=True)
class Tail(Stream[bytes]):
    """A file's bytes from `offset` on, as it grows; waits where there is none yet. Never ends by itself."""

    path: str
    offset: int

    @property
    def argv(self) -> list[str]:
        """GNU tail, with its messages watched."""
        return ["sh", "-c", FOLLOW, "tail", self.path, str(self.offset + 1)]

    async def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The bytes as they come."""
        async for chunk in chunks:
            yield chunk

    def check(self, result: Result) -> None:
        """Raise `Replaced`, or `SystemUnavailable` where tail itself was ended: it never ends by itself."""
        if result.exit_status == REPLACED:
            raise Replaced(f"{self.path} was truncated or replaced")
        raise SystemUnavailable(f"following {self.path} was ended with status {result.exit_status}; try again")


@dataclass(frozen=True, slots=True)
class Part(Stream[bytes]):
    """At most `length` bytes of a file from `offset` on, as many as there are now; none where there is no file."""

    path: str
    offset: int
    length: int

    @property
    def argv(self) -> list[str]:
        """Open it, go there, and stop in time."""
        return ["sh", "-c", PART, "part", self.path, str(self.offset + 1), str(self.length)]

    async def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The bytes as they come."""
        async for chunk in chunks:
            yield chunk

    def check(self, result: Result) -> None:
        """Raise where the file may not be read; that it is gone, its tail tells."""
        if (error := _failure(self.path, result)) is not None:
            raise error


@dataclass(frozen=True, slots=True)
class Reach:
    """How many bytes a file has, and where its last whole character ends."""

    size: int
    end: int


@dataclass(frozen=True, slots=True)
class Extent(Command[Reach]):
    """How far a file reaches now; nowhere where there is none."""

    path: str

    @property
    def argv(self) -> list[str]:
        """Open it, then ask the open file."""
        return ["sh", "-c", EXTENT, "extent", self.path]

    def parse(self, result: Result) -> Reach:
        """A number, the kind of file, and its last bytes; raises where it is no file or may not be read."""
        if result.exit_status == NO_FILE:
            raise InvalidInput(f"{self.path} is a pipe, which cannot be followed")
        if result.exit_status != 0:
            if (error := _failure(self.path, result)) is not None:
                raise error
            return Reach(0, 0)
        line, _, last = result.stdout.partition(b"\n")
        number, _, kind = line.decode().partition(" ")
        if kind == "directory":
            raise IsADirectory(f"{self.path} is a directory")
        if not kind.startswith("regular") and self.path != NOWHERE:
            raise InvalidInput(f"{self.path} is a {kind}, which cannot be followed")
        return Reach(int(number), int(number) - (len(last) - whole(last)))


def _failure(path: str, result: Result) -> FirecrestError | None:
    """Why the file cannot be read; None where there is just none."""
    words = result.stderr.decode("utf-8", "replace").strip()
    if result.exit_status == 0 or "No such file" in words:
        return None
    if "Permission denied" in words:
        return PermissionDenied(f"{path} cannot be read: permission denied")
    return CommandFailed(f"{path} cannot be read: {words[-300:]}")
