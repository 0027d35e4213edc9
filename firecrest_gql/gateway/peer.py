"""Who is at the other end of a connection over loopback: Linux tells each socket's uid (proc(5), /proc/net/tcp)."""

import os
import socket
import struct
from pathlib import Path

SOCKETS = Path("/proc/net/tcp")


def same_user(client: tuple[str, int] | None, server: tuple[str, int] | None) -> bool:
    """Whether the client's socket belongs to the user whom this process runs as; False where that is not known."""
    if client is None or server is None:
        return False
    try:
        local, remote = _shown(client), _shown(server)
        lines = SOCKETS.read_text(encoding="ascii").splitlines()[1:]
    except (OSError, struct.error):
        return False
    owners = {(fields[1], fields[2]): fields[7] for fields in map(str.split, lines)}
    return owners.get((local, remote)) == str(os.geteuid())


def _shown(address: tuple[str, int]) -> str:
    """An IPv4 address and port as the kernel prints them."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
