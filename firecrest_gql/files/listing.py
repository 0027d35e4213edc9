"""What `find -printf` tells of entries: every field ends in NUL, so any name is read as it is (findutils manual)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from firecrest_gql.command import Result
from firecrest_gql.errors import FirecrestError, NotADirectory
from firecrest_gql.files.each import EachCommand, Told
from firecrest_gql.model.files import File, FileType

# type, size, owner, group, uid, gid, octal mode, ls mode, three times, inode, links, link target, path
FIELDS = ("%y", "%s", "%u", "%g", "%U", "%G", "%m", "%M", "%T@", "%A@", "%C@", "%i", "%n", "%l", "%p")
PATH = "%p\\0"
FORMAT = "".join(field + "\\0" for field in FIELDS)

# find(1), %y
TYPES = {
    "f": FileType.REGULAR,
    "d": FileType.DIRECTORY,
    "l": FileType.SYMLINK,
    "p": FileType.FIFO,
    "s": FileType.SOCKET,
    "b": FileType.BLOCK_DEVICE,
    "c": FileType.CHARACTER_DEVICE,
}


def file_of(values: list[str], system: str) -> File:
    """The file that a record's values describe."""
    kind, size, owner, group, uid, gid, mode, shown_mode, modified, accessed, changed, inode, links, target, path = (
        values
    )
    return File(
        system=system,
        location=path,
        type=TYPES.get(kind, FileType.UNKNOWN),
        size=int(size),
        owner=owner,
        group=group,
        uid=int(uid),
        gid=int(gid),
        mode=mode.zfill(4),
        permissions=shown_mode[1:],
        modified_at=_time(modified),
        accessed_at=_time(accessed),
        changed_at=_time(changed),
        inode=int(inode),
        link_count=int(links),
        link_target=target or None,
    )


def _time(text: str) -> datetime | None:
    """Seconds since the epoch with a fraction; None beyond the calendar."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Stat(EachCommand[dict[str, File | FirecrestError]]):
    """The file at each of these paths, or the error that it met."""

    good = '[ -L "$held" ] || [ -e "$held" ]'

    system: str
    paths: tuple[str, ...]

    @property
    def many(self) -> str:
        """One `find` for all of them."""
        return f"find \"$@\" -maxdepth 0 -printf '{FORMAT}'"

    @property
    def each(self) -> str:
        """Of what is held, under the path's name."""
        return f"find \"$held\" -maxdepth 0 -printf '{FORMAT.removesuffix(PATH)}' && printf '%s\\0' \"$path\""

    def parse(self, result: Result) -> dict[str, File | FirecrestError]:
        """By path, as they were asked for."""
        told = Told.of(result, len(FIELDS))
        found = {file.location: file for file in (file_of(record, self.system) for record in told.answers)}
        return {path: found.get(path) or told.failure(path) for path in self.paths}


def refuse_non_directory(file: File) -> None:
    """Raise `NotADirectory` where a listing can never work."""
    if file.type not in (FileType.DIRECTORY, FileType.SYMLINK):
        raise NotADirectory(f"{file.path!r} is not a directory")
