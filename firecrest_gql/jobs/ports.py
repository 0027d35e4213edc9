"""What compute needs of the layers below, each named for the need."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from firecrest_gql.command import Command, Stream
from firecrest_gql.delegation.request import Purpose
from firecrest_gql.model.identity import Caller, Grant, Token
from firecrest_gql.model.tasks import Task, TaskKind
from firecrest_gql.settings import SystemSettings

T = TypeVar("T")


class Runs(Protocol):
    """Runs one command on a system as the caller; raises `FirecrestError`."""

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        ...


class Follows(Protocol):
    """Keeps a stream open on a system as the caller; raises `FirecrestError`."""

    def stream(
        self, system: SystemSettings, caller: Caller, stream: Stream[T]
    ) -> AbstractAsyncContextManager[AsyncIterator[T]]:
        """The stream's items while the context is open."""
        ...


class Reaches(Runs, Follows, Protocol):
    """Both roads to a system."""


class Grants(Protocol):
    """Turns a request's token into a grant that outlives the request."""

    async def grant(self, token: Token, system: str, purpose: Purpose) -> Grant:
        """The signer's sealed word for this user, system and purpose."""
        ...


class Creates(Protocol):
    """Makes the lasting record of what was asked."""

    async def create(
        self,
        *,
        kind: TaskKind,
        system: str | None,
        subject: str,
        username: str,
        request_id: str,
        input: dict[str, Any],  # noqa: A002
        grant: str,
        idempotency_key: str | None = None,
    ) -> Task:
        """A new task, or the one that the same key made before."""
        ...
