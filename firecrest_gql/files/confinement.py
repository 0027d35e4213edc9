"""The allowed paths, kept on the system: what leads there is entered or opened first, and checked as it is held.

A path that was looked at can lead elsewhere a moment later, so nothing is done by the path itself. The directory of an
entry becomes the working directory, or is an open file, and so is a file that is read; Linux tells where such a thing
really is (proc(5), /proc/pid/cwd and /proc/pid/fd), and it stays what it is whatever links are made meanwhile. The
program is then given a name that leads through it.
"""

from collections.abc import Sequence
from enum import StrEnum


class Hold(StrEnum):
    """How an operation takes a path; links in the directories that lead to it are always followed, and checked."""

    ENTRY = "entry"
    """The entry itself, a link not followed; it need not be there."""
    TARGET = "target"
    """The same for the second path of an operation; its directory must be readable."""
    DIRECTORY = "directory"
    """The directory, or the one that a link leads to."""
    FILE = "file"
    """The file or directory, or the one that a link leads to; it must be readable or writable."""
    PLAIN = "plain"
    """The same, but no directory, in which there might be further links to follow."""
    MADE = "made"
    """The same as `FILE`; an empty file is made where there is nothing."""
    PARENTS = "parents"
    """The entry, whose missing directories are made."""

    def called(self, path: str) -> str:
        """What a program is given in place of the path."""
        return NAMES.get(self, "./{entry}").format(entry=path.rpartition("/")[2])


NAMES = {
    Hold.TARGET: "/proc/self/fd/9/{entry}",
    Hold.DIRECTORY: ".",
    **dict.fromkeys((Hold.FILE, Hold.PLAIN, Hold.MADE), "/proc/self/fd/8"),
}

# Named trees, and the home, count as what they are now, by whatever links they have their names; so does the name
# itself, where it is the entry that is asked for. `echo x` keeps newlines that end a name.
GUARD = r"""
admitted=0
admit() {
  real=$(cd -P -- "$1" 2> /dev/null && readlink -n /proc/self/cwd; echo x)
  eval "name_$admitted=\$1 tree_$admitted=\${real%x}"
  admitted=$((admitted + 1))
}
inside() {
  i=0
  while [ "$i" -lt "$admitted" ]; do
    eval "name=\$name_$i tree=\$tree_$i"
    i=$((i + 1))
    [ "$1" != "$name" ] || return 0
    [ -n "$tree" ] || continue
    case "${1%/}/" in "${tree%/}"/*) return 0 ;; esac
  done
  return 1
}
check() {
  real=$(readlink -n "/proc/self/$1"; echo x) real=${real%x}
  [ -n "$real" ] && inside "${real%/}$2" || refuse "leads outside the allowed paths"
}
refuse() { printf "%s: %s\n" "$path" "$1" >&2; exit "$bad"; }
enter() { cd -P -- "$1" 2> /dev/null || { stat -- "$1/." > /dev/null; exit "$bad"; }; }
make() {
  rest=${1%/*}
  enter /
  while [ -n "$rest" ]; do
    rest=${rest#/}
    part=${rest%%/*}
    rest=${rest#"$part"}
    cd -P -- "./$part" 2> /dev/null && continue
    [ ! -e "./$part" ] && [ ! -L "./$part" ] || enter "./$part"
    check cwd "/$part"
    mkdir -- "./$part" || exit 1
    enter "./$part"
  done
}
hold() {
  path=$2 bad=1
  case $1 in
  entry) enter "${2%/*}/"; check cwd "/${2##*/}" ;;
  parents) make "$2"; check cwd "/${2##*/}" ;;
  directory) enter "$2"; check cwd ;;
  target)
    bad=2
    stat -- "${2%/*}/." > /dev/null || exit 2
    [ -r "${2%/*}/" ] || refuse "Permission denied"
    exec 9< "${2%/*}/"
    check fd/9 "/${2##*/}"
    ;;
  made)
    hold entry "$2"
    [ -e "./${2##*/}" ] || [ -L "./${2##*/}" ] || (set -C; : > "./${2##*/}") || exit 1
    hold file "$2"
    ;;
  *)
    [ -f "$2" ] || { [ "$1" = file ] && [ -d "$2" ]; } || unfit
    if [ -r "$2" ]; then exec 8< "$2"; elif [ -w "$2" ] && [ -f "$2" ]; then exec 8>> "$2"
    else refuse "Permission denied"; fi
    check fd/8
    ;;
  esac
}
unfit() {
  stat -L -- "$path" > /dev/null || exit "$bad"
  [ ! -d "$path" ] || refuse "links in it are not followed"
  refuse "not a regular file"
}
admit "$HOME"
trees=$1
shift
while [ "$trees" -gt 0 ]; do admit "$1"; trees=$((trees - 1)); shift; done
"""

# Behind the trees: how many paths, then each with how it is held; the command.
ONE = GUARD + 'held=$1; shift\nwhile [ "$held" -gt 0 ]; do hold "$1" "$2"; shift 2; held=$((held - 1)); done\nexec "$@"'

# Behind the trees: how each path is held, what it is then called, what to run for $held, in the name of $path, what to
# print for one that fails, and why; the paths.
EACH = (
    GUARD
    + r"""
hold=$1 shown=$2 run=$3 lost=$4
shift 4
exec 3>&1
for path do
  words=$( (hold "$hold" "$path"; eval "held=$shown"; eval "$run") 2>&1 >&3) && continue
  status=$?
  printf "$lost" "$path" "$words"
  [ "$status" != 127 ] || exit 127
done
"""
)
SHOWN = {Hold.ENTRY: "./${path##*/}", Hold.FILE: "/proc/self/fd/8"}


def confined(argv: Sequence[str], trees: Sequence[str], held: Sequence[tuple[Hold, str]]) -> list[str]:
    """The command that holds these paths inside the trees, or the home, before it becomes `argv`.

    `argv` calls each of them what `Hold.called` says. A job's script may begin so too: it is one POSIX program.
    """
    paths = [word for hold, path in held for word in (hold, path)]
    return ["sh", "-c", ONE, "sh", *_trees(trees), str(len(held)), *paths, *argv]


def confined_each(run: str, lost: str, trees: Sequence[str], hold: Hold) -> list[str]:
    """The command that does the same with each path of its arguments: `run` is a shell's program over $held."""
    return ["sh", "-c", EACH, "sh", *_trees(trees), hold, f'"{SHOWN[hold]}"', run, lost]


def _trees(trees: Sequence[str]) -> list[str]:
    return [str(len(trees)), *(tree.rstrip("/") for tree in trees)]
