"""Every command on files, with strings of a test's choice wherever it takes any, and a folder that it can act on."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firecrest_gql.command import Remote, Stdin
from firecrest_gql.files.attributes import ChangeMode, ChangeOwner, Link, Touch
from firecrest_gql.files.contents import Checksum, Read, ReadEnd
from firecrest_gql.files.downloading import Download, Part
from firecrest_gql.files.each import EachCommand
from firecrest_gql.files.ends import End, Ends, Span
from firecrest_gql.files.listing import Stat
from firecrest_gql.files.measuring import DiskUsage, MimeTypes, Usage
from firecrest_gql.files.packing import Compress
from firecrest_gql.files.pages import Count, ListPage, Wanted
from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.quotas import Quotas
from firecrest_gql.files.unpacking import Bounds, Extract
from firecrest_gql.files.writing import MakeDirectory, Remove, Upload
from firecrest_gql.model.files import Compression, FileOrder
from firecrest_gql.settings import QuotaFormat
from firecrest_gql.transfers.checks import CanCompress, CanCopy, CanExtract, CanMove, CanRemove, CanSync
from firecrest_gql.transfers.staging_checks import CanReceive, CanSend
from firecrest_gql.transfers.syncing import Sync

BOUNDS = Bounds(2**20, 100, 100)


@dataclass(frozen=True)
class Strings:
    """A name of what is there, a name of what is made, words of any kind, and words of one line."""

    name: str
    new: str
    words: str
    line: str


@dataclass(frozen=True)
class Place:
    """A folder in which all entries that a command needs have this name, each with an ending of its own."""

    folder: Path
    strings: Strings

    def __getattr__(self, ending: str) -> str:
        """The path of one of them, such as `file` or `dir`."""
        return f"{self.folder}/{self.strings.name}+{ending}"

    @property
    def new(self) -> str:
        """Where nothing is yet."""
        return f"{self.folder}/{self.strings.new}+new"

    @property
    def into(self) -> str:
        """A directory with the other name."""
        return f"{self.folder}/{self.strings.new}+into"

    def prepare(self) -> None:
        """Make all of them."""
        for path in (self.dir, f"{self.dir}/sub", self.blank, self.empty, self.into):
            Path(path).mkdir(parents=True)
        files = (self.file, f"{self.dir}/{self.strings.name}", f"{self.dir}/sub/{self.strings.new}")
        for number, path in enumerate(files, 1):
            Path(path).write_bytes(b"content\n" * number)  # by size their order is one whatever their names are
        Path(f"{self.blank}/{self.strings.name}").touch()
        Path(self.link).symlink_to(self.strings.words)
        Path(self.tar).write_bytes(_tar(self.strings.name, self.strings.new))
        with zipfile.ZipFile(self.zip, "w") as archive:
            archive.writestr("entry", b"zipped")


def _tar(*entries: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            archive.addfile(tarfile.TarInfo(f"top/{entry}"))
    return made.getvalue()


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _page(path: str, wanted: Wanted, after: tuple[str, str] | None = None) -> ListPage:
    return ListPage("real", path, wanted, 10, after)


SEVERAL: dict[str, Callable[[tuple[str, ...]], EachCommand[Any]]] = {
    "stat": lambda paths: Stat("real", paths),
    "checksum": lambda paths: Checksum("SHA256", paths),
    "heads": lambda paths: Ends(paths, Span(End.HEAD, 4)),
    "tails": lambda paths: Ends(paths, Span(End.TAIL, 4)),
    "mime types": MimeTypes,
    "disk usage": DiskUsage,
}
"""Commands on many paths at once."""

ALONE: dict[str, Callable[[Place], Remote]] = {
    "touch": lambda at: Touch(at.file),
    "touch what is new": lambda at: Touch(at.new),
    "link": lambda at: Link(at.new, at.strings.words),
    "mode": lambda at: ChangeMode(at.file, "u=rw,go-rwx"),
    "modes": lambda at: ChangeMode(at.dir, "u+rwX", recursive=True),
    "owner": lambda at: ChangeOwner(at.file, None, str(Path(at.file).stat().st_gid)),
    "owners": lambda at: ChangeOwner(at.dir, str(Path(at.dir).stat().st_uid), None, recursive=True),
    "directory": lambda at: MakeDirectory(at.new, mode="0700"),
    "directories": lambda at: MakeDirectory(f"{at.new}/{at.strings.name}", parents=True),
    "upload": lambda at: Upload(at.new, Stdin.of(b"sent"), "0600"),
    "upload over": lambda at: Upload(at.file, Stdin.of(b"sent"), "0600", overwrite=True),
    "remove": lambda at: Remove(at.file),
    "remove all": lambda at: Remove(at.dir, recursive=True),
    "copy": lambda at: Copy(at.dir, at.new),
    "copy over": lambda at: Copy(at.file, at.tar, dereference=True, overwrite=True),
    "move": lambda at: Move(at.dir, at.new),
    "move over": lambda at: Move(at.file, at.link, overwrite=True),
    "read": lambda at: Read(at.file, 0, 4),
    "read the end": lambda at: ReadEnd(at.file, 4),
    "download": lambda at: Download(at.file, Part(1, 3, at.strings.words), 100),
    "room": lambda at: Usage((at.file, at.dir)),
    "quotas": lambda at: Quotas(("printf", "[]", at.file, at.strings.words), QuotaFormat.JSON, at.strings.new),
    "compress": lambda at: Compress(at.dir, at.new, _name(at.dir)),
    "compress what a link names": lambda at: Compress(at.file, at.new, _name(at.file), Compression.XZ, None, True),
    "compress some": lambda at: Compress(at.empty, at.new, _name(at.empty), Compression.NONE, at.strings.words),
    "compress over": lambda at: Compress(at.dir, at.file, _name(at.dir), Compression.BZIP2, overwrite=True),
    "extract": lambda at: Extract(at.tar, at.new, _name(at.tar), BOUNDS),
    "extract into": lambda at: Extract(at.tar, at.into, _name(at.tar), BOUNDS, Compression.NONE, overwrite=True),
    "extract zip": lambda at: Extract(at.zip, at.new, _name(at.zip), BOUNDS),
    "list": lambda at: _page(at.blank, Wanted(hidden=True)),
    "list all below": lambda at: _page(at.dir, Wanted(hidden=True, depth=None, order=FileOrder.SIZE)),
    "list some": lambda at: _page(at.empty, Wanted(match=at.strings.words)),
    "list from a cursor": lambda at: _page(at.empty, Wanted(), (at.strings.words, at.strings.name)),
    "list from a time": lambda at: _page(
        at.empty, Wanted(order=FileOrder.MODIFIED_DESC), (at.strings.new, at.strings.words)
    ),
    "search contents": lambda at: _page(at.blank, Wanted(hidden=True, depth=5, words=at.strings.line)),
    "search both": lambda at: _page(at.empty, Wanted(depth=5, match=at.strings.name, words=at.strings.line)),
    "count": lambda at: Count(at.dir, Wanted(hidden=True, match=at.strings.words)),
    "count found": lambda at: Count(at.blank, Wanted(hidden=True, depth=2, words=at.strings.line)),
    "look at a copy": lambda at: CanCopy(at.dir, at.new),
    "look at a move": lambda at: CanMove(at.file, at.new),
    "look at a removal": lambda at: CanRemove(at.dir, recursive=True),
    "look at a synchronisation": lambda at: CanSync(at.dir, at.into),
    "look at an archive to be": lambda at: CanCompress(at.dir, at.new),
    "look at an archive": lambda at: CanExtract(at.tar, at.new, "", _name(at.tar)),
    "look at a target": lambda at: CanReceive(at.new, 10, False, ("sh",)),
    "look at a source": lambda at: CanSend(at.dir, ("sh",), "-P"),
    "synchronise": lambda at: Sync(at.dir, at.into),
}
"""Commands on one path, or two."""
