"""Ports on loopback: found free, remembered between starts, and a clear word where another program has one."""

import json
import random
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from firecrest_gql.demo.private_files import write_private

LOOPBACK = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections, so that a restart finds its own port free.
LOWEST, HIGHEST = 15_000, 22_000
ABOVE = 10_000  # SeaweedFS looks for the gRPC port of a service so far above its HTTP port: both are kept free

ATTEMPTS, PAUSE_SECONDS = 20, 0.05

_claims: dict[int, socket.socket] = {}


class PortTaken(Exception):
    """Another program listens on the port; the message names the port and who wanted it."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen()
        except OSError:
            return False
    return True


def require_free(port: int, wanted_by: str) -> None:
    """Raise `PortTaken` where the port has a listener."""
    if not is_free(port):
        raise PortTaken(
            f"port {port} of {LOOPBACK}, wanted by {wanted_by}, is taken: "
            "stop the program that has it, or choose another port"
        )


def remembered_ports(file: Path, names: Iterable[str]) -> dict[str, int]:
    """A free port for each name, the same as the last time where it is free still; kept in the file."""
    before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    ports = dict(before)
    for name in names:
        if name not in ports or not _pair_is_free_soon(ports[name]):
            ports[name] = _find(set(ports.values()))
    if ports != before:
        write_private(file, json.dumps(ports, indent=1))
    return ports


def _find(taken: set[int]) -> int:
    candidates = random.sample(range(LOWEST, HIGHEST), k=HIGHEST - LOWEST)
    return next(port for port in candidates if port not in taken and _pair_is_free(port) and _claimed(port))


def _claimed(port: int) -> bool:
    """Whether no other process has found the port free, whose program may not listen yet; this one has from now on.

    The claim is a name in Linux's abstract namespace of sockets (unix(7)), which ends with the process.
    """
    if port in _claims or sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0firecrest-gql-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True


def _pair_is_free_soon(port: int) -> bool:
    """Give the children of a demo that was just killed the moment that they take to end."""
    for _ in range(ATTEMPTS):
        if _pair_is_free(port):
            return True
        time.sleep(PAUSE_SECONDS)
    return False


def _pair_is_free(port: int) -> bool:
    return is_free(port) and is_free(port + ABOVE)
