"""The road of what is checked for a transfer: with the PATH that its job will have there."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from firecrest_gql.command import Command, Operation, Result, Stdin
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WithPath(Command[T], Generic[T]):
    """A command whose programs are found on this PATH."""

    command: Command[T]
    path: str

    @property
    def argv(self) -> list[str]:
        """The command behind env(1)."""
        return ["env", f"PATH={self.path}", *self.command.argv]

    @property
    def stdin(self) -> Stdin:
        """The command's own."""
        return self.command.stdin

    @property
    def time_limit(self) -> float | None:
        """The command's own."""
        return self.command.time_limit

    @property
    def output_limit(self) -> int | None:
        """The command's own."""
        return self.command.output_limit

    @property
    def operation(self) -> Operation | None:
        """The command's own."""
        return self.command.operation

    def parse(self, result: Result) -> T:
        """The command's own answer."""
        return self.command.parse(result)


@dataclass(frozen=True, slots=True)
class OnJobsPath:
    """A transport on which commands find the programs that jobs of transfers find, as far as the settings tell."""

    transport: Runs

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        path = system.transfers.path
        return await self.transport.run(system, caller, command if path is None else WithPath(command, path))
