"""Which real parts this machine has; a missing one skips by name, or fails where all are required."""

import os
import shutil
from pathlib import Path

import pytest

_SBIN = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")

PROGRAMS = {
    "openssh": ("sshd", "ssh-keygen", "useradd", "tcsh", "fish", "dash", "bash"),
    "shells": ("dash", "bash", "busybox"),
    "slurm": ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "sshd", "useradd"),
    "browser": ("chromium",),
    "oidc": (),
    "redis": (),
    "s3": (),
}
NEEDS_ROOT = {"openssh", "slurm"}


def missing(part: str) -> str | None:
    """What this machine lacks for the part; None: nothing."""
    if part in NEEDS_ROOT and os.geteuid() != 0:
        return "root"
    return next((name for name in PROGRAMS[part] if shutil.which(name, path=_SBIN) is None), None)


def require(part: str) -> None:
    """Skip the test where the part is missing; fail it where `FIRECREST_REQUIRE_REAL=1` says that all must run."""
    lack = missing(part)
    if lack is None:
        return
    if os.environ.get("FIRECREST_REQUIRE_REAL") == "1":
        pytest.fail(f"the part {part} is required and lacks {lack}")
    pytest.skip(f"the part {part} lacks {lack}")


def on_path(name: str) -> Path:
    """The program's path, found in the sbin folders too."""
    found = shutil.which(name, path=_SBIN)
    assert found is not None, name
    return Path(found)
