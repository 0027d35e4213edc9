"""The executables, put where the commands of a test find them."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = (
    *("qsub", "qstat", "qselect", "qdel", "qsig", "qhold", "qrls", "qrerun", "qalter", "qmove"),
    *("pbsnodes", "pbs_rstat"),
)
MODULES = ("__init__", "acting", "folder", "jobs", "printing", "programs", "submitting", "variables")


@dataclass(frozen=True)
class FolderPbs:
    """Where the executables are, and where they keep the queue."""

    bin: Path
    spool: Path

    def clear(self) -> None:
        """End the jobs that still run."""
        for file in self.spool.glob("*.session"):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if (process / "stat").read_text().rpartition(")")[2].split()[3] == file.read_text():
                        os.kill(int(process.name), signal.SIGKILL)


def install(folder: Path) -> FolderPbs:
    """The executables below this folder, for every user of the machine."""
    found, package = FolderPbs(folder / "bin", folder / "spool"), folder / "library/tests/pbs"
    for made in (found.bin, found.spool, package):
        made.mkdir(parents=True)
    found.spool.chmod(0o777)
    for name in MODULES:
        (package / f"{name}.py").write_bytes((Path(__file__).parent / f"{name}.py").read_bytes())
    (package.parent / "__init__.py").touch()
    (folder / "library/__main__.py").write_text("from tests.pbs.programs import main\n\nmain()\n")
    for name in PROGRAMS:
        program = found.bin / name
        program.write_text(f'#!/bin/sh\nexec python3 -IS {folder}/library {found.spool} {name} "$@"\n')
        program.chmod(0o755)
    return found
