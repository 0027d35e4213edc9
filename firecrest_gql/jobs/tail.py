"""The remote side of a growing file: its bytes as they come, and its size."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from firecrest_gql.command import Command, Result, Stream
from firecrest_gql.errors import CommandFailed, Conflict, IsADirectory, PermissionDenied, SystemUnavailable

REPLACED = 75

# tail's own words for what makes offsets begin anew (GNU coreutils, src/tail.c), in the C locale. `wait` is what a
# signal interrupts; without --pid tail would outlive a shell that is ended that way. -s: seconds between looks, where
# the file is not there yet or not on a local disk, so that the kernel cannot tell of changes.
FOLLOW = f"""\
trap "exit {REPLACED}" USR1
exec 3>&1
tail -c "+$2" -F -s 0.25 --pid=$$ -- "$1" 2>&1 >&3 3>&- | while IFS= read -r line; do
  case $line in
    *": file truncated" | *" has been replaced"* | *" has become inaccessible"*) kill -s USR1 $$ ;;
  esac
done &
wait $!
"""

# Opened first: over NFS that asks the server for the size, while stat alone may answer from a cache.
SIZE = 'exec <"$1" && stat -L -c "%s %F" -'


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
class Size(Command[int | None]):
    """How many bytes a file has now; None where there is none."""

    path: str

    @property
    def argv(self) -> list[str]:
        """Open it, then ask the open file."""
        return ["sh", "-c", SIZE, "size", self.path]

    def parse(self, result: Result) -> int | None:
        """A number and the kind of file; raises `PermissionDenied` and `IsADirectory`."""
        words = result.stderr.decode("utf-8", "replace")
        if result.exit_status == 0:
            size, _, kind = result.stdout.decode().strip().partition(" ")
            if kind == "directory":
                raise IsADirectory(f"{self.path} is a directory")
            return int(size)
        if "No such file" in words:
            return None
        if "Permission denied" in words:
            raise PermissionDenied(f"{self.path} cannot be read: permission denied")
        raise CommandFailed(f"{self.path} cannot be read: {words.strip()[-300:]}")
