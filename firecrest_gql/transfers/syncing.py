"""Making one directory like another: each file is made beside its target and renamed; what goes, goes last."""

import re
from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import FirecrestError, NoSpace
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.failures import failure
from firecrest_gql.files.placing import PLACE, TARGET
from firecrest_gql.files.road import FileCommand

# Both are directories, the target perhaps one that is yet to be made, and neither holds the other, nor the home.
DIRECTORIES = """
stat -- "$1/." > /dev/null || exit 1
[ -r "$1/." ] && [ -x "$1/." ] || { refuse "Permission denied"; exit 1; }
stat -- "${2%/*}/." > /dev/null || exit 2
if [ -e "$2" ] || [ -L "$2" ]; then
  stat -- "$2/." > /dev/null || exit 2
  [ -w "$2/." ] || { refuse "Permission denied"; exit 2; }
  keep "$2/." || exit 2
  ! holds "$1/." "$2/." && ! holds "$2/." "$1/." || { refuse "into itself"; exit 2; }
else
  [ -w "${2%/*}/." ] || { refuse "Permission denied"; exit 2; }
  ! holds "$1/." "${2%/*}/." || { refuse "into itself"; exit 2; }
fi
"""

# $1 source, $2 target, $3 whether to delete. Where paths are held the target is ./NAME, and the directory above it must
# be the one that is held: so no link leads away. rsync(1): a relative --temp-dir is the target's.
SYNC = (
    PLACE
    + DIRECTORIES
    + r"""
above=$(stat -c %d:%i -- "${2%/*}/.")
[ -d "$2/." ] || mkdir -- "$2" || exit 2
cd -P -- "$2" || exit 2
case $2 in ./*) [ "$(stat -c %d:%i ..)" = "$above" ] || { refuse "leads outside the allowed paths"; exit 2; } ;; esac
t=$(mktemp -d .firecrest.XXXXXXXXXXXXXXXX) || exit 2
t=$PWD/$t
notes=${FIRECREST_TRANSFER:-$t}
note "$t" || exit 2
[ "$3" = 1 ] && set -- "$1" "$2" --delete-after || set -- "$1" "$2"
from=$1
shift 2
rsync -rlptg --specials "$@" --temp-dir="${t##*/}" --exclude="/${t##*/}" --info=progress2 --no-human-readable \
  --outbuf=Line -- "$from/" ./ > "$notes/told" &
r=$!
trap 'again=1; kill "$r"' TERM HUP INT
{
  while sleep 2; do
    set -- $(tail -c 400 "$notes/told" | tr '\r' '\n' | grep -o '^ *[0-9][0-9]* *[0-9]*%' | tail -n 1)
    [ -z "$1" ] || { echo "$1" > "$notes/.counted" && mv -f "$notes/.counted" "$notes/counted"; }
  done
} > /dev/null 2>&1 &
c=$!
again=1 status=
while [ -n "$again" ]; do
  again=
  wait "$r"
  code=$?
  [ "$code" = 127 ] && [ -n "$status" ] || status=$code
done
kill "$c"
[ "$status" = 0 ] || exit 1
"""
)
NUMBER = re.compile(rb" \(\d+\)$", re.MULTILINE)  # rsync's, of the error, behind the error's words


@dataclass(frozen=True, slots=True)
class Sync(FileCommand[None]):
    """The target directory with everything that is in the other, and with nothing else where asked."""

    path: str
    target: str
    delete: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """A link to a directory is entered, of the source at least."""
        return {"path": Hold.FILE, "target": Hold.ENTRY}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", SYNC, "firecrest-sync", self.path, self.target, "1" if self.delete else "0"]

    def parse(self, result: Result) -> None:
        """Nothing to read; what rsync's sender complains of is about the source."""
        if result.exit_status != 0:
            raise self._error(result)

    def _error(self, result: Result) -> FirecrestError:
        words = NUMBER.sub(b"", result.stderr)
        ours = result.exit_status == TARGET or (b"rsync" in words and b"[sender]" not in words)
        error = failure(self.target if ours else self.path, words, result.exit_status)
        return failure(self.target, words, result.exit_status) if isinstance(error, NoSpace) else error
