"""The road of file operations: the allowed paths hold on it, and what takes too long is sent to its twin."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar, cast

from firecrest_gql.command import Around, Command, Remote
from firecrest_gql.errors import CommandTimeout
from firecrest_gql.files.confinement import Hold, confined
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

T = TypeVar("T")


class FileCommand(Command[T]):
    """A command on files, which says how it takes each path; a path is a `str` field that is part of `argv`."""

    twin: ClassVar[str | None] = None
    """The mutation that does the same in the transfer queue, where no blocking time limit ends it."""

    @property
    @abstractmethod
    def holds(self) -> Mapping[str, Hold]:
        """How it takes the path in each of these fields; none where no path comes from the user."""

    def confined(self, trees: Sequence[str]) -> list[str]:
        """Its argument vector where paths may lead to these trees alone."""
        return held_argv(self, self.holds, trees)


def held_argv(remote: Remote, holds: Mapping[str, Hold], trees: Sequence[str]) -> list[str]:
    """The argument vector of a command or stream whose paths, in these fields, may lead to these trees alone."""
    paths = [(hold, str(getattr(remote, field))) for field, hold in holds.items()]
    names = {field: hold.called(path) for field, (hold, path) in zip(holds, paths, strict=True)}
    held = cast("Remote", replace(cast("Any", remote), **names))
    return confined(held.argv, trees, paths)


@dataclass(frozen=True, slots=True)
class Confined(Around[T]):
    """A command whose paths lead to these trees alone, or to the home; its answer has the names that the user gave."""

    command: FileCommand[T]
    trees: tuple[str, ...]

    @property
    def argv(self) -> list[str]:
        """The command behind its guard."""
        return self.command.confined(self.trees)


class Runs(Protocol):
    """What runs commands on systems."""

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        ...


class FileRoad:
    """Runs file commands and nothing else."""

    def __init__(self, transport: Runs) -> None:
        self._transport = transport

    async def run(self, system: SystemSettings, caller: Caller, command: FileCommand[T]) -> T:
        """The command's answer; `PermissionDenied` where a path leads outside the allowed trees."""
        try:
            return await self._transport.run(system, caller, held_to(system, command))
        except CommandTimeout as error:
            if command.twin is None:
                raise
            raise CommandTimeout(f"{error.message}; {command.twin} takes the time that it needs") from None


def held_to(system: SystemSettings, command: FileCommand[T]) -> Command[T]:
    """The command as it may run there, by whatever way it comes to the system."""
    return command if allows_all(system) else Confined(command, system.allowed_paths)


def allows_all(system: SystemSettings) -> bool:
    """Whether every path is allowed, so that nothing needs to be held."""
    return "/" in system.allowed_paths
