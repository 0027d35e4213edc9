"""The real parts that the service leans on, for the demo and for tests: Valkey, S3 store, identity provider."""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from firecrest_gql.demo.identity import IdentityProvider, make_identity_provider
from firecrest_gql.demo.object_store import ObjectStore, make_object_store
from firecrest_gql.demo.private_files import private_directory
from firecrest_gql.demo.process import running
from firecrest_gql.demo.valkey import Valkey, make_valkey


class StateInUse(Exception):
    """Another demo runs on the same state folder."""


@dataclass(frozen=True)
class Parts:
    """The three parts, running."""

    valkey: Valkey
    object_store: ObjectStore
    identity: IdentityProvider


@asynccontextmanager
async def running_parts(state: Path, origins: Sequence[str] = ()) -> AsyncIterator[Parts]:
    """Start the parts at once on what `state` keeps, and stop them at the end; `origins` may fetch tokens.

    Raises `StateInUse`, or `ProcessFailed` with what each failed part said last.
    """
    state = private_directory(state).resolve()
    with locked(state):
        parts = Parts(make_valkey(state), make_object_store(state), make_identity_provider(state, origins))
        async with running(parts.valkey.process, parts.object_store.process, parts.identity.process):
            yield parts


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the folder for this process alone: two servers on the same data would spoil it."""
    file = state / "lock"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateInUse(f"another demo runs on {state}: stop it, or set FIRECREST_DEMO_STATE") from None
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
