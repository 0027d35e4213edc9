"""Files as a system's file system tells of them."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from posixpath import basename

from firecrest_gql.errors import InvalidInput


class FileType(StrEnum):
    """What kind of entry a name stands for."""

    REGULAR = "REGULAR"
    DIRECTORY = "DIRECTORY"
    SYMLINK = "SYMLINK"
    FIFO = "FIFO"
    SOCKET = "SOCKET"
    BLOCK_DEVICE = "BLOCK_DEVICE"
    CHARACTER_DEVICE = "CHARACTER_DEVICE"
    UNKNOWN = "UNKNOWN"


class FileOrder(StrEnum):
    """In which order files are listed; those with the same size or time by name."""

    NAME = "NAME"
    NAME_DESC = "NAME_DESC"
    SIZE = "SIZE"
    SIZE_DESC = "SIZE_DESC"
    MODIFIED = "MODIFIED"
    MODIFIED_DESC = "MODIFIED_DESC"


class Compression(StrEnum):
    """How an archive is compressed; all but ZIP are archives of tar."""

    NONE = "NONE"
    GZIP = "GZIP"
    BZIP2 = "BZIP2"
    XZ = "XZ"
    ZSTD = "ZSTD"
    ZIP = "ZIP"


RAW = "base64:"


def shown(path: str) -> str:
    """The path as a person reads it: bytes that are not UTF-8 become U+FFFD."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def raw(path: str) -> str:
    """What to pass back as this path: itself, or `base64:` and its bytes where it is not valid UTF-8."""
    data = path.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return RAW + base64.b64encode(data).decode("ascii")


def from_raw(path: str, argument: str) -> str:
    """The path that `raw` wrote; raises `InvalidInput`, naming the argument, for `base64:` and something else."""
    if not path.startswith(RAW):
        return path
    try:
        return base64.b64decode(path.removeprefix(RAW), validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise InvalidInput(f"{argument}: what follows {RAW} is not base64") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One entry of a file system; `location` is its path with surrogate escapes for bytes that are not UTF-8."""

    system: str
    location: str
    type: FileType
    size: int | None = None
    owner: str | None = None
    group: str | None = None
    uid: int | None = None
    gid: int | None = None
    permissions: str | None = None
    mode: str | None = None
    modified_at: datetime | None = None
    accessed_at: datetime | None = None
    changed_at: datetime | None = None
    inode: int | None = None
    link_count: int | None = None
    link_target: str | None = None

    @property
    def path(self) -> str:
        """The path as a person reads it."""
        return shown(self.location)

    @property
    def raw_path(self) -> str:
        """The path as the API takes it back."""
        return raw(self.location)

    @property
    def name(self) -> str:
        """The last component."""
        return shown(basename(self.location.rstrip("/")) or "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """Bytes of a file from `offset` on; `truncated`: the file goes on behind them."""

    data: bytes
    offset: int
    truncated: bool

    @property
    def next_offset(self) -> int:
        """Where the next read begins."""
        return self.offset + len(self.data)

    @property
    def text(self) -> str | None:
        """The bytes as UTF-8; None where they are binary."""
        try:
            return None if b"\0" in self.data else self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class FileSystemUsage:
    """The room of a file system, in bytes; `available` is what a user may still write."""

    size: int
    used: int
    available: int


class QuotaKind(StrEnum):
    """Whom a quota bounds."""

    USER = "USER"
    GROUP = "GROUP"
    PROJECT = "PROJECT"


@dataclass(frozen=True, slots=True)
class Quota:
    """How much somebody may keep, and keeps; None where there is no limit, or none is told. Sizes in bytes."""

    kind: QuotaKind
    name: str
    bytes_used: int | None = None
    bytes_limit: int | None = None
    files_used: int | None = None
    files_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a system, with its number."""

    gid: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAccount:
    """The viewer's account on a system, as the system itself tells it."""

    system: str
    username: str
    uid: int
    gid: int
    groups: tuple[Group, ...]
    home: str
    shell: str | None
