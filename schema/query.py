"""What can be asked."""

from typing import Annotated

import strawberry

from firecrest_gql.model.identity import Principal
from firecrest_gql.model.page import Page
from firecrest_gql.model.tasks import Task as TaskValue
from firecrest_gql.model.tasks import TaskFilter as TaskCondition
from firecrest_gql.model.tasks import TaskPage
from firecrest_gql.model.transfers import Transfer as TransferValue
from firecrest_gql.model.transfers import TransferFilter as TransferCondition
from firecrest_gql.settings import SystemSettings
from resolvers import nodes, systems, tasks, transfers
from schema.fields import Info, field, optional, says
from schema.nodes import Node
from schema.selection import selects
from schema.service import Service, Viewer
from schema.systems import System
from schema.tasks import Task, TaskConnection, TaskFilter
from schema.transfers import Transfer, TransferConnection, TransferFilter


@strawberry.type(description="What can be asked.")
class Query:
    """What can be asked."""

    @field(Viewer)
    def viewer(self, info: Info) -> Principal:
        """The caller."""
        return info.context.principal

    @field(list[System])
    def systems(self, info: Info) -> list[SystemSettings]:
        """The systems that the viewer may use."""
        return systems.systems(info.context)

    @field(optional(System))
    def system(self, info: Info, name: Annotated[str, says("As in systems { name }.")]) -> SystemSettings:
        """One system."""
        return systems.system(info.context, name)

    @field(Service)
    def service(self) -> Service:
        """The service itself: its parts, limits and parameters."""
        return Service()

    @field(optional(Task))
    async def task(self, info: Info, id: Annotated[strawberry.ID, says("The task's id.")]) -> TaskValue:  # noqa: A002
        """One of the viewer's tasks."""
        return await tasks.task(info.context, id)

    @field(optional(TaskConnection))
    async def tasks(
        self,
        info: Info,
        filter: Annotated[TaskFilter | None, says("Which.")] = None,  # noqa: A002
        first: Annotated[int, says("At most so many.")] = 50,
        after: Annotated[str | None, says("The cursor behind which to begin.")] = None,
    ) -> TaskPage:
        """The viewer's tasks, the newest first."""
        wanted = filter.condition() if filter is not None else TaskCondition()
        return await tasks.tasks(info.context, wanted, first, after, selects(info, "totalCount"))

    @field(optional(Transfer))
    async def transfer(
        self,
        info: Info,
        id: Annotated[strawberry.ID, says("The transfer's id.")],  # noqa: A002
    ) -> TransferValue:
        """One of the viewer's transfers."""
        return await transfers.transfer(info.context, id)

    @field(optional(TransferConnection))
    async def transfers(
        self,
        info: Info,
        filter: Annotated[TransferFilter | None, says("Which.")] = None,  # noqa: A002
        first: Annotated[int, says("At most so many.")] = 50,
        after: Annotated[str | None, says("The cursor behind which to begin.")] = None,
    ) -> Page[TransferValue]:
        """The viewer's transfers, the newest first."""
        wanted = filter.condition() if filter is not None else TransferCondition()
        return await transfers.transfers(info.context, wanted, first, after, selects(info, "totalCount"))

    @field(optional(Node))
    async def node(self, info: Info, id: Annotated[strawberry.ID, says("Any id.")]) -> object:  # noqa: A002
        """Anything that has an id."""
        return await nodes.node(info.context, id)

    @field(list[optional(Node)])
    async def nodes(self, info: Info, ids: Annotated[list[strawberry.ID], says("Any ids.")]) -> list[object]:
        """Things by their ids, in the order asked; null with an error where there is none."""
        return await nodes.nodes(info.context, list(ids))
