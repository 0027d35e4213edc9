"""The whole service, as `make demo` runs it, for tests through GraphQL."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.ports import remembered_ports
from firecrest_gql.demo.run import Demo, running_demo
from tests.client import Client, fetch_token
from tests.parts import missing


@pytest.fixture(scope="session")
def demo_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps everything."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
async def running(demo_state: Path) -> AsyncIterator[Demo]:
    """A running demo's processes; with the system `slurm` where this machine has what it needs."""
    port = remembered_ports(demo_state / "server-port.json", ["server"])["server"]
    async with running_demo(demo_state, port, with_slurm=missing("slurm") is None) as demo:
        yield demo


@pytest.fixture
def demo(running: Demo, demo_state: Path) -> dict[str, Any]:
    """The `demo.json` of the running demo."""
    return {**json.loads((demo_state / "demo.json").read_text()), "state": str(demo_state)}


@pytest.fixture
async def user(demo: dict[str, Any]) -> Client:
    """The demo's first user, signed in."""
    return Client(demo, await fetch_token(demo, "fireuser"))


@pytest.fixture
async def other_user(demo: dict[str, Any]) -> Client:
    """The demo's second user, signed in."""
    return Client(demo, await fetch_token(demo, "fireuser2"))
