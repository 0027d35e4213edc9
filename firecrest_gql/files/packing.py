"""Making an archive of what is there: tar, and one program that compresses."""

from dataclasses import dataclass

from firecrest_gql.command import Operation, Result
from firecrest_gql.errors import FirecrestError, NotFound, Unsupported
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.placing import PLACE, READY, TARGET
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import Compression

NEEDS = 3  # the status of these programs where one that they need is not there: standard error is its name
NOTHING = 4  # … and where nothing matches

PROGRAMS = {
    Compression.NONE: "",
    Compression.GZIP: "gzip",
    Compression.BZIP2: "bzip2",
    Compression.XZ: "xz",
    Compression.ZSTD: "zstd",
}

# What a user has set for programs of their own must not change what these do (tar: --absolute-names).
TOOLS = """
unset TAR_OPTIONS TAPE GZIP BZIP BZIP2 XZ_OPT XZ_DEFAULTS ZSTD_CLEVEL ZSTD_NBTHREADS UNZIP UNZIPOPT ZIPINFO ZIPINFOOPT
need() { command -v "$1" > /dev/null || { echo "$1" >&2; exit 3; }; }
gnu_tar() { need tar; case "$(tar --version 2> /dev/null)" in *"GNU tar"*) ;; *) echo "tar of GNU" >&2; exit 3;; esac; }
"""

# $1 source, $2 target, $3 whether to overwrite, $4 what compresses or nothing, $5 -L or -P, $6 a pattern or nothing.
# $7 is what the source is called in the archive, and what is in it below that. find's own status counts too, so a
# directory that cannot be read makes no archive. What is neither file, directory nor link is left out.
COMPRESS = (
    PLACE
    + TOOLS
    + READY
    + r"""
gnu_tar
[ -z "$4" ] || need "$4"
t=$beside name=./$7
mkdir -m 700 -- "$t" || { t=; exit 2; }
case $1 in
  */"$7") cd -- "${1%/*}/" || exit 1;;
  *) ln -s -- "$1" "$t/$7" && cd -- "$t" || exit 1;;
esac
entries() {
  case $6 in
    "") find "$5" "$name" "(" -type d -o -type f -o -type l ")" -print0;;
    *) find "$5" "$name" "(" -type f -o -type l ")" -name "$6" -print0;;
  esac
}
case $6 in ?*) [ -n "$(entries "$@" | head -c 1 | tr "\0" x)" ] || exit 4;; esac
[ "$5" = -P ] || dereference=--dereference
found=$({
  { entries "$@"; echo $? >&3; } | sed -z "s:^\./::" |
  tar --create --format=gnu ${4:+"--use-compress-program=$4"} $dereference --no-recursion --null --verbatim-files-from \
    --files-from=- --file=- > "$t/archive"
} 3>&1) || exit 1
[ "$found" = 0 ] || exit 1
! plain "$2" || like "$t/archive" "$2" || exit 2
put "$t/archive" "$2" "$3" || exit 2
"""
)


@dataclass(frozen=True, slots=True)
class Compress(FileCommand[None]):
    """An archive of a file, or a directory and what is below, called `name` in it; or of the files there that match."""

    twin = "startCompress"

    path: str
    target: str
    name: str
    compression: Compression = Compression.GZIP
    match: str | None = None
    dereference: bool = False
    overwrite: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """Where links come in as what they point to, only one file at a time can be held."""
        return {"path": Hold.PLAIN if self.dereference else Hold.ENTRY, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        links = "-L" if self.dereference else "-P"
        own = [self.path, self.target, "1" if self.overwrite else "0", PROGRAMS[self.compression]]
        return ["sh", "-c", COMPRESS, "sh", *own, links, self.match or "", self.name]

    @property
    def operation(self) -> Operation:
        """It reads whole trees."""
        return Operation.COMPRESS

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        if result.exit_status == NEEDS:
            raise needs("compressFiles", result)
        if result.exit_status == NOTHING:
            raise NotFound(f"match: no file of {self.path!r} has a name like {self.match!r}")
        if result.exit_status == TARGET:
            raise failure(self.target, result.stderr, result.exit_status)
        check(self.path, result)


def needs(operation: str, result: Result) -> FirecrestError:
    """The error of a system that lacks a program."""
    program = result.stderr.decode("utf-8", "replace").split("\n")[0]
    return Unsupported(f"{operation}: the system has no program {program}, which it takes")
