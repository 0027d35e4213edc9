"""One page of what a directory holds: sorted on the system, where also all but the page's entries stay."""

import re
from dataclasses import dataclass

from firecrest_gql.command import Operation, Result
from firecrest_gql.errors import InvalidInput
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.listing import FIELDS, FORMAT, file_of
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import File, FileOrder, FileType

# By which key (find -printf) and with which keys of sort(1). A record is `a/KEY/PATH`, the cursor's `z/KEY/PATH`:
# it stands right behind the entry that it names, or where that was.
ORDERS = {
    FileOrder.NAME: ("", "-k3", "-k3"),
    FileOrder.NAME_DESC: ("", "-k3r", "-k3r"),
    FileOrder.SIZE: ("%s", "-k2,2n", "-k3"),
    FileOrder.SIZE_DESC: ("%s", "-k2,2nr", "-k3r"),
    FileOrder.MODIFIED: ("%T@", "-k2,2n", "-k3"),
    FileOrder.MODIFIED_DESC: ("%T@", "-k2,2nr", "-k3r"),
}

RECORD = len(FIELDS) + 1  # and whether it is closed
# What find and grep say of an entry ends in words of strerror(3), or of find's own.
SAID = re.compile(rb"^.*: ([A-Z][^:\n]*)$", re.MULTILINE)
CLOSED = b"Permission denied"
HARMLESS = (b"No such file or directory", b"Broken pipe")  # gone meanwhile; not read any further
BROKEN = re.compile(rb"^(sh|sort|sed|head|xargs|tr|wc): ", re.MULTILINE)

# find(1), -type
LETTERS = {
    FileType.REGULAR: "f",
    FileType.DIRECTORY: "d",
    FileType.SYMLINK: "l",
    FileType.FIFO: "p",
    FileType.SOCKET: "s",
    FileType.BLOCK_DEVICE: "b",
    FileType.CHARACTER_DEVICE: "c",
}

# $1 directory, $2 -P or -L, $3 words to find in the files; then each program's own, then find's expression.
ENTER = r'cd -- "$1" 2> /dev/null || { stat -- "$1/." > /dev/null; exit 1; }; links=$2 words=$3; shift 3; '
FIND = 'find "$links" . "$@"'
GREP = FIND + r' | xargs -0r grep -lZF -e "$words" -- | sed -z "s:^\./:a//:"'

# $1 the cursor's record or nothing, $2 how many, $3 what is told of each, $4 and $5 how to sort, $6 -P or -L: a link
# that leads nowhere it can be followed to, as one that leads to itself, is told as itself.
PAGE = r"""
after=$1 count=$2 format=$3 first=$4 second=$5 show=$6
shift 6
{ SOURCE; [ -z "$after" ] || printf "%s\0" "$after"; } |
sort -z -t / "$first" "$second" -k1,1 |
sed -z "${after:+0,/^z\//d;}s:^[^/]*/[^/]*/:./:" |
head -z -n "$count" |
xargs -0r sh -c 'links=$1
shift
printf "%d\0" "$#"
show() {
  find "$@" -maxdepth 0 -printf "$0" \
    \( -type d \( ! -readable -o ! -executable \) -printf "closed\0" -o -printf "\0" \)
}
lost() { [ "$links" = -L ] && [ -L "$1" ] && [ ! -e "$1" ]; }
for entry do lost "$entry" && break; done
if lost "$entry"
then for entry do if lost "$entry"; then show -P "$entry"; else show "$links" "$entry"; fi; done
else show "$links" "$@"; fi
:' "$format" "$show"
"""
COUNT = r'{ SOURCE; } | tr -cd "\0" | wc -c'


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of a directory: `depth` None is everything below, `words` stand in the file."""

    hidden: bool = False
    depth: int | None = 1
    dereference: bool = False
    match: str | None = None
    type: FileType | None = None
    words: str | None = None
    order: FileOrder = FileOrder.NAME
    search: bool = False

    @property
    def operation(self) -> Operation | None:
        """Whatever reads more than the names of one directory is costly, and files all the more."""
        if self.words is not None:
            return Operation.CONTENT_SEARCH
        if self.search:
            return Operation.SEARCH
        if self.depth != 1:
            return Operation.RECURSION
        return Operation.ORDER if ORDERS[self.order][0] else None

    @property
    def chosen(self) -> bool:
        """Whether some entries are left out, so that not all that is on the way is an entry."""
        return self.match is not None or self.type is not None or self.words is not None or self.dereference

    def argv(self, program: str, path: str, *own: str) -> list[str]:
        """The program over what is wanted below this path."""
        source = FIND if self.words is None else GREP
        words = [path, self._links, self.words or "", *own, *self._expression()]
        return ["sh", "-c", ENTER + program.replace("SOURCE", source), "sh", *words]

    @property
    def links(self) -> str:
        """Of find(1): whether what a link points to is told."""
        return "-L" if self.dereference else "-P"

    @property
    def _links(self) -> str:
        """The same, while names are collected: those of one directory are there whatever they point to."""
        names_alone = self.depth == 1 and not ORDERS[self.order][0]
        return "-P" if names_alone else self.links

    def _expression(self) -> list[str]:
        """Of find(1): what is hidden is not entered either."""
        depth = [] if self.depth is None else ["-maxdepth", str(self.depth)]
        hidden = [] if self.hidden else ["-name", ".*", "-prune", "-o"]
        name = [] if self.match is None else ["-name", self.match]
        kind = [] if self.type is None else ["-type", LETTERS[self.type]]
        shown = f"a/{ORDERS[self.order][0]}/%P\\0" if self.words is None else "./%P\\0"
        words = [] if self.words is None else ["-type", "f"]
        return ["-mindepth", "1", *depth, *hidden, *name, *kind, *words, "-printf", shown]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a page, with what it is sorted by: its key and its path below the directory.

    `closed`: a directory that this user may not list, so that what is in it is missing.
    """

    file: File
    key: str
    below: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The entries of a page: of `passed` names, for some may have vanished meanwhile.

    `closed` tells whether there were directories or files on the way that may not be read, whether or not they are
    entries of the page; `lost` what else was said of entries that are not on it.
    """

    entries: tuple[Entry, ...]
    passed: int
    closed: bool = False
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class ListPage(FileCommand[Found]):
    """At most `count` entries behind the one with this key and path, in order."""

    system: str
    path: str
    wanted: Wanted
    count: int
    after: tuple[str, str] | None = None

    @property
    def holds(self) -> dict[str, Hold]:
        """A link to a directory is entered."""
        return {"path": Hold.DIRECTORY}

    @property
    def argv(self) -> list[str]:
        """Names and keys go through `sort`; only what `head` lets through is looked at."""
        cursor = "" if self.after is None else "/".join(("z", *self.after))
        _, *keys = ORDERS[self.wanted.order]
        return self.wanted.argv(PAGE, self.path, cursor, str(self.count), FORMAT, *keys, self.wanted.links)

    @property
    def operation(self) -> Operation | None:
        """By what is wanted."""
        return self.wanted.operation

    def parse(self, result: Result) -> Found:
        """Entries that vanished meanwhile are left out; a directory that cannot be read is an error."""
        values = result.stdout.decode("utf-8", "surrogateescape").split("\0")
        entries: list[Entry] = []
        passed = at = 0
        while at < len(values) - 1:
            if values[at].isdigit():
                passed, at = passed + int(values[at]), at + 1
            else:
                record, at = values[at : at + RECORD], at + RECORD
                entries.extend([self._entry(record)] if at < len(values) else [])
        if not entries or BROKEN.search(result.stderr):
            _check_directory(self.path, result)
        said = [words for words in SAID.findall(result.stderr) if words not in HARMLESS]
        lost = next((words.decode("utf-8", "replace") for words in said if words != CLOSED), None)
        return Found(tuple(entries), passed, CLOSED in said, lost)

    def _entry(self, record: list[str]) -> Entry:
        *record, path, closed = record
        key, _, _ = ORDERS[self.wanted.order]
        below = path.removeprefix("./")
        file = file_of([*record, f"{self.path.rstrip('/')}/{below}"], self.system)
        entered = self.wanted.depth is None or below.count("/") + 1 < self.wanted.depth
        return Entry(file, record[FIELDS.index(key)] if key else "", below, entered and bool(closed))


@dataclass(frozen=True, slots=True)
class Count(FileCommand[int]):
    """How many entries there are."""

    path: str
    wanted: Wanted

    @property
    def holds(self) -> dict[str, Hold]:
        """A link to a directory is entered."""
        return {"path": Hold.DIRECTORY}

    @property
    def argv(self) -> list[str]:
        """Nothing but their number comes back."""
        return self.wanted.argv(COUNT, self.path)

    @property
    def operation(self) -> Operation | None:
        """By what is wanted."""
        return self.wanted.operation

    def parse(self, result: Result) -> int:
        """One number."""
        _check_directory(self.path, result)
        return int(result.stdout)


def _check_directory(path: str, result: Result) -> None:
    """A pipe's status is its last part's; words of the directory itself, and of the other parts, count too."""
    check(path, result)
    if b"'.': " in result.stderr or BROKEN.search(result.stderr):
        raise failure(path, result.stderr, result.exit_status)


def check_wanted(wanted: Wanted) -> None:
    """Refuse what find and grep would take otherwise than it is meant."""
    if wanted.depth is not None and wanted.depth < 1:
        raise InvalidInput(f"maxDepth: not below 1, is {wanted.depth}")
    if wanted.type is not None and wanted.type not in LETTERS:
        raise InvalidInput(f"type: one of {', '.join(LETTERS)}")
    if wanted.words is not None and ("\n" in wanted.words or not wanted.words):
        raise InvalidInput("contains: some words of one line")
