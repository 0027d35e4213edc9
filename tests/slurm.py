"""A real Slurm for the tests, one for all of them: daemons, sshd, and commands run as its users."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncssh
import pytest
import pytest_asyncio

from firecrest_gql.command import Command
from firecrest_gql.demo.slurm import SlurmSystem, running_slurm
from firecrest_gql.demo.slurm_folder import make_folders
from tests.scheduler_commands import run_in

T = TypeVar("T")


@dataclass(frozen=True)
class RealSlurm:
    """The running system, and the CA that its sshd trusts, where the test has one."""

    system: SlurmSystem
    ca_key: asyncssh.SSHKey | None

    async def run(
        self, command: Command[T], username: str = "fireuser", environment: Mapping[str, str] | None = None
    ) -> T:
        """The command's answer for this user, without SSH."""
        return await run_in(command, self.system.homes[username], environment or self.system.environment, username)


@asynccontextmanager
async def real_slurm(folder: Path, message_timeout: int = 10) -> AsyncIterator[RealSlurm]:
    """Started in the folder, and gone at the end, with its jobs and its files."""
    ca_key = asyncssh.generate_private_key("ssh-ed25519")
    authority = ca_key.export_public_key().decode()
    try:
        async with running_slurm(folder, authority, message_timeout=message_timeout) as system:
            yield RealSlurm(system, ca_key)
    finally:
        shutil.rmtree(make_folders(folder).top)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def slurm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealSlurm]:
    """One cluster for all tests."""
    async with real_slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running
