"""The allowed paths hold in the jobs of transfers as they do in file operations, by what is entered and opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.errors import FirecrestError, PermissionDenied
from firecrest_gql.files.packing import Compress
from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.road import Confined, FileCommand
from firecrest_gql.files.unpacking import Extract
from firecrest_gql.files.writing import Remove
from firecrest_gql.model.files import Compression
from firecrest_gql.transfers.acts import ACTS
from firecrest_gql.transfers.folder import Look, RemoveRest
from firecrest_gql.transfers.service import ANY_ARCHIVE
from firecrest_gql.transfers.syncing import Sync
from tests.files import names
from tests.test_transfers_script import ask, began, prepared


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """An allowed tree, with a directory, and a link that leads out of it."""
    made = tmp_path / "allowed"
    (made / "a").mkdir(parents=True)
    (made / "a" / "file").write_text("inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("outside")
    (made / "out").symlink_to(tmp_path / "outside")
    return made


def carried_out(tmp_path: Path, command: FileCommand[Any], allowed: Path) -> str:
    """What was noted beside the target by the job of this command; raises its error."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    confined: Confined[Any] = Confined(command, (str(allowed),))
    folder = Path(prepared(home))
    began(home, confined.argv, str(folder)).wait()
    noted = (folder / "beside").read_text() if (folder / "beside").exists() else ""
    end = ask(home, Look("task_1")).end
    ask(home, RemoveRest("task_1"))
    (folder / "status").unlink()
    assert end is not None
    confined.parse(end)
    return noted


def test_inside_the_tree_everything_is_done_and_the_note_names_what_is_really_there(
    tmp_path: Path, allowed: Path
) -> None:
    copy = Copy(str(allowed / "a"), str(allowed / "b"))
    noted = Path(carried_out(tmp_path, copy, allowed))
    assert (noted.parent, noted.name[:11]) == (allowed, ".firecrest.")
    carried_out(tmp_path, Move(str(allowed / "b"), str(allowed / "c")), allowed)
    noted = Path(carried_out(tmp_path, Sync(str(allowed / "c"), str(allowed / "d")), allowed))
    assert noted.parent == allowed / "d"
    packed = Compress(str(allowed / "d"), str(allowed / "e.tar.gz"), "d", Compression.GZIP)
    carried_out(tmp_path, packed, allowed)
    unpacked = Extract(str(allowed / "e.tar.gz"), str(allowed / "f"), "e.tar.gz", ANY_ARCHIVE)
    carried_out(tmp_path, unpacked, allowed)
    carried_out(tmp_path, Remove(str(allowed / "c"), True), allowed)
    assert names(allowed) == ["a", "d", "e.tar.gz", "f", "out"]
    assert (allowed / "f" / "d" / "file").read_text() == "inside"
    assert names(allowed / "d") == ["file"]


COMMANDS: dict[str, Callable[[Path], FileCommand[Any]]] = {
    "copy from": lambda a: Copy(f"{a}/out/file", f"{a}/new"),
    "copy to": lambda a: Copy(f"{a}/a", f"{a}/out/new"),
    "move from": lambda a: Move(f"{a}/out/file", f"{a}/new"),
    "move to": lambda a: Move(f"{a}/a", f"{a}/out/new"),
    "remove": lambda a: Remove(f"{a}/out/file"),
    "sync from": lambda a: Sync(f"{a}/out", f"{a}/new"),
    "sync to": lambda a: Sync(f"{a}/a", f"{a}/out", True),
    "sync below": lambda a: Sync(f"{a}/a", f"{a}/out/new"),
    "compress": lambda a: Compress(f"{a}/out/file", f"{a}/new", "file"),
    "compress to": lambda a: Compress(f"{a}/a", f"{a}/out/new", "a"),
    "extract to": lambda a: Extract(f"{a}/a/file", f"{a}/out/new", "file", ANY_ARCHIVE),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_link_leads_out_of_it(tmp_path: Path, allowed: Path, name: str) -> None:
    command = COMMANDS[name](allowed)
    with pytest.raises(PermissionDenied):
        carried_out(tmp_path, command, allowed)
    assert (names(tmp_path / "outside"), names(allowed)) == (["file"], ["a", "out"])
    kind = next(kind for kind in ACTS if name.upper().startswith(kind))
    check: Confined[Any] = Confined(ACTS[kind].check(command), (str(allowed),))
    if name != "sync to":  # the check may look, for the job will not write
        with pytest.raises(FirecrestError, match="leads outside"):
            ask(tmp_path / "home", check)
