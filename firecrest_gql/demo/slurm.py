"""The system `slurm` of the demo: Debian's Slurm with accounting behind a real sshd, on one node; needs root."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from firecrest_gql.demo.openssh import OpenSsh, ensure_account
from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
from firecrest_gql.demo.process import Process, ProcessFailed, running
from firecrest_gql.demo.slurm_daemons import (
    accounting,
    controller,
    database,
    environment,
    munge,
    node,
    prepare_database,
    require_programs,
    run,
)
from firecrest_gql.demo.slurm_files import CLUSTER, PORTS, write_files
from firecrest_gql.demo.slurm_folder import Folders, make_folders

USERS = ("fireuser", "fireuser2")
SERVICE_ACCOUNT = "firesvc"
ACCOUNT = "demo"  # what jobs are charged to
END_SECONDS = 8  # KillWait is 5
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class SlurmSystem:
    """The running system: sshd, the users' homes, the variables of Slurm's clients, slurmctld, and where files are."""

    ssh: OpenSsh
    homes: Mapping[str, Path]
    environment: Mapping[str, str]
    controller: Process
    folder: Path
    service_account: str = SERVICE_ACCOUNT
    host: str = LOOPBACK

    @property
    def port(self) -> int:
        """Where sshd listens."""
        return self.ssh.port

    @property
    def host_public_key(self) -> str:
        """What sshd shows, one line."""
        return self.ssh.host_public_key

    def freeze_controller(self) -> None:
        """Stop slurmctld from answering."""
        os.kill(self.controller.pid, signal.SIGSTOP)

    def resume_controller(self) -> None:
        """Let it go on."""
        os.kill(self.controller.pid, signal.SIGCONT)


@asynccontextmanager
async def running_slurm(
    state: Path, ca_public_key: str, users: Sequence[str] = USERS, message_timeout: int = 10
) -> AsyncIterator[SlurmSystem]:
    """Start everything on what an earlier start has kept; at the end cancel all jobs and stop everything.

    Slurm's clients give up on a silent daemon after `message_timeout` seconds. Raises `PartMissing`, `PortTaken`, or
    `ProcessFailed` with what the daemon said last.
    """
    require_programs()
    folders = make_folders(state)
    ports = remembered_ports(state / "ports.json", PORTS)
    write_files(folders, ports, message_timeout)
    homes = {user: await ensure_account(user) for user in (*users, SERVICE_ACCOUNT)}
    ssh = OpenSsh(folders.top / "sshd", ca_public_key, ports["slurm-sshd"], [*homes], set_env=environment(folders))
    slurmctld = controller(folders, ports)
    async with AsyncExitStack() as stack:
        stack.callback(_kill_steps, folders)
        await prepare_database(folders)
        await stack.enter_async_context(running(munge(folders), database(folders)))
        await stack.enter_async_context(running(accounting(folders, ports)))
        await stack.enter_async_context(running(slurmctld))
        await stack.enter_async_context(running(node(folders, ports)))
        await _admit(folders, users)
        await stack.enter_async_context(ssh)
        system = SlurmSystem(ssh, homes, environment(folders), slurmctld, folders.top)
        stack.push_async_callback(_end_jobs, system)
        yield system


async def _admit(folders: Folders, users: Sequence[str]) -> None:
    """Who has no account sees no record of his own jobs; an operator sees everybody's."""
    operator = ("user", SERVICE_ACCOUNT, f"account={ACCOUNT}", "adminlevel=operator")
    for what in (
        ("account", ACCOUNT, f"cluster={CLUSTER}"),
        ("user", ",".join(users), f"account={ACCOUNT}"),
        operator,
    ):
        status, words = await run(("sacctmgr", "--immediate", "add", *what), environment(folders))
        if status != 0 and "already exist" not in words and "Nothing new" not in words:
            raise ProcessFailed(f"sacctmgr add {what[0]} ended with status {status}: {words[-300:]}")


async def _end_jobs(system: SlurmSystem) -> None:
    """Cancel what is queued and running, and wait for it, for a while."""
    system.resume_controller()
    with suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            for user in system.homes:
                await run(("scancel", f"--user={user}"), system.environment)
            while (await run(("squeue", "--noheader", "--format=%i"), system.environment))[1]:  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)


def _kill_steps(folders: Folders) -> None:
    """What slurmd has started goes on without it: every process that knows our configuration is ended."""
    mark = f"\0SLURM_CONF={folders.configuration}\0".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in b"\0" + (folder / "environ").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
