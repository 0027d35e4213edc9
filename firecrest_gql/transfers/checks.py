"""What can be known before the first byte: whether source and target are as they must be, and the room between."""

from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, NoSpace, Unsupported
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.placing import PLACE, READY, TARGET, Copy
from firecrest_gql.files.road import FileCommand

NO_ROOM, NO_PROGRAM = 3, 4
MEASURING_SECONDS = 5  # after which the size of a large tree stays unknown

# Fails unless there are all of these programs.
TOOLS = f"""
tools() {{ for p do command -v "$p" > /dev/null || {{ echo "$p" >&2; exit {NO_PROGRAM}; }}; done; }}
"""

# $1 source, $4 -L or -P. Prints the bytes in it, if they are counted in time, and fails where not all may be read.
# room TARGET: fails where they, as they lie on the disk, do not fit beside the target.
MEASURE = f"""
count() {{ timeout {MEASURING_SECONDS} du -s --block-size=1 "$@" | head -n 1 | cut -f 1; }}
[ -r "$1" ] || [ -L "$1" ] || {{ refuse "Permission denied"; exit 1; }}
words=$(count "$4" --apparent-size -- "$1" 2>&1 > /dev/null)
case $words in *"Permission denied"*) refuse "Permission denied"; exit 1;; esac
if [ -f "$1" ]; then size=$(stat -L -c %s -- "$1"); else size=$(count "$4" --apparent-size -- "$1" 2> /dev/null); fi
room() {{
  there=$(df --output=avail --block-size=1 -- "${{1%/*}}/" 2> /dev/null | tail -n 1)
  taken=$(count "$4" -- "$2" 2> /dev/null)
  [ -z "$size" ] || [ -z "$taken" ] || [ "$taken" -le "${{there:-$taken}}" ] || {{
    echo "$taken $there" >&2
    exit {NO_ROOM}
  }}
}}
"""

# $1 source, $2 target, $3 whether to overwrite, $4 -L or -P, then the programs that it takes.
COPYING = PLACE + TOOLS + READY + "f=$1 g=$2; " + MEASURE + 'shift 4; tools "$@"; room "$g" "$f"; echo "$size"'


@dataclass(frozen=True, slots=True)
class CanCopy(FileCommand[int | None]):
    """Whether the one can be copied to the other; its bytes, as far as they are counted in a few seconds."""

    path: str
    target: str
    overwrite: bool = False
    dereference: bool = False
    programs: tuple[str, ...] = ("cp", "mv")

    @property
    def holds(self) -> dict[str, Hold]:
        """As the copy itself."""
        return Copy(self.path, self.target, self.dereference).holds

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        links, overwrite = "-L" if self.dereference else "-P", "1" if self.overwrite else "0"
        return ["sh", "-c", COPYING, "firecrest-check", self.path, self.target, overwrite, links, *self.programs]

    def parse(self, result: Result) -> int | None:
        """A number or nothing."""
        words = result.stderr.decode("utf-8", "replace").strip()
        if result.exit_status == NO_ROOM:
            taken, there = words.split()[-2:]
            raise NoSpace(f"{self.target!r} has no room: {taken} bytes are to go there, and {there} are free")
        if result.exit_status == NO_PROGRAM:
            raise Unsupported(f"the system has no program {words} for this")
        if result.exit_status == TARGET:
            raise failure(self.target, result.stderr, result.exit_status)
        check(self.path, result)
        return _size(result.stdout)


def _size(said: bytes) -> int | None:
    text = said.decode("ascii", "replace").strip()
    if text and not text.isdecimal():
        raise CommandFailed(f"the check answered {text[:80]!r}")
    return int(text) if text else None
