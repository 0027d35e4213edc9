"""Where Slurm's demo keeps its files: every user must reach the configuration and munge's socket."""

import hashlib
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from firecrest_gql.demo.embedded_privileges import reachable

KEPT = Path("/var/lib")
DATABASE_MODE = 0o711  # slurmdbd reaches the socket inside


@dataclass(frozen=True)
class Folders:
    """One folder for each daemon, owned by its account; what users need is readable by all."""

    top: Path

    @property
    def munge(self) -> Path:
        """The key's folder."""
        return self.top / "munge"

    @property
    def munge_socket(self) -> Path:
        """Where every user's programs reach munged."""
        return self.top / "munge" / "socket"

    @property
    def database(self) -> Path:
        """MariaDB's data."""
        return self.top / "mariadb"

    @property
    def database_socket(self) -> Path:
        """Where slurmdbd reaches MariaDB."""
        return self.top / "mariadb" / "socket"

    @property
    def controller(self) -> Path:
        """What slurmctld keeps."""
        return self.top / "slurmctld"

    @property
    def node(self) -> Path:
        """What slurmd keeps."""
        return self.top / "slurmd"

    @property
    def configuration(self) -> Path:
        """The file that SLURM_CONF names."""
        return self.top / "etc" / "slurm.conf"

    @property
    def log(self) -> Path:
        """Every daemon's log."""
        return self.top / "log"


def make_folders(state: Path) -> Folders:
    """The folders, below `state` if everybody can reach that, else below /var/lib; the same at every start."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    top = state / "slurm"
    if not reachable(state):
        top = KEPT / f"firecrest-gql-{hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]}"
    folders = Folders(top.resolve())
    for folder, owner, mode in (
        (folders.top, "root", 0o755),
        (folders.configuration.parent, "root", 0o755),
        (folders.munge, "munge", 0o755),
        (folders.database, "mysql", DATABASE_MODE),
        (folders.controller, "slurm", 0o700),
        (folders.node, "root", 0o755),
        (folders.log, "root", 0o700),
    ):
        own_folder(folder, owner, mode)
    return folders


def own_folder(folder: Path, owner: str, mode: int) -> None:
    """Make the folder, unless it is there, and give it to its account."""
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    folder.chmod(mode)
    shutil.chown(folder, owner, pwd.getpwnam(owner).pw_gid)
