"""Taking archives apart: what comes out is looked at before it moves, and nothing of it leads out of the target."""

from dataclasses import dataclass

from firecrest_gql.command import Operation, Result
from firecrest_gql.errors import FirecrestError, InvalidInput, NoSpace, TooLarge
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.extraction import EXTRACT
from firecrest_gql.files.failures import check, failure
from firecrest_gql.files.packing import NEEDS, needs
from firecrest_gql.files.placing import TARGET
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import Compression

OVER = 5  # the status of this program where the archive holds more than allowed: standard error says of what
UNSAFE = 6  # … where it holds what is refused
DAMAGED = 7  # … where it cannot be read, or what it holds cannot be written


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an archive may hold: bytes, entries, and bytes for each byte of its own."""

    size: int
    entries: int
    ratio: int


@dataclass(frozen=True, slots=True)
class Extract(FileCommand[None]):
    """What an archive holds, in a directory; its bytes and its `name` tell its kind where nobody says."""

    twin = "startExtract"

    path: str
    target: str
    name: str
    bounds: Bounds
    compression: Compression | None = None
    overwrite: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """The archive may be what a link leads to; the target is no link."""
        return {"path": Hold.FILE, "target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        kind = self.compression.lower() if self.compression is not None else ""
        bounds = [str(self.bounds.size), str(self.bounds.entries), str(self.bounds.ratio)]
        return [
            "sh",
            "-c",
            EXTRACT,
            "sh",
            self.path,
            self.target,
            "1" if self.overwrite else "0",
            kind,
            *bounds,
            self.name,
        ]

    @property
    def operation(self) -> Operation:
        """It writes whole trees."""
        return Operation.EXTRACT

    def parse(self, result: Result) -> None:
        """Nothing to read but, where it fails, the path of the entry that met the error."""
        tell = {TARGET: _of_target, NEEDS: _of_system, OVER: _too_large, UNSAFE: _unsafe, DAMAGED: _damaged}
        if result.exit_status in tell:
            raise tell[result.exit_status](self, result)
        check(self.path, result)


def _of_target(extract: Extract, result: Result) -> FirecrestError:
    entry = extract.target + result.stdout.decode("utf-8", "surrogateescape")
    return failure(entry, result.stderr, result.exit_status)


def _of_system(_: Extract, result: Result) -> FirecrestError:
    return needs("extractArchive", result)


def _too_large(extract: Extract, result: Result) -> FirecrestError:
    bounds, path = extract.bounds, extract.path
    if b"entries" in result.stderr:
        return TooLarge(
            f"{path!r} holds more than max_extracted_entries, {bounds.entries}; {extract.twin} may take more"
        )
    return TooLarge(
        f"{path!r} holds more than max_extracted_size, {bounds.size} bytes, or more than max_extracted_ratio, "
        f"{bounds.ratio}, times its own size; {extract.twin} may take more"
    )


def _unsafe(extract: Extract, result: Result) -> FirecrestError:
    return InvalidInput(f"{extract.path!r} is not unpacked, for it holds what is refused: {_words(result)}")


def _damaged(extract: Extract, result: Result) -> FirecrestError:
    error = failure(extract.target, result.stderr, result.exit_status)
    if isinstance(error, NoSpace):
        return error
    return InvalidInput(f"{extract.path!r} cannot be unpacked, it is damaged or of another kind: {_words(result)}")


def _words(result: Result) -> str:
    return result.stderr.decode("utf-8", "replace").strip()[-300:]
