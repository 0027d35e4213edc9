"""A remote act as a value: what to run, what to feed it, how to read its answer.

Paths and other strings of `argv` are `str` whose surrogate escapes (PEP 383) stand for bytes that are not UTF-8.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Load(StrEnum):
    """What a command makes work, besides the login node that it runs on."""

    SCHEDULER = "scheduler"
    ACCOUNTING = "accounting"


class Operation(StrEnum):
    """What costs a login node much: it runs a few at a time, at low priority, and a site can switch it off."""

    CHECKSUM = "checksum"
    DISK_USAGE = "diskUsage"
    RECURSION = "recursion"  # listings and changes of everything below a directory
    ORDER = "orderBy"  # a listing that looks at every entry before it knows the first
    SEARCH = "search"
    CONTENT_SEARCH = "contentSearch"
    COPY = "copyFile"
    COMPRESS = "compressFiles"
    EXTRACT = "extractArchive"


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind: `exit_status` is 128 + n where signal n ended it."""

    exit_status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class Stdin:
    """Data for a command's standard input: exactly `size` bytes, whole or in chunks; never code."""

    size: int = 0
    data: bytes | AsyncIterator[bytes] = b""

    @classmethod
    def of(cls, data: bytes) -> "Stdin":
        """The standard input that is these bytes."""
        return cls(len(data), data)


class Remote(ABC):
    """What commands and streams share: an argument vector, data, and a bound on time."""

    @property
    @abstractmethod
    def argv(self) -> Sequence[str]:
        """The program, found on the system's PATH, and its arguments; no NUL bytes, quoted only on its way out."""

    @property
    def stdin(self) -> Stdin:
        """Data for its standard input; none unless overridden."""
        return Stdin()

    @property
    def time_limit(self) -> float | None:
        """Seconds after which it is ended on the system; None: the system's limit for this kind of act."""
        return None

    @property
    def operation(self) -> Operation | None:
        """Which costly operation it is, if any: then the transport lets others go first."""
        return None


class Command(Remote, Generic[T]):
    """A remote act with one answer."""

    @property
    def loads(self) -> Mapping[Load, int]:
        """How many programs it starts of each kind that all users of a system together may start only so many of."""
        return {}

    @property
    def lingers(self) -> bool:
        """Whether it goes on for long after it has asked: it counts when it begins, and not among those at once."""
        return False

    @property
    def output_limit(self) -> int | None:
        """Bytes of standard output above which it is ended; None: the system's limit."""
        return None

    @abstractmethod
    def parse(self, result: Result) -> T:
        """Read the answer, or raise the `FirecrestError` that explains it."""


class SchedulerCommand(Command[T]):
    """A command that the workload manager's controller answers; one program, unless it says otherwise."""

    @property
    def loads(self) -> Mapping[Load, int]:
        """The controller."""
        return {Load.SCHEDULER: 1}


class AccountingCommand(Command[T]):
    """A command that the workload manager's accounting answers; one program, unless it says otherwise."""

    @property
    def loads(self) -> Mapping[Load, int]:
        """Accounting."""
        return {Load.ACCOUNTING: 1}


@dataclass(frozen=True, slots=True)
class Around(Command[T]):
    """Another command, the same in all that a subclass does not say otherwise."""

    command: Command[T]

    @property
    def argv(self) -> Sequence[str]:
        """The command's own, as is all below."""
        return self.command.argv

    @property
    def stdin(self) -> Stdin:
        """See `Remote`."""
        return self.command.stdin

    @property
    def time_limit(self) -> float | None:
        """See `Remote`."""
        return self.command.time_limit

    @property
    def operation(self) -> Operation | None:
        """See `Remote`."""
        return self.command.operation

    @property
    def loads(self) -> Mapping[Load, int]:
        """See `Command`."""
        return self.command.loads

    @property
    def lingers(self) -> bool:
        """See `Command`."""
        return self.command.lingers

    @property
    def output_limit(self) -> int | None:
        """See `Command`."""
        return self.command.output_limit

    def parse(self, result: Result) -> T:
        """See `Command`."""
        return self.command.parse(result)


class Stream(Remote, Generic[T]):
    """A remote act that goes on answering: tails, large listings, file contents."""

    @abstractmethod
    def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[T]:
        """Read the items out of the bytes as they come; a slow reader slows the remote side."""

    def check(self, result: Result) -> None:
        """Raise where the ended command's status and standard error (its `stdout` is empty) say that it failed."""
