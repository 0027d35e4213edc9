"""What moves inside one system: for each kind the command that its job carries out, and what is checked first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.road import FileCommand
from firecrest_gql.files.writing import Remove
from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.transfers.checks import CanCopy, CanMove, CanRemove, CanSync
from firecrest_gql.transfers.syncing import Sync


@dataclass(frozen=True, slots=True)
class Act:
    """One kind: its command, whose fields are what a task keeps, and the check that belongs to such a command."""

    command: type[FileCommand[Any]]
    check: Callable[[Any], FileCommand[int | None]]


ACTS: Mapping[TaskKind, Act] = {
    TaskKind.COPY: Act(Copy, lambda it: CanCopy(it.path, it.target, it.dereference, it.overwrite)),
    TaskKind.MOVE: Act(Move, lambda it: CanMove(it.path, it.target, it.overwrite)),
    TaskKind.REMOVE: Act(Remove, lambda it: CanRemove(it.path, it.recursive)),
    TaskKind.SYNC: Act(Sync, lambda it: CanSync(it.path, it.target)),
}


def command_of(kind: TaskKind, values: Mapping[str, Any]) -> FileCommand[Any]:
    """The command with these fields."""
    return ACTS[kind].command(**values)
