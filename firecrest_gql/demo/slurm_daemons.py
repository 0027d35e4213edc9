"""The daemons of a Slurm with accounting, each as its own account, ended by the kernel when we are gone."""

import asyncio
import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.demo.process import Process, ProcessFailed
from firecrest_gql.demo.slurm_folder import DATABASE_MODE, Folders, own_folder

_SBIN = f"/usr/sbin:/sbin:{os.environ.get('PATH', '/usr/bin:/bin')}"
NEEDED = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sshd", "setpriv")
PACKAGES = "openssh-server slurm-wlm slurmdbd slurm-wlm-mysql-plugin slurm-wlm-basic-plugins munge mariadb-server"


class PartMissing(Exception):
    """What the machine lacks; the message says how to install it."""


def require_programs() -> None:
    """Raise `PartMissing` where we are not root or a daemon is not installed."""
    if os.geteuid() != 0:
        raise PartMissing("Slurm's daemons run jobs as their users, which only root may: start it as root")
    if lacking := [name for name in NEEDED if shutil.which(name, path=_SBIN) is None]:
        raise PartMissing(f"{', '.join(lacking)} not found: apt-get install {PACKAGES}")


def program(name: str) -> str:
    """The program's path, found in the sbin folders too."""
    return shutil.which(name, path=_SBIN) or name


def environment(folders: Folders) -> dict[str, str]:
    """What every daemon and client of this cluster needs, and nothing of ours."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SLURM_CONF": str(folders.configuration)}


def munge(folders: Folders) -> Process:
    """Authentication among the daemons and clients."""
    argv = (
        "munged",
        "--foreground",
        f"--key-file={folders.munge}/key",
        f"--socket={folders.munge_socket}",
        f"--pid-file={folders.munge}/pid",
        f"--seed-file={folders.munge}/seed",
    )
    return Process(
        "munged",
        _as("munge", *argv),
        folders.log / "munged.log",
        ready=lambda: _succeeds("munge", "--no-input", f"--socket={folders.munge_socket}"),
        env=environment(folders),
        leftovers=(folders.munge_socket, folders.munge / "socket.lock", folders.munge / "pid"),
    )


async def prepare_database(folders: Folders) -> None:
    """MariaDB's own tables, at the first start, whole or not at all; `ProcessFailed` with its words if that fails."""
    if (folders.database / "mysql").exists():
        return
    unfinished = folders.database.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    own_folder(unfinished, "mysql", DATABASE_MODE)
    install = ("mariadb-install-db", "--no-defaults", f"--datadir={unfinished}", "--skip-test-db")
    status, words = await run(_as("mysql", *install, "--innodb-log-file-size=8M"), environment(folders))
    if status != 0:
        raise ProcessFailed(f"mariadb-install-db ended with status {status}: {words[:1000]}")
    shutil.rmtree(folders.database)  # of a start that was killed
    unfinished.rename(folders.database)


def database(folders: Folders) -> Process:
    """MariaDB behind a socket, without a port; root and slurm get in as who they are, without passwords."""
    argv = (
        "mariadbd",
        "--no-defaults",
        f"--datadir={folders.database}",
        f"--socket={folders.database_socket}",
        f"--pid-file={folders.database}/pid",
        f"--init-file={folders.database}.sql",
        "--character-set-server=utf8mb4",  # as Debian configures it: jobs' names are kept whole
        "--skip-networking",
        "--skip-name-resolve",
        "--innodb-buffer-pool-size=64M",
        "--innodb-log-file-size=8M",
        "--innodb-lock-wait-timeout=900",
        "--innodb-flush-log-at-trx-commit=2",
    )
    return Process(
        "mariadbd",
        _as("mysql", *argv),
        folders.log / "mariadbd.log",
        ready=lambda: _listens_at(folders.database_socket),
        env=environment(folders),
        leftovers=(folders.database_socket, folders.database / "pid"),
    )


def accounting(folders: Folders, ports: Mapping[str, int]) -> Process:
    """slurmdbd."""
    return Process(
        "slurmdbd",
        _as("slurm", "slurmdbd", "-D"),
        folders.log / "slurmdbd.log",
        ready=lambda: _accepts(ports["slurmdbd"]),
        env={**environment(folders), "MYSQL_UNIX_PORT": str(folders.database_socket)},
        ports=[ports["slurmdbd"]],
        leftovers=(folders.controller / "slurmdbd.pid",),
    )


def controller(folders: Folders, ports: Mapping[str, int]) -> Process:
    """slurmctld."""
    return Process(
        "slurmctld",
        _as("slurm", "slurmctld", "-D"),
        folders.log / "slurmctld.log",
        ready=lambda: _succeeds("scontrol", "ping", env=environment(folders)),
        env=environment(folders),
        ports=[ports["slurmctld"]],
        leftovers=(folders.controller / "slurmctld.pid",),
    )


def node(folders: Folders, ports: Mapping[str, int]) -> Process:
    """slurmd, which starts the jobs."""
    return Process(
        "slurmd",
        (program("slurmd"), "-D"),
        folders.log / "slurmd.log",
        ready=lambda: _says("idle", "sinfo", "--noheader", "--format=%T", env=environment(folders)),
        env=environment(folders),
        ports=[ports["slurmd"]],
        leftovers=(folders.node / "slurmd.pid",),
    )


async def run(argv: Sequence[str], env: Mapping[str, str]) -> tuple[int, str]:
    """Status and output, both kinds, of a client or of one step of the preparation."""
    child = await asyncio.create_subprocess_exec(
        program(argv[0]),
        *argv[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
    )
    output, _ = await child.communicate()
    return child.returncode or 0, output.decode("utf-8", "replace").strip()


def _as(account: str, name: str, *arguments: str) -> tuple[str, ...]:
    """The program as this account; the kernel forgets the order to end it with us when the uid changes: once more."""
    drop = ("setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "--pdeathsig=KILL")
    return (*drop, program(name), *arguments)


async def _succeeds(*argv: str, env: Mapping[str, str] | None = None) -> bool:
    status, _ = await run(argv, env or {"PATH": "/usr/bin:/bin"})
    return status == 0


async def _says(word: str, *argv: str, env: Mapping[str, str]) -> bool:
    status, words = await run(argv, env)
    return status == 0 and word in words


async def _listens_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


async def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0
