"""The demo's own system: an SSH server that runs forced commands as one unprivileged OS user, with direct's jobs.

`python -m firecrest_gql.demo.embedded CONFIGURATION` serves until SIGTERM or SIGINT, and cancels all jobs then;
`--cancel-jobs` does only that. Killed otherwise, it leaves the jobs running.
"""

import argparse
import asyncio
import concurrent.futures.thread
import encodings.idna
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

import firecrest_gql
from firecrest_gql.demo.embedded_account import Account
from firecrest_gql.demo.embedded_jobs import cancel_jobs
from firecrest_gql.demo.embedded_privileges import drop, make_home, owned_folder
from firecrest_gql.demo.embedded_session import Bounds, Server
from firecrest_gql.demo.ports import LOOPBACK, remembered_ports
from firecrest_gql.demo.private_files import private_directory, write_private
from firecrest_gql.demo.process import Process

# Loaded before root is given up: the interpreter may be where its stand-in cannot read.
LOADED_EARLY = (concurrent.futures.thread, encodings.idna)
USERS = ("fireuser", "fireuser2")
LOGIN_SECONDS = 120  # as sshd's LoginGraceTime


@dataclass(frozen=True)
class Embedded:
    """The system `local`: where it listens, the host key it shows, its users' homes, and its process."""

    host: str
    port: int
    host_public_key: str
    homes: Mapping[str, Path]
    process: Process


def make_embedded(state: Path, ca_public_key: str, users: Sequence[str] = USERS) -> Embedded:
    """The system with everything it needs, its keys below `state`; not started yet.

    Raises `Unsafe` where another user has prepared the folder of the homes.
    """
    keys = private_directory(state / "embedded-keys")
    port = remembered_ports(state / "ports.json", ["embedded"])["embedded"]
    folder = owned_folder(state)
    homes = {user: make_home(folder, user) for user in users}
    host_public_key = _host_key(keys / "host_key")
    configuration = {
        "host": LOOPBACK,
        "port": port,
        "host_key": str(keys.resolve() / "host_key"),
        "ca_public_key": ca_public_key.strip(),
        "homes": {user: str(home.resolve()) for user, home in homes.items()},
    }
    write_private(keys / "configuration.json", json.dumps(configuration, indent=1))
    return Embedded(LOOPBACK, port, host_public_key, homes, _process(keys, port, state / "log" / "embedded.log"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve as the configuration says, or only cancel the jobs."""
    parser = argparse.ArgumentParser(prog="python -m firecrest_gql.demo.embedded", description=__doc__)
    parser.add_argument("configuration", type=Path, help="JSON file that the demo has written")
    parser.add_argument("--cancel-jobs", action="store_true", help="cancel all jobs of its users, and serve nobody")
    options = parser.parse_args(arguments)
    configuration = json.loads(options.configuration.read_text(encoding="utf-8"))
    host_key = asyncssh.read_private_key(configuration["host_key"])
    drop()
    accounts = {name: Account(name, Path(home)) for name, home in configuration["homes"].items()}
    if options.cancel_jobs:
        asyncio.run(cancel_jobs([*accounts.values()]))
    else:
        asyncio.run(_serve(configuration, host_key, accounts))


async def _serve(configuration: Mapping[str, str], host_key: asyncssh.SSHKey, accounts: dict[str, Account]) -> None:
    """Listen until a signal; then end the connections, and after them the jobs."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    bounds = Bounds()
    listener = await asyncssh.listen(
        configuration["host"],
        int(configuration["port"]),
        server_factory=lambda: Server(accounts, configuration["ca_public_key"], bounds),
        server_host_keys=[host_key],
        config=None,
        encoding=None,
        line_editor=False,
        allow_pty=False,
        allow_scp=False,
        agent_forwarding=False,
        x11_forwarding=False,
        gss_host=None,
        login_timeout=LOGIN_SECONDS,
        keepalive_interval=15,
    )
    await stopped.wait()
    listener.close()
    await bounds.end()
    await cancel_jobs([*accounts.values()])


def _process(keys: Path, port: int, log: Path) -> Process:
    # The package may run from its source tree: the child must find the same one.
    package = str(Path(firecrest_gql.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    return Process(
        name="the embedded system",
        argv=[sys.executable, "-m", "firecrest_gql.demo.embedded", str(keys.resolve() / "configuration.json")],
        log=log,
        ready=lambda: _greets(port),
        env={**os.environ, "PYTHONPATH": path},
        ports=[port],
        stop_seconds=14,
    )


async def _greets(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    try:
        return (await reader.readline()).startswith(b"SSH-2.0-")
    finally:
        writer.close()


def _host_key(file: Path) -> str:
    """The public host key, one line; the private one is made at the first start."""
    if not file.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment="firecrest-gql")
        write_private(file, key.export_private_key().decode())
    return asyncssh.read_private_key(file).export_public_key().decode().strip()


if __name__ == "__main__":
    main()
