"""Answers the server's small packets at once: sshd holds back the next until then (Nagle, RFC 896)."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

PERIOD_SECONDS = 0.001
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # tcp(7): Linux only, and it does not last


@contextmanager
def prompt(connection: asyncssh.SSHClientConnection) -> Iterator[None]:
    """Delay no acknowledgement meanwhile; without it the first session of a connection stalls for 40 ms."""
    peer = connection.get_extra_info("socket")
    if peer is None or _QUICKACK is None:  # a jump host's tunnel is no socket of ours
        yield
        return
    task = asyncio.create_task(_acknowledge(peer, _QUICKACK))
    try:
        yield
    finally:
        task.cancel()


async def _acknowledge(peer: socket.socket, option: int) -> None:
    while peer.fileno() >= 0:
        peer.setsockopt(socket.IPPROTO_TCP, option, 1)
        await asyncio.sleep(PERIOD_SECONDS)
