"""What moves inside one system: for each kind the command that its job carries out, and what is checked first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from firecrest_gql.files.packing import PROGRAMS, Compress
from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.road import FileCommand
from firecrest_gql.files.unpacking import Bounds, Extract
from firecrest_gql.files.writing import Remove
from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.transfers.checks import CanCompress, CanCopy, CanExtract, CanMove, CanRemove, CanSync
from firecrest_gql.transfers.syncing import Sync


@dataclass(frozen=True, slots=True)
class Act:
    """One kind: its command out of the fields that a task keeps, and the check that belongs to such a command."""

    command: Callable[..., FileCommand[Any]]
    check: Callable[[Any], FileCommand[int | None]]


def _can_compress(wanted: Compress) -> CanCompress:
    programs = tuple(program for program in ("tar", PROGRAMS[wanted.compression]) if program)
    return CanCompress(wanted.path, wanted.target, wanted.overwrite, wanted.dereference, programs)


def _can_extract(wanted: Extract) -> CanExtract:
    return CanExtract(wanted.path, wanted.target, (wanted.compression or "").lower(), wanted.name)


def _extract(*, bounds: Mapping[str, int], **fields: Any) -> Extract:
    return Extract(bounds=Bounds(**bounds), **fields)


ACTS: Mapping[TaskKind, Act] = {
    TaskKind.COPY: Act(Copy, lambda it: CanCopy(it.path, it.target, it.dereference, it.overwrite)),
    TaskKind.MOVE: Act(Move, lambda it: CanMove(it.path, it.target, it.overwrite)),
    TaskKind.REMOVE: Act(Remove, lambda it: CanRemove(it.path, it.recursive)),
    TaskKind.SYNC: Act(Sync, lambda it: CanSync(it.path, it.target)),
    TaskKind.COMPRESS: Act(Compress, _can_compress),
    TaskKind.EXTRACT: Act(_extract, _can_extract),
}


def command_of(kind: TaskKind, values: Mapping[str, Any]) -> FileCommand[Any]:
    """The command with these fields."""
    return ACTS[kind].command(**values)
