"""A transport of commands that tell of all jobs of a system, or take long to."""

from dataclasses import dataclass
from typing import TypeVar

from firecrest_gql.command import Around, Command
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

T = TypeVar("T")

LONG_SECONDS = 600.0
"""What a query may take that runs as a task."""

ROOM = 128 * 2**20
"""Bytes of output: squeue tells of 100,000 jobs in some 90 MiB."""


@dataclass(frozen=True, slots=True)
class Unhurried(Around[T]):
    """The same command with more room than a request gives it and, where they are given, so many seconds."""

    seconds: float | None

    @property
    def time_limit(self) -> float | None:
        """Seconds."""
        return self.command.time_limit if self.seconds is None else self.seconds

    @property
    def output_limit(self) -> int:
        """Bytes."""
        return ROOM


@dataclass(frozen=True, slots=True)
class Patience:
    """The transport of such commands; `seconds`: for which each is waited for, None: as long as for any other."""

    transport: Runs
    seconds: float | None = None

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        return await self.transport.run(system, caller, Unhurried(command, self.seconds))
