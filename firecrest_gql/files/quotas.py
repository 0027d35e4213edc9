"""Quotas, as each file system's own command tells them: what to run is the site's, how to read it is here."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, FirecrestError, Unsupported
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import Quota, QuotaKind
from firecrest_gql.settings import QuotaFormat

NO_PROGRAM = 127

KINDS = {
    "user": QuotaKind.USER,
    "usr": QuotaKind.USER,
    "group": QuotaKind.GROUP,
    "grp": QuotaKind.GROUP,
    "project": QuotaKind.PROJECT,
    "prj": QuotaKind.PROJECT,
    "fileset": QuotaKind.PROJECT,
}

HEADING = re.compile(r"Disk quotas for (\w+) (\S+) \(\w+ \S+\):\s*(none)?", re.IGNORECASE)
# A size, in units where it has a letter; * says that it is over the quota, [ ] that it is not exact (lfs-quota(1)).
SIZE = re.compile(r"\[?(\d+(?:\.\d+)?)([kKMGTPE]?)\*?\]?")
UNITS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
BLOCK = 1024
COLUMNS = 6  # blocks and files: used, soft limit, hard limit of each
REMARKS = re.compile(r"[ug]?p?id \S+ is using default|Some errors happened")

GPFS_ROW = re.compile(r"\S+\s+(?:\S+\s+)??(USR|GRP|FILESET)\s+(.*)\|\s*(.*)")
GPFS_UNIT = re.compile(r"type\s+([KMGT])B\s")


@dataclass(frozen=True, slots=True)
class Quotas(FileCommand[tuple[Quota, ...]]):
    """The quotas that one command of the site tells, which runs as the user."""

    words: tuple[str, ...]
    form: QuotaFormat
    username: str

    @property
    def holds(self) -> dict[str, Hold]:
        """No path of the user's: the site names it."""
        return {}

    @property
    def argv(self) -> list[str]:
        """What the settings say."""
        return [*self.words]

    def parse(self, result: Result) -> tuple[Quota, ...]:
        """What the command told; `quota` ends with 1 where a quota is exceeded."""
        if result.exit_status == NO_PROGRAM:
            raise Unsupported(f"quotas: the system has no program {self.words[0]!r} to tell them")
        try:
            told = tuple(READERS[self.form](result.stdout.decode("utf-8", "replace"), self.username))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._unreadable(result) from None
        if not told and result.exit_status != 0:
            raise self._unreadable(result)
        return told

    def _unreadable(self, result: Result) -> FirecrestError:
        words = (result.stderr or result.stdout).decode("utf-8", "replace").strip()[-300:]
        told = f"{self.words[0]} told no quotas that can be read, with status {result.exit_status}"
        return CommandFailed(f"{told}: {words}")


def read_table(text: str, username: str) -> Iterator[Quota]:
    """What `quota` and `lfs quota` print: a heading for each owner, then a row, broken where its path is long."""
    kind, name, cells = QuotaKind.USER, username, list[str]()
    for line in text.splitlines():
        if heading := HEADING.match(line.strip()):
            kind, name, cells = KINDS[heading[1].lower()], heading[2], []
        elif line.split()[:1] == ["Filesystem"] or not line.strip() or REMARKS.match(line.strip()):
            cells = []
        else:
            cells += line.split()
            sizes = [word for word in cells[1:] if SIZE.fullmatch(word)]
            if len(sizes) >= COLUMNS:
                yield _quota(kind, name, sizes, BLOCK)
                cells = []


def read_gpfs(text: str, username: str) -> Iterator[Quota]:
    """What `mmlsquota` prints: blocks, a bar, files; `no limits` in place of numbers where there are none."""
    group, unit = "", BLOCK
    for line in text.splitlines():
        if heading := HEADING.match(line.strip()):
            group = heading[2]
        elif shown := GPFS_UNIT.search(line):
            unit = 1024 ** UNITS[shown[1]]
        elif row := GPFS_ROW.match(line.strip()):
            names = {"USR": username, "GRP": group}
            sizes = row[2].split()[:3] + row[3].split()[:3]
            yield _quota(KINDS[row[1].lower()], names.get(row[1], line.split()[0]), sizes, unit)


def read_json(text: str, _username: str) -> Iterator[Quota]:
    """What a site's own script prints: a list of objects, their keys those of `Quota`, sizes in bytes."""
    quotas = json.loads(text)
    if not isinstance(quotas, list):
        raise TypeError("a list")
    for told in quotas:
        numbers = [told.get(key) for key in ("bytesUsed", "bytesLimit", "filesUsed", "filesLimit")]
        if not all(number is None or (type(number) is int and number >= 0) for number in numbers):
            raise ValueError("a number of bytes or files")
        yield Quota(KINDS[told["kind"].lower()], str(told["name"]), *numbers)


READERS: dict[QuotaFormat, Callable[[str, str], Iterator[Quota]]] = {
    QuotaFormat.QUOTA: read_table,
    QuotaFormat.LFS: read_table,
    QuotaFormat.MMLSQUOTA: read_gpfs,
    QuotaFormat.JSON: read_json,
}


def _quota(kind: QuotaKind, name: str, cells: list[str], unit: int) -> Quota:
    """From used, soft and hard of blocks and of files; of the limits the hard one counts, and 0 is none."""
    blocks, soft, hard = (_size(cell, unit) for cell in cells[:3])
    files, files_soft, files_hard = (_size(cell, 1) for cell in cells[3:6])
    return Quota(kind, name, blocks, hard or soft or None, files, files_hard or files_soft or None)


def _size(text: str, unit: int) -> int:
    found = SIZE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    # Files are counted in thousands where they are shown in units (quota -s), blocks in powers of 1024.
    letter = UNITS[found[2]]
    scale = 1000**letter if unit == 1 else 1024**letter if letter else unit
    return int(float(found[1]) * scale) if "." in found[1] else int(found[1]) * scale
