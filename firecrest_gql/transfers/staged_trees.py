"""The program that brings a directory or a link from the object store: unpacked beside the target, then renamed."""

from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.extraction import SETTLE, UNPACK
from firecrest_gql.files.failures import failure
from firecrest_gql.files.packing import NEEDS, TOOLS, needs
from firecrest_gql.files.placing import FREE, NAME_BESIDE, PLACE, TARGET
from firecrest_gql.files.road import FileCommand
from firecrest_gql.transfers.staged import check_staging, program

MOST, ENTRIES = 2**50, 2**31  # bytes and entries; what bounds a copy is its user's quota and its job's time
ENDING = program("staged", "fetch_tree").replace("@MOST@", str(MOST)).replace("@ENTRIES@", str(ENTRIES))
FETCH_TREE = PLACE + FREE + NAME_BESIDE + TOOLS + UNPACK + SETTLE + ENDING


@dataclass(frozen=True, slots=True)
class FetchTree(FileCommand[None]):
    """Bring what was staged as an archive of one entry to its place: whole or not at all."""

    target: str
    size: int
    overwrite: bool = False

    @property
    def holds(self) -> dict[str, Hold]:
        """The target, for as long as it takes."""
        return {"target": Hold.TARGET}

    @property
    def argv(self) -> list[str]:
        """The program and what it needs to know."""
        overwrite = "1" if self.overwrite else "0"
        return ["sh", "-c", FETCH_TREE, "firecrest-fetch", str(self.size), self.target, overwrite]

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        if result.exit_status == NEEDS:
            raise needs("startCopy", result)
        if result.exit_status == TARGET:
            raise failure(self.target, result.stderr, result.exit_status)
        check_staging(self.target, result)
