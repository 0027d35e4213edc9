"""Never as root: which uid serves instead, and where its files can be."""

import ctypes
import hashlib
import os
import pwd
import stat
import sys
from pathlib import Path

VARIABLE = Path("/var/tmp")  # noqa: S108  (kept between starts; the folder there is checked to be ours)
PR_SET_PDEATHSIG, PR_GET_PDEATHSIG = 1, 2


class Unsafe(Exception):
    """A folder that somebody else has prepared; the message names it."""


def unprivileged() -> pwd.struct_passwd | None:
    """The account that serves in place of root; None where we are not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def owned_folder(state: Path) -> Path:
    """The folder for the homes: below `state`, or, where root's stand-in cannot reach that, below /var/tmp."""
    account = unprivileged()
    if account is None or reachable(state):
        folder = state / "embedded"
    else:
        # The same at every start, so that the files are found again.
        name = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]
        folder = VARIABLE / f"firecrest-gql-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return _owned(folder, account)


def drop() -> None:
    """Become root's stand-in for good, where we are root."""
    account = unprivileged()
    if account is None:
        return
    deadly = _parent_death_signal()
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if deadly:  # the kernel forgets it when the uid changes: prctl(2)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, deadly, 0, 0, 0)


def make_home(folder: Path, name: str) -> Path:
    """The user's home, owned as its folder is."""
    home = folder / name
    home.mkdir(mode=0o700, exist_ok=True)
    return _owned(home, unprivileged())


def reachable(folder: Path) -> bool:
    """Whether everybody may pass through all folders above and this one."""
    resolved = folder.resolve()
    return all(each.stat().st_mode & stat.S_IXOTH for each in (resolved, *resolved.parents))


def _owned(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Give the folder to the account; one that is a link, or another user's, may be a trap."""
    seen = folder.lstat()
    owner = os.geteuid() if account is None else account.pw_uid
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in (os.geteuid(), owner):
        raise Unsafe(f"{folder} is not a directory of ours: remove it")
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return folder


def _parent_death_signal() -> int:
    if sys.platform != "linux":
        return 0
    number = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(PR_GET_PDEATHSIG, ctypes.byref(number), 0, 0, 0)
    return number.value
