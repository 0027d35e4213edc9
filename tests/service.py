"""The whole service, as `make demo` runs it, for tests through GraphQL."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from firecrest_gql.demo.ports import remembered_ports
from firecrest_gql.demo.run import running_demo
from tests.client import Client, fetch_token
from tests.parts import missing


@pytest.fixture(scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """A running demo's `demo.json`; with the system `slurm` where this machine has what it needs."""
    state = tmp_path_factory.mktemp("demo")
    port = remembered_ports(state / "server-port.json", ["server"])["server"]
    async with running_demo(state, port, with_slurm=missing("slurm") is None):
        yield json.loads((state / "demo.json").read_text()) | {"state": str(state)}


@pytest.fixture
async def user(demo: dict[str, Any]) -> Client:
    """The demo's first user, signed in."""
    return Client(demo, await fetch_token(demo, "fireuser"))


@pytest.fixture
async def other_user(demo: dict[str, Any]) -> Client:
    """The demo's second user, signed in."""
    return Client(demo, await fetch_token(demo, "fireuser2"))
