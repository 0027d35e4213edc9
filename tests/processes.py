"""The processes of this machine, as the kernel lists them."""

import os
from pathlib import Path


def processes() -> list[tuple[int, list[str]]]:
    """The id and the argument vector of each; one that ends meanwhile is left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = os.fsdecode((folder / "cmdline").read_bytes()).split("\0")
        except OSError:
            continue
        found.append((int(folder.name), argv))
    return found


def belongs_to(folder: Path, pid: int, argv: list[str]) -> bool:
    """Whether the process works in the folder, or has its name in an argument."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder or any(folder.name in word for word in argv)
    except OSError:
        return False


def words_of(pid: int) -> bytes:
    """What anybody can read of the process: its arguments; and its environment, which its user's processes can."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
