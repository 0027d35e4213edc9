"""The demo: every process of the service with embedded parts, on loopback, from one command."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from firecrest_gql.delegation.keys import ensure_ca_key
from firecrest_gql.demo.configuration import demo_file, demo_settings, embedded_system, playground_clients, slurm_system
from firecrest_gql.demo.embedded import Embedded, make_embedded
from firecrest_gql.demo.embedded_privileges import Unsafe
from firecrest_gql.demo.parts import Parts, StateInUse, running_parts
from firecrest_gql.demo.ports import LOOPBACK, PortTaken, require_free
from firecrest_gql.demo.private_files import private_directory, write_private
from firecrest_gql.demo.process import Process, ProcessFailed, always_ready, running
from firecrest_gql.demo.slurm import USERS, SlurmSystem, running_slurm
from firecrest_gql.demo.slurm_daemons import PartMissing

REFUSALS = (PartMissing, PortTaken, ProcessFailed, StateInUse, Unsafe)

Ready = Callable[[], Awaitable[bool]]


def run_demo(state: Path, port: int, *, with_slurm: bool) -> int:
    """Run until SIGINT or SIGTERM; 1 where something could not be started, which is then said."""
    return asyncio.run(_run(state, port, with_slurm))


async def _run(state: Path, port: int, with_slurm: bool) -> int:
    demo = asyncio.create_task(_serve_until_cancelled(state, port, with_slurm))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, demo.cancel)
    await asyncio.wait({demo})
    if demo.cancelled() or demo.exception() is None:
        return 0
    error = demo.exception()
    if not isinstance(error, REFUSALS):
        raise error if error is not None else AssertionError
    print(f"firecrest-gql demo: {error}", file=sys.stderr)
    return 1


async def _serve_until_cancelled(state: Path, port: int, with_slurm: bool) -> None:
    async with running_demo(state, port, with_slurm=with_slurm) as demo:
        print(f"firecrest-gql is ready: {demo.playground_url} (stop it with Ctrl-C)", flush=True)
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Demo:
    """The demo, running: its address, and everything that a test may want to kill and start again."""

    playground_url: str
    parts: Parts
    embedded: Process
    signer: Process
    worker: Process
    server: Process
    slurm: SlurmSystem | None


@asynccontextmanager
async def running_demo(state: Path, port: int, *, with_slurm: bool = False) -> AsyncIterator[Demo]:
    """The whole demo, ready; `demo.json` in `state` tells clients what they need."""
    require_free(port, "the server")
    url = f"http://{LOOPBACK}:{port}"
    state = private_directory(state).resolve()
    (state / "demo.json").unlink(missing_ok=True)  # of a demo that was killed
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(running_parts(state, [url, f"http://localhost:{port}"]))
        authority = ensure_ca_key(state / "authority" / "ca_key").export_public_key().decode().strip()
        embedded = make_embedded(state, authority)
        slurm = await stack.enter_async_context(running_slurm(state / "slurm", authority)) if with_slurm else None
        systems = [embedded_system(embedded), *([slurm_system(slurm)] if slurm else [])]
        write_private(state / "playground.json", json.dumps(playground_clients(parts.identity)))
        write_private(state / "firecrest.yaml", yaml.safe_dump(demo_settings(state, port, parts, systems)))
        signer, worker, server = (
            _process(state, "signer", _listens(state)),
            _process(state, "worker"),
            _server(state, port),
        )
        await stack.enter_async_context(running(embedded.process, signer))
        await stack.enter_async_context(running(worker, server))
        with written(state / "demo.json", demo_file(port, parts.identity, _homes(embedded, slurm))):
            yield Demo(f"{url}/", parts, embedded.process, signer, worker, server, slurm)


def _homes(embedded: Embedded, slurm: SlurmSystem | None) -> dict[str, dict[str, str]]:
    """The home of each user on each system."""
    homes = {"local": {name: str(home) for name, home in embedded.homes.items()}}
    return homes | ({"slurm": {name: str(slurm.homes[name]) for name in USERS}} if slurm else {})


@contextmanager
def written(file: Path, content: dict[str, Any]) -> Iterator[None]:
    """The file is there, 0600, for as long as what it tells of."""
    write_private(file, json.dumps(content, indent=1))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _server(state: Path, port: int) -> Process:
    """`serve`, ready when it answers and Redis answers it."""

    async def ready() -> bool:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            try:
                answer = await client.get(f"http://{LOOPBACK}:{port}/readyz")
            except httpx.TransportError:
                return False
        return answer.is_success

    return _process(state, "serve", ready, ports=(port,))


def _listens(state: Path) -> Ready:
    async def ready() -> bool:
        return (state / "authority" / "signer.sock").is_socket()

    return ready


def _process(state: Path, command: str, ready: Ready = always_ready, ports: Sequence[int] = ()) -> Process:
    argv = [sys.executable, "-m", "firecrest_gql.cli", command, "--config", str(state / "firecrest.yaml")]
    return Process(command, argv, state / "log" / f"{command}.log", ready, ports=ports)
