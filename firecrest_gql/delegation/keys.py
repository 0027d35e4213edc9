"""The authority's own keys: made at the first start, readable by their owner alone."""

import os
from contextlib import suppress
from pathlib import Path

import asyncssh
from cryptography.fernet import Fernet


def ensure_ca_key(path: Path) -> asyncssh.SSHKey:
    """The CA's private key in this file (OpenSSH format); the first time an ed25519 key is made."""
    if not path.exists():
        _write_once(path, asyncssh.generate_private_key("ssh-ed25519", comment="firecrest-gql CA").export_private_key())
    return asyncssh.read_private_key(path)


def ensure_seal_key(path: Path) -> Fernet:
    """The key in this file that seals grants; the first time it is made."""
    if not path.exists():
        _write_once(path, Fernet.generate_key())
    return Fernet(path.read_bytes().strip())


def _write_once(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read, whole or not at all; who comes second leaves the first one's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
