"""Streams of files: the allowed paths hold for them as for commands."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from firecrest_gql.command import Result, Stdin, Stream
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.road import allows_all, held_argv
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

T = TypeVar("T")


class FileStream(Stream[T]):
    """A stream of files, which says how it takes each path, as a `FileCommand` does."""

    @property
    @abstractmethod
    def holds(self) -> Mapping[str, Hold]:
        """How it takes the path in each of these fields."""


@dataclass(frozen=True, slots=True)
class ConfinedStream(Stream[T], Generic[T]):
    """A stream whose paths lead to these trees alone, or to the home."""

    inner: FileStream[T]
    trees: tuple[str, ...]

    @property
    def argv(self) -> list[str]:
        """The stream's command behind its guard."""
        return held_argv(self.inner, self.inner.holds, self.trees)

    @property
    def stdin(self) -> Stdin:
        """The stream's own."""
        return self.inner.stdin

    @property
    def time_limit(self) -> float | None:
        """The stream's own."""
        return self.inner.time_limit

    def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[T]:
        """The stream's own."""
        return self.inner.items(chunks)

    def check(self, result: Result) -> None:
        """The stream's own, in the names that the user gave."""
        self.inner.check(result)


class Streams(Protocol):
    """What runs streams on systems."""

    def stream(
        self, system: SystemSettings, caller: Caller, stream: Stream[T]
    ) -> AbstractAsyncContextManager[AsyncIterator[T]]:
        """The stream's items while the context is open."""
        ...


def held_stream(system: SystemSettings, stream: FileStream[T]) -> Stream[T]:
    """The stream as it may run there."""
    return stream if allows_all(system) else ConfinedStream(stream, system.allowed_paths)
