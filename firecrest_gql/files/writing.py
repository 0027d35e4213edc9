"""Changing the file system: each is one command that leaves the old or the new, never half of either."""

from dataclasses import dataclass

from firecrest_gql.command import Operation, Result, Stdin
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.ending import ENDS
from firecrest_gql.files.failures import check
from firecrest_gql.files.home import KEEP
from firecrest_gql.files.modes import MODES
from firecrest_gql.files.road import FileCommand

UPLOAD_SECONDS = 50.0

# $1 target, $2 expected bytes, $3 mode or nothing, $4 whether to overwrite. Written beside the target under a temporary
# name that goes away however this ends; `ln` refuses an existing target in the same step that makes it.
UPLOAD = (
    ENDS
    + MODES
    + """
stat -L -- "${1%/*}/" > /dev/null || exit 1
t=$(mktemp -u "${1%/*}/.firecrest.XXXXXXXXXXXXXXXX") || exit 1
trap 'deaf; rm -f "$t"' EXIT
(umask 077 && set -C && exec cat > "$t") || exit 1
[ "$(stat -c %s "$t")" = "$2" ] || { echo "the upload was cut short" >&2; exit 1; }
dress "$t" "$1" "$3" || exit 1
if [ -d "$1" ]; then echo "Is a directory" >&2; exit 1; fi
if [ "$4" = 1 ]; then mv -fT -- "$t" "$1"; else ln -T -- "$t" "$1"; fi
"""
)

# $1 path, $2 whether recursive. A link is removed, not what it points to.
REMOVE = (
    KEEP
    + """
keep "$1" || exit 1
if [ -d "$1" ] && [ ! -L "$1" ]; then
  if [ "$2" = 1 ]; then rm -r --one-file-system --preserve-root=all -- "$1"; else rmdir -- "$1"; fi
else rm -- "$1" < /dev/null; fi
"""
)


@dataclass(frozen=True, slots=True)
class MakeDirectory(FileCommand[None]):
    """A new directory, with its parents where asked."""

    path: str
    parents: bool = False
    mode: str | None = None

    @property
    def holds(self) -> dict[str, Hold]:
        """Missing parents are made one by one."""
        return {"path": Hold.PARENTS if self.parents else Hold.ENTRY}

    @property
    def argv(self) -> list[str]:
        """`mkdir`."""
        mode = ["-m", self.mode] if self.mode is not None else []
        return ["mkdir", *(["-p"] if self.parents else []), *mode, "--", self.path]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class Upload(FileCommand[None]):
    """A small file: the remote side knows the expected length and renames nothing shorter."""

    twin = "startUpload"

    path: str
    content: Stdin
    mode: str | None = None
    overwrite: bool = False
    seconds: float = UPLOAD_SECONDS

    @property
    def holds(self) -> dict[str, Hold]:
        """A link is replaced, not what it points to."""
        return {"path": Hold.ENTRY}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        overwrite = "1" if self.overwrite else "0"
        return ["sh", "-c", UPLOAD, "sh", self.path, str(self.content.size), self.mode or "", overwrite]

    @property
    def stdin(self) -> Stdin:
        """The file's bytes."""
        return self.content

    @property
    def time_limit(self) -> float:
        """However silent the client is, its temporary file is gone before a minute is over."""
        return min(self.seconds, UPLOAD_SECONDS)

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)


@dataclass(frozen=True, slots=True)
class Remove(FileCommand[None]):
    """An entry gone; a directory with what is in it only where asked."""

    twin = "startRemove"

    path: str
    recursive: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """A link is removed, not what it points to."""
        return {"path": Hold.ENTRY}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        return ["sh", "-c", REMOVE, "sh", self.path, "1" if self.recursive else "0"]

    @property
    def operation(self) -> Operation | None:
        """Where it goes down the tree."""
        return Operation.RECURSION if self.recursive else None

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        check(self.path, result)
