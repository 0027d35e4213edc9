"""What can be known before a file is staged: whether it has a place there, or can be read, and how much it is."""

from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, InvalidInput
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.placing import FREE, PLACE, TARGET
from firecrest_gql.files.road import FileCommand
from firecrest_gql.transfers.checks import MEASURE, MEASURING_SECONDS, NO_ROOM, TOOLS, check_ends

# $1 bytes, $2 target, $3 whether to overwrite, then the programs that it takes.
RECEIVING = (
    PLACE
    + TOOLS
    + f'[ -L "$2" ] || [ ! -d "$2" ] || {{ refuse "Is a directory"; exit {TARGET}; }}'
    + FREE
    + f"""
there=$(df --output=avail --block-size=1 -- "${{2%/*}}/" 2> /dev/null | tail -n 1)
[ "$1" -le "${{there:-$1}}" ] || {{ echo "$1 $there" >&2; exit {NO_ROOM}; }}
shift 3
tools "$@"
"""
)

# $1 source, then the programs that it takes. Prints what it is, its bytes, and the entries in it.
SENDING = (
    PLACE
    + TOOLS
    + MEASURE
    + f"""
stat -L -- "$1" > /dev/null || exit 1
if [ -f "$1" ]; then kind=file entries=1
elif [ -L "$1" ]; then kind=link entries=
elif [ -d "$1" ]; then
  kind=directory entries=$(timeout {MEASURING_SECONDS} du -s --inodes -- "$1" 2> /dev/null | head -n 1 | cut -f 1)
else refuse "Operation not permitted"; exit 1; fi
[ "$kind" = link ] || measure "$1" -D
shift
tools "$@"
echo "$kind ${{size:--}} ${{entries:--}}"
"""
)


@dataclass(frozen=True, slots=True)
class CanReceive(FileCommand[None]):
    """Whether a file of so many bytes can come to the target."""

    target: str
    size: int
    overwrite: bool
    programs: tuple[str, ...]

    @property
    def holds(self) -> dict[str, Hold]:
        """As the job will."""
        return {"target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        overwrite = "1" if self.overwrite else "0"
        return ["sh", "-c", RECEIVING, "firecrest-check", str(self.size), self.target, overwrite, *self.programs]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check_ends(self.target, self.target, result)


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be sent: its bytes and the entries in it, as far as they are counted in a few seconds."""

    directory: bool
    size: int | None
    entries: int | None


@dataclass(frozen=True, slots=True)
class CanSend(FileCommand[Source]):
    """Whether all of it can be read, and how much it is."""

    path: str
    programs: tuple[str, ...]

    @property
    def holds(self) -> dict[str, Hold]:
        """The entry; where a link leads to is checked by the job, which reads there."""
        return {"path": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", SENDING, "firecrest-check", self.path, *self.programs]

    def parse(self, result: Result) -> Source:
        """A word and two numbers, or hyphens for what is not known."""
        check_ends(self.path, self.path, result)
        kind, found = _source(result.stdout)
        if kind == "link":
            raise InvalidInput(f"path: {self.path!r} is a link to a directory: name the directory itself")
        return found


def _source(said: bytes) -> tuple[str, Source]:
    try:
        kind, size, entries = said.decode("ascii", "replace").split()
        return kind, Source(kind == "directory", _known(size), _known(entries))
    except ValueError:
        raise CommandFailed(f"the check answered {said[:80]!r}") from None


def _known(text: str) -> int | None:
    return None if text == "-" else int(text)
