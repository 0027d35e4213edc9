"""The programs that move bytes between a system and the object store: POSIX sh, coreutils and curl 7.61."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from firecrest_gql.command import Result
from firecrest_gql.errors import ChecksumMismatch, CommandFailed, Conflict, FirecrestError, StorageUnavailable
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.packing import TOOLS
from firecrest_gql.files.placing import FREE, NAME_BESIDE, PLACE, TARGET
from firecrest_gql.files.road import FileCommand
from firecrest_gql.settings import TransferSettings
from firecrest_gql.storage.s3 import StoredPart

STAGING, MISMATCH, CHANGED, PIECE = 5, 6, 7, 8  # statuses of these programs
TRIES = 12  # for one part, with pauses of 1, 2, … seconds between: the store may be away for a minute
MISMATCHES = 4  # tries where each has brought other bytes
STREAMS = 4  # parts at once
STATUSES = {
    "TRIES": TRIES,
    "MISMATCHES": MISMATCHES,
    "STAGING": STAGING,
    "MISMATCH": MISMATCH,
    "CHANGED": CHANGED,
    "PIECE": PIECE,
}
EVERY_PART = "*"
PIECES = "~/.firecrest/transfers"  # where the one piece at a time is of an archive that is being sent
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})  # curl(1), -K

PROGRAMS = ("curl", "dd", "md5sum", "sha256sum", "grep", "cut", "stat", "mktemp", "find")
"""What both need, besides what an archive takes."""


def program(*names: str) -> str:
    """The POSIX programs beside this module as they travel: without comments."""
    text = "".join(files(__package__).joinpath(f"{name}.sh").read_text(encoding="utf-8") for name in names)
    for name, value in STATUSES.items():
        text = text.replace(f"@{name}@", str(value))
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


FETCH = PLACE + FREE + NAME_BESIDE + program("staged", "fetch")
SEND = TOOLS + program("staged", "send")


@dataclass(frozen=True, slots=True)
class Fetch(FileCommand[None]):
    """Bring a staged object to its place: compared part by part, made beside the target, then renamed.

    Without `mode` it keeps that of a file it replaces; a new file gets 0644, for a job's umask is no user's wish.
    """

    target: str
    size: int
    mode: str | None = None
    overwrite: bool = False
    sha256: str | None = None

    @property
    def holds(self) -> dict[str, Hold]:
        """The target, for as long as it takes."""
        return {"target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        overwrite = "1" if self.overwrite else "0"
        words = [self.sha256 or "", self.target, overwrite, self.mode or "", str(STREAMS), str(self.size)]
        return ["sh", "-c", FETCH, "firecrest-fetch", *words]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        if result.exit_status == TARGET:
            raise failure(self.target, result.stderr, result.exit_status)
        check_staging(self.target, result)


@dataclass(frozen=True, slots=True)
class Sent:
    """What has gone to the object store: its bytes, its SHA-256, and its parts by number."""

    size: int
    sha256: str
    parts: Mapping[int, StoredPart]


@dataclass(frozen=True, slots=True)
class Send(FileCommand[Sent]):
    """Bring a file to the object store, or as an archive whatever is there, as links or as what they point to."""

    path: str
    part_size: int
    size: int | None = None
    compressor: str | None = None
    dereference: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """Of an archive the entry, of a file what is read; what links in a tree lead to cannot be held."""
        return {"path": Hold.PLAIN if self.compressor is None or self.dereference else Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        size = "" if self.size is None else str(self.size)
        words = [self.path, str(self.part_size), str(STREAMS), size, self.compressor or ""]
        words.append("--dereference" if self.dereference else "")
        return ["sh", "-c", SEND, "firecrest-send", *words]

    def parse(self, result: Result) -> Sent:
        """The checksum, and a line for each part."""
        if result.exit_status == PIECE:
            raise failure(PIECES, result.stderr, result.exit_status)
        check_staging(self.path, result)
        try:
            sha256, *lines = result.stdout.decode("ascii").split("\n")[:-1]
            parts = [StoredPart(int(number), int(count), md5) for number, count, md5 in map(str.split, lines)]
            return Sent(sum(part.size for part in parts), sha256, {part.number: part for part in parts})
        except ValueError:
            raise CommandFailed(f"what has been read of {self.path!r} is not known") from None


def configuration(settings: TransferSettings, urls: Iterable[tuple[str, str]]) -> bytes:
    """The secrets of these programs: curl's configuration by part, with what the site's network demands."""
    common = {"proxy": settings.proxy and settings.proxy.get_secret_value(), "cacert": settings.ca_bundle}
    told = [(EVERY_PART, name, value) for name, value in common.items() if value]
    told += [(part, "url", url) for part, url in urls]
    return "".join(f"{part} {name} = {_quoted(value)}\n" for part, name, value in told).encode()


def _quoted(value: str) -> str:
    """A word of curl's configuration files."""
    return '"' + value.translate(ESCAPES) + '"'


def check_staging(path: str, result: Result) -> None:
    """Raise for what a program says of the way to the store, or of the path."""
    words = result.stderr.decode("utf-8", "replace").strip()[-300:]
    known: dict[int, FirecrestError] = {
        STAGING: StorageUnavailable(f"the object store cannot be reached from the system: {words}"),
        MISMATCH: ChecksumMismatch(f"{path!r} is left as it was: {words}"),
        CHANGED: Conflict(f"{path!r} was changed meanwhile: {words}"),
    }
    if result.exit_status in known:
        raise known[result.exit_status]
    check(path, result)
