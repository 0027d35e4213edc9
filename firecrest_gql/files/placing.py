"""Copying and moving: what comes is made beside the target and renamed, so that nobody sees half of it."""

from dataclasses import dataclass

from firecrest_gql.command import Operation, Result
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.ending import ENDS
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.home import KEEP
from firecrest_gql.files.modes import MODES
from firecrest_gql.files.road import FileCommand

TARGET = 2  # the status of these programs where it is the target that failed

# What sh -c "$clear" sh PATH removes, with everything in it, and whatever its permissions.
CLEAR = r"""
clear='find "$1" -type d ! -perm -700 -exec chmod u+rwx {} \; ; rm -rf -- "$1"'
"""

# free TARGET OVERWRITE: fails where nothing can be put there; a directory that holds something is never replaced.
# put FROM TARGET OVERWRITE: one rename. Without overwriting it is a rename that replaces nothing, where the file system
# has that; mv is silent when it refuses, so what is still there tells.
# note PATH: in the job of a transfer, where it is, for whoever has to clear up after a job that was killed.
# What is left of an interrupted copy goes away in a session of its own, which outlives the end of this one.
PLACE = (
    KEEP
    + CLEAR
    + ENDS
    + MODES
    + r"""
refuse() { echo "$1" >&2; return 1; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
free() {
  stat -L -- "${1%/*}/" > /dev/null || return 1
  [ -w "${1%/*}/" ] || refuse "Permission denied" || return 1
  [ "$2" = 1 ] || ! exists "$1" || refuse "File exists" || return 1
  [ -L "$1" ] || [ ! -d "$1" ] || [ -z "$(find "$1/" -maxdepth 0 ! -empty)" ] || refuse "Directory not empty"
}
put() {
  if [ "$3" = 1 ]; then mv -fT -- "$1" "$2"; return; fi
  mv -nT -- "$1" "$2" || return 1
  ! exists "$1" || refuse "File exists"
}
note() {
  [ -z "${FIRECREST_TRANSFER-}" ] || (
    cd -P -- "${1%/*}/" && real=$(pwd -P; echo x) || exit
    printf "%s/%s" "${real%?x}" "${1##*/}" > "$FIRECREST_TRANSFER/beside"
  )
}
t= probe=
tidy() { [ -z "$1" ] || setsid -w sh -c "$clear" sh "$1" < /dev/null > /dev/null 2>&1; }
trap 'deaf; tidy "$t"; tidy "$probe"' EXIT
"""
)

# $2 target, $3 whether to overwrite. Nothing has been done yet when these refuse.
FREE = """
keep "$2" && free "$2" "$3" || exit 2
"""

# $beside is a name beside the target that nobody has.
NAME_BESIDE = """
beside=$(mktemp -u "${2%/*}/.firecrest.XXXXXXXXXXXXXXXX") || exit 2
note "$beside" || exit 2
"""

READY = (
    """
stat -- "$1" > /dev/null || exit 1
"""
    + FREE
    + '! holds "$1" "${2%/*}/" || refuse "into itself" || exit 2'
    + NAME_BESIDE
)

# $1 source, $2 target, $3 whether to overwrite, $4 -L or -P: whether links are copied as what they point to. What
# replaces a file gets its permissions, and nobody reads it before.
COPY = (
    PLACE
    + READY
    + """
! plain "$2" || umask 077
t=$beside
cp -R "$4" --preserve=links -T -- "$1" "$t" || exit 1
! plain "$2" || ! plain "$t" || like "$t" "$2" || exit 2
put "$t" "$2" "$3" || exit 2
t=
"""
)

# joined FROM BESIDE: whether a rename can bring it there. Numbers of devices do not tell: what is mounted twice, and
# what belongs to several projects or filesets, has one number, and mv would remove the target and copy in its place.
# Another name of the very file tells for certain; a directory, and a file that may have none, is stood in for.
# may_leave FROM: in a directory whose sticky bit is set, only what is one's own may be renamed.
JOINED = r"""
joined() {
  t=$2 said=
  if [ -L "$1" ] || [ ! -d "$1" ]; then
    ! said=$(ln -PT -- "$1" "$2" 2>&1) || { rm -f -- "$2"; t=; return; }
  fi
  case $said in *cross-device*) return 1;; esac
  probe=$(mktemp -u "${1%/*}/.firecrest.XXXXXXXXXXXXXXXX") || return 1
  mkdir -- "$probe" && number=$(stat -c %i -- "$probe") && mv -T -- "$probe" "$2" || return 1
  [ "$(stat -c %i -- "$2")" = "$number" ] && joined=0 || joined=1
  rmdir -- "$2" && t= probe=
  return "$joined"
}
mine() { [ "$(stat -c %u -- "$1")" = "$(id -u)" ]; }
may_leave() { [ ! -k "${1%/*}/" ] || [ "$(id -u)" = 0 ] || mine "$1" || mine "${1%/*}/"; }
gently() {
  if command -v ionice > /dev/null; then ionice -t -c 3 nice -n 19 "$@"; else nice -n 19 "$@"; fi
}
"""

# $1 source, $2 target, $3 whether to overwrite. Where no rename brings it, the source goes once its copy is in place.
MOVE = (
    PLACE
    + JOINED
    + 'keep "$1" || exit 1'
    + READY
    + """[ -w "${1%/*}/" ] || refuse "Permission denied" || exit 1
may_leave "$1" || refuse "Operation not permitted" || exit 1
if joined "$1" "$beside"; then put "$1" "$2" "$3" || exit 2; exit; fi
t=$beside
gently cp -a -T -- "$1" "$t" || exit 1
put "$t" "$2" "$3" || exit 2
t=
gently rm -rf --one-file-system -- "$1"
"""
)


@dataclass(frozen=True, slots=True)
class Copy(FileCommand[None]):
    """A copy of a file, a link, or a directory with everything in it."""

    twin = "startCopy"

    path: str
    target: str
    dereference: bool = False
    overwrite: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """Where links are copied as what they point to, only one file at a time can be held."""
        return {"path": Hold.PLAIN if self.dereference else Hold.ENTRY, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        links = "-L" if self.dereference else "-P"
        return ["sh", "-c", COPY, "sh", self.path, self.target, "1" if self.overwrite else "0", links]

    @property
    def operation(self) -> Operation:
        """It reads and writes whole trees."""
        return Operation.COPY

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        _check_both(self.path, self.target, result)


@dataclass(frozen=True, slots=True)
class Move(FileCommand[None]):
    """An entry under another name."""

    twin = "startMove"

    path: str
    target: str
    overwrite: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """A link is moved, not what it points to."""
        return {"path": Hold.ENTRY, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", MOVE, "sh", self.path, self.target, "1" if self.overwrite else "0"]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        _check_both(self.path, self.target, result)


def _check_both(path: str, target: str, result: Result) -> None:
    """Name the one of the two that failed."""
    if result.exit_status == TARGET:
        raise failure(target, result.stderr, result.exit_status)
    check(path, result)
