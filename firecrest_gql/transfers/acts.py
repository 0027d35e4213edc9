"""What moves inside one system: for each kind what is checked first, and the command that its job carries out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from firecrest_gql.files.placing import Copy
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.transfers.checks import CanCopy


class Act(Protocol):
    """One act inside a system; its fields are plain data, which a task keeps."""

    kind: ClassVar[TaskKind]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def source_path(self) -> str | None:
        """Where the bytes are."""
        ...

    @property
    def target_path(self) -> str | None:
        """Where they are to be."""
        ...

    @property
    def check(self) -> FileCommand[int | None]:
        """Raises what would fail; the bytes to be moved, as far as they are known."""
        ...

    @property
    def command(self) -> FileCommand[Any]:
        """What the job carries out."""
        ...


@dataclass(frozen=True, slots=True)
class CopyAct:
    """A copy, made beside the target."""

    kind: ClassVar[TaskKind] = TaskKind.COPY
    path: str
    target: str
    dereference: bool = False
    overwrite: bool = False

    @property
    def source_path(self) -> str:
        """What is copied."""
        return self.path

    @property
    def target_path(self) -> str:
        """The copy."""
        return self.target

    @property
    def check(self) -> FileCommand[int | None]:
        """Both ends and the room."""
        return CanCopy(self.path, self.target, self.overwrite, self.dereference)

    @property
    def command(self) -> FileCommand[Any]:
        """The same as the blocking copy."""
        return Copy(self.path, self.target, self.dereference, self.overwrite)


ACTS: Mapping[TaskKind, type[Any]] = {act.kind: act for act in (CopyAct,)}


def from_input(kind: TaskKind, values: Mapping[str, Any]) -> Act:
    """The act with these fields."""
    act: Act = ACTS[kind](**values)
    return act
