"""The road of what is checked for a transfer: with the PATH that its job will have there."""

from dataclasses import dataclass
from typing import TypeVar

from firecrest_gql.command import Around, Command
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WithPath(Around[T]):
    """A command whose programs are found on this PATH."""

    path: str

    @property
    def argv(self) -> list[str]:
        """The command behind env(1)."""
        return ["env", f"PATH={self.path}", *self.command.argv]


@dataclass(frozen=True, slots=True)
class OnJobsPath:
    """A transport on which commands find the programs that jobs of transfers find, as far as the settings tell."""

    transport: Runs

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer."""
        path = system.transfers.path
        return await self.transport.run(system, caller, command if path is None else WithPath(command, path))
