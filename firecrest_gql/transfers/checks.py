"""What can be known before the first byte: whether source and target are as they must be, and the room between."""

from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, NoSpace, Unsupported
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.extraction import KIND
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.placing import PLACE, READY, TARGET
from firecrest_gql.files.road import FileCommand
from firecrest_gql.transfers.syncing import DIRECTORIES

NO_ROOM, NO_PROGRAM = 3, 4
MEASURING_SECONDS = 4  # after which the size of a large tree stays unknown

# tools PROGRAM...: fails unless there are all of them, and curl as recent as the programs need it.
TOOLS = f"""
recent() {{
  curl -V 2> /dev/null | {{
    IFS=" ." read -r c_name c_major c_minor c_rest
    [ "${{c_major:-0}}" -gt 7 ] || {{ [ "${{c_major:-0}}" -eq 7 ] && [ "${{c_minor:-0}}" -ge 61 ]; }}
  }}
}}
tools() {{
  for p do
    command -v "$p" > /dev/null || {{ echo "$p" >&2; exit {NO_PROGRAM}; }}
    [ "$p" != curl ] || recent || {{ echo "curl of version 7.61 or later" >&2; exit {NO_PROGRAM}; }}
  done
}}
"""

# measure SOURCE -L|-P: its bytes into $size, if they are counted in time; fails where not all may be read.
# room TARGET SOURCE -L|-P: fails where they, as they lie on the disk, do not fit beside the target.
MEASURE = f"""
count() {{ timeout {MEASURING_SECONDS} du -s --block-size=1 "$@" | head -n 1 | cut -f 1; }}
measure() {{
  [ -r "$1" ] || [ -L "$1" ] || {{ refuse "Permission denied"; exit 1; }}
  if [ -f "$1" ]; then size=$(stat -L -c %s -- "$1"); return; fi
  {{ size=$(count "$2" --apparent-size -- "$1" 2>&1 >&3 | grep -c ": Permission denied$"); }} 3> /dev/null
  [ "$size" = 0 ] || {{ refuse "Permission denied"; exit 1; }}
  size=$(count "$2" --apparent-size -- "$1" 2> /dev/null)
}}
room() {{
  there=$(df --output=avail --block-size=1 -- "${{1%/*}}/" 2> /dev/null | tail -n 1)
  taken=$(count "$3" -- "$2" 2> /dev/null)
  [ -z "$taken" ] || [ "$taken" -le "${{there:-$taken}}" ] || {{ echo "$taken $there" >&2; exit {NO_ROOM}; }}
}}
"""

# $1 source, $2 target, $3 whether to overwrite, $4 -L or -P.
COPYING = PLACE + TOOLS + MEASURE + "tools cp mv" + READY + 'measure "$1" "$4"; room "$2" "$1" "$4"; echo "$size"'

# The same, and $1 must be free to go; within a file system nothing needs room, nor time.
MOVING = (
    PLACE
    + TOOLS
    + MEASURE
    + 'tools cp mv; keep "$1" || exit 1'
    + READY
    + """[ -w "${1%/*}/" ] || { refuse "Permission denied"; exit 1; }
if [ "$(stat -c %d -- "$1")" = "$(stat -L -c %d -- "${2%/*}/")" ]; then
  [ ! -f "$1" ] || [ -L "$1" ] || stat -c %s -- "$1"
  exit 0
fi
measure "$1" -P
room "$2" "$1" -P
echo "$size"
"""
)

# $1 path, $2 whether recursive.
REMOVING = (
    PLACE
    + """
keep "$1" && stat -- "$1" > /dev/null || exit 1
[ -w "${1%/*}/" ] || { refuse "Permission denied"; exit 1; }
[ "$2" = 1 ] || [ -L "$1" ] || [ ! -d "$1" ] || [ -z "$(find "$1/" -maxdepth 0 ! -empty)" ] ||
  { refuse "Directory not empty"; exit 1; }
"""
)

# $1 source, $2 target.
SYNCING = PLACE + TOOLS + MEASURE + "tools rsync" + DIRECTORIES + 'measure "$1/." -P; echo "$size"'

# $1 source, $2 target, $3 whether to overwrite, then the programs that it takes. How large the archive will be nobody
# knows.
PACKING = (
    PLACE
    + TOOLS
    + READY
    + """[ -r "$1" ] || [ -L "$1" ] || { refuse "Permission denied"; exit 1; }
shift 3
tools "$@"
"""
)

# $1 archive, $2 target, $3 its kind or nothing, $4 its name.
UNPACKING = (
    PLACE
    + TOOLS
    + KIND
    + """
stat -L -- "$1" > /dev/null || exit 1
[ ! -d "$1" ] || { refuse "Is a directory"; exit 1; }
[ -r "$1" ] || { refuse "Permission denied"; exit 1; }
if [ -d "$2" ]; then [ -w "$2/." ] || { refuse "Permission denied"; exit 2; }
elif exists "$2"; then { refuse "Not a directory"; exit 2; }
else free "$2" 0 || exit 2; fi
kind=${3:-$(kind_of "$1" "$4")}
case $kind in zip) tools unzip;; none) tools tar;; *) tools tar "$kind";; esac
"""
)


class Check(FileCommand[int | None]):
    """A look at what a transfer is about; the bytes to be moved, as far as they are counted in a few seconds."""

    path: str

    def parse(self, result: Result) -> int | None:
        """A number or nothing."""
        check_ends(self.path, str(getattr(self, "target", self.path)), result)
        return _size(result.stdout)


@dataclass(frozen=True, slots=True)
class CanCopy(Check):
    """Whether the one can be copied to the other."""

    path: str
    target: str
    dereference: bool = False
    overwrite: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """As the copy itself."""
        return {"path": Hold.PLAIN if self.dereference else Hold.ENTRY, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        links, overwrite = "-L" if self.dereference else "-P", "1" if self.overwrite else "0"
        return ["sh", "-c", COPYING, "firecrest-check", self.path, self.target, overwrite, links]


@dataclass(frozen=True, slots=True)
class CanMove(Check):
    """Whether the one can become the other."""

    path: str
    target: str
    overwrite: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """As the move itself."""
        return {"path": Hold.ENTRY, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", MOVING, "firecrest-check", self.path, self.target, "1" if self.overwrite else "0"]


@dataclass(frozen=True, slots=True)
class CanRemove(Check):
    """Whether it can go."""

    path: str
    recursive: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """As the removal itself."""
        return {"path": Hold.ENTRY}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", REMOVING, "firecrest-check", self.path, "1" if self.recursive else "0"]


@dataclass(frozen=True, slots=True)
class CanSync(Check):
    """Whether the one directory can be made like the other; whether there is room depends on what is there already."""

    path: str
    target: str

    @property
    def holds(self) -> dict[str, Hold]:
        """As the synchronisation itself."""
        return {"path": Hold.FILE, "target": Hold.ENTRY}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", SYNCING, "firecrest-check", self.path, self.target]


@dataclass(frozen=True, slots=True)
class CanCompress(Check):
    """Whether the one can become an archive."""

    path: str
    target: str
    overwrite: bool = False
    dereference: bool = False
    programs: tuple[str, ...] = ("tar",)

    @property
    def holds(self) -> dict[str, Hold]:
        """As the archive's making itself."""
        return {"path": Hold.PLAIN if self.dereference else Hold.ENTRY, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        overwrite = "1" if self.overwrite else "0"
        return ["sh", "-c", PACKING, "firecrest-check", self.path, self.target, overwrite, *self.programs]


@dataclass(frozen=True, slots=True)
class CanExtract(Check):
    """Whether the archive can be read, and something made at the target."""

    path: str
    target: str
    kind: str
    name: str

    @property
    def holds(self) -> dict[str, Hold]:
        """As the unpacking itself."""
        return {"path": Hold.FILE, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", UNPACKING, "firecrest-check", self.path, self.target, self.kind, self.name]


def check_ends(path: str, target: str, result: Result) -> None:
    """Raise where there is no room or no program, or one of the two is not as it must be."""
    words = result.stderr.decode("utf-8", "replace").strip()
    if result.exit_status == NO_ROOM:
        taken, there = words.split()[-2:]
        raise NoSpace(f"{target!r} has no room: {taken} bytes are to go there, and {there} are free")
    if result.exit_status == NO_PROGRAM:
        raise Unsupported(f"the system has no program {words} for this")
    if result.exit_status == TARGET:
        raise failure(target, result.stderr, result.exit_status)
    check(path, result)


def _size(said: bytes) -> int | None:
    text = said.decode("ascii", "replace").strip()
    if text and not text.isdecimal():
        raise CommandFailed(f"the check answered {text[:80]!r}")
    return int(text) if text else None
