"""What can be known before a file is staged: whether it has a place there, or can be read, and how much it is."""

from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, InvalidInput
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.placing import FREE, PLACE, TARGET
from firecrest_gql.files.road import FileCommand
from firecrest_gql.transfers.checks import MEASURE, MEASURING_SECONDS, NO_ROOM, TOOLS, check_ends

# $1 bytes, $2 target, $3 whether to overwrite, $4 whether a directory may come, then the programs that it takes.
RECEIVING = (
    PLACE
    + TOOLS
    + f'[ "$4" = 1 ] || [ -L "$2" ] || [ ! -d "$2" ] || {{ refuse "Is a directory"; exit {TARGET}; }}'
    + FREE
    + f"""
there=$(df --output=avail --block-size=1 -- "${{2%/*}}/" 2> /dev/null | tail -n 1)
[ "$1" -le "${{there:-$1}}" ] || {{ echo "$1 $there" >&2; exit {NO_ROOM}; }}
shift 4
tools "$@"
"""
)

# $1 source, $2 how links are taken: -P as what they are, -L as what they point to, nothing: the source alone so, and no
# directory by a link; then the programs that it takes. Prints what it is, its bytes, the entries in it, and its mode.
SENDING = (
    PLACE
    + TOOLS
    + MEASURE
    + f"""
[ "$2" = -P ] && [ -L "$1" ] || stat -L -- "$1" > /dev/null || exit 1
if [ "$2" = -P ] && [ -L "$1" ]; then kind=link entries=1 size=0
elif [ -f "$1" ]; then kind=file entries=1
elif [ -z "$2" ] && [ -L "$1" ]; then kind=link entries=
elif [ -d "$1" ]; then
  kind=directory
  entries=$(timeout {MEASURING_SECONDS} du -s --inodes "${{2:--P}}" -- "$1" 2> /dev/null | head -n 1 | cut -f 1)
else refuse "Operation not permitted"; exit 1; fi
[ "$kind" = link ] || measure "$1" "${{2:--D}}"
mode=$(stat -L -c %a -- "$1" 2> /dev/null)
shift 2
tools "$@"
echo "$kind ${{size:--}} ${{entries:--}} ${{mode:--}}"
"""
)


@dataclass(frozen=True, slots=True)
class CanReceive(FileCommand[None]):
    """Whether a file of so many bytes can come to the target, or a tree, which also takes the place of an empty one."""

    target: str
    size: int
    overwrite: bool
    programs: tuple[str, ...]
    tree: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """As the job will."""
        return {"target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        overwrite, tree = "1" if self.overwrite else "0", "1" if self.tree else "0"
        own = [str(self.size), self.target, overwrite, tree]
        return ["sh", "-c", RECEIVING, "firecrest-check", *own, *self.programs]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check_ends(self.target, self.target, result)


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be sent: its bytes and the entries in it, as far as they are counted in a few seconds; its mode."""

    directory: bool
    size: int | None
    entries: int | None
    link: bool = False
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class CanSend(FileCommand[Source]):
    """Whether all of it can be read, and how much it is; `links` as du(1) has it, or "" for what a client fetches."""

    path: str
    programs: tuple[str, ...]
    links: str = ""

    @property
    def holds(self) -> dict[str, Hold]:
        """The entry; where a link leads to is checked by the job, which reads there."""
        return {"path": Hold.PLAIN if self.links == "-L" else Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", SENDING, "firecrest-check", self.path, self.links, *self.programs]

    def parse(self, result: Result) -> Source:
        """A word and three numbers, or hyphens for what is not known."""
        check_ends(self.path, self.path, result)
        found = _source(result.stdout)
        if found.link and not self.links:
            raise InvalidInput(f"path: {self.path!r} is a link to a directory: name the directory itself")
        return found


def _source(said: bytes) -> Source:
    try:
        kind, size, entries, mode = said.decode("ascii", "replace").split()
        known = None if mode == "-" else mode
        return Source(kind == "directory", _known(size), _known(entries), kind == "link", known)
    except ValueError:
        raise CommandFailed(f"the check answered {said[:80]!r}") from None


def _known(text: str) -> int | None:
    return None if text == "-" else int(text)
