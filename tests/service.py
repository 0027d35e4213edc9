"""The whole service, as `make demo` runs it, for tests through GraphQL."""

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from firecrest_gql.demo.embedded_privileges import owned_folder
from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo, running_demo
from tests.client import Client, fetch_token
from tests.parts import missing
from tests.provider import Provider

STRICT_BODY = 2**16 + 2**10
WORK = ("firecrest_gql.cli", "worker", "--config")
SERVE = ("firecrest_gql.cli", "serve")
SYSTEMS = os.environ.get("FIRECREST_TEST_SYSTEMS", "local slurm").split()


@pytest.fixture(scope="session")
def demo_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps everything."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
async def running(demo_state: Path) -> AsyncIterator[Demo]:
    """A running demo's processes; with the system `slurm` where this machine has what it needs."""
    port = remembered_ports(demo_state / "server-port.json", ["server"])["server"]
    with_slurm = "slurm" in SYSTEMS and missing("slurm") is None
    async with running_demo(demo_state, port, with_slurm=with_slurm) as demo:
        yield demo
    # Root's stand-in cannot enter pytest's folder, so what these two keep is elsewhere.
    shutil.rmtree(owned_folder(demo_state), ignore_errors=True)
    if demo.slurm is not None:
        shutil.rmtree(demo.slurm.folder, ignore_errors=True)


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


@dataclass(frozen=True)
class Server:
    """A further server: its own `demo.json`, and its process."""

    described: dict[str, Any]
    process: Process


@asynccontextmanager
async def serving(state: Path, name: str, program: Sequence[str] = SERVE, **changes: Any) -> AsyncIterator[Server]:
    """A further `serve` beside the demo's, with these blocks of the settings changed; its own `demo.json`.

    `systems` changes the block of every system; `program` is another module that serves, and its arguments.
    """
    port = remembered_ports(state / f"{name}-port.json", [name])[name]
    settings = yaml.safe_load((state / "firecrest.yaml").read_text())
    of_systems = changes.pop("systems", {})
    settings["systems"] = [system | of_systems for system in settings["systems"]]
    for block, values in {**changes, "server": {**changes.get("server", {}), "port": port}}.items():
        settings[block] = {**settings.get(block, {}), **values} if isinstance(values, dict) else values
    config = state / f"{name}.yaml"
    config.write_text(yaml.safe_dump(settings))
    argv = [sys.executable, "-m", *program, "--config", str(config)]
    process = Process(name, argv, state / "log" / f"{name}.log", lambda: _answers(port), ports=[port], start_seconds=60)
    async with process:
        addresses = {"graphql_url": f"http://{LOOPBACK}:{port}/graphql", "ws_url": f"ws://{LOOPBACK}:{port}/graphql"}
        yield Server({**json.loads((state / "demo.json").read_text()), "state": str(state), **addresses}, process)


@asynccontextmanager
async def another_worker(
    state: Path, change: Callable[[dict[str, Any]], None], held: Sequence[str] = ()
) -> AsyncIterator[Process]:
    """A further `worker` beside the demo's, or in its place, whose settings were changed; `held`: by that moment, file.

    See `tests.held_worker`.
    """
    settings = yaml.safe_load((state / "firecrest.yaml").read_text())
    change(settings)
    config = state / f"worker-{uuid4().hex}.yaml"
    config.touch(0o600)
    config.write_text(yaml.safe_dump(settings))
    program = ["tests.held_worker", str(config), *held] if held else [*WORK, str(config)]
    argv = [sys.executable, "-m", *program]
    async with Process("another worker", argv, config.with_suffix(".log")) as process:
        yield process


@pytest.fixture
async def no_worker(running: Demo) -> AsyncIterator[None]:
    """The demo's worker is dead (`kill -9`); afterwards it lives again."""
    await running.worker.kill()
    yield
    if not running.worker.running:
        await running.worker.start()


@asynccontextmanager
async def another_server(state: Path, name: str, **changes: Any) -> AsyncIterator[dict[str, Any]]:
    """The same, by its own `demo.json` alone."""
    async with serving(state, name, **changes) as server:
        yield server.described


async def _answers(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"http://{LOOPBACK}:{port}/readyz")).is_success
        except httpx.TransportError:
            return False


@pytest.fixture(scope="session")
async def strict(running: Demo, demo_state: Path, provider: Provider) -> AsyncIterator[dict[str, Any]]:
    """A server that believes the tests' own provider, with limits that a test can reach."""
    limits = {"max_subscriptions_per_socket": 3, "max_body_size": STRICT_BODY}
    systems = {"limits": {"max_inline_file_size": 2**10}}
    server = {"allowed_origins": ["https://portal.example"]}
    async with another_server(
        demo_state, "strict", identity={"issuer": provider.issuer}, limits=limits, server=server, systems=systems
    ) as described:
        yield described


@pytest.fixture(scope="session")
async def confined(running: Demo, demo_state: Path) -> AsyncIterator[dict[str, Any]]:
    """A server whose users may touch nothing but their homes."""
    async with another_server(demo_state, "confined", systems={"allowed_paths": ["/srv/nowhere"]}) as described:
        yield described


@pytest.fixture(scope="session")
async def hurried(running: Demo, demo_state: Path) -> AsyncIterator[dict[str, Any]]:
    """A server that gives no request more than a second, and has room for two sockets."""
    async with another_server(demo_state, "hurried", limits={"request_seconds": 1, "max_sockets": 2}) as described:
        yield described
