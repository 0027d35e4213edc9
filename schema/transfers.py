"""Transfers: what moves bytes into systems, out of them and inside them."""

from datetime import datetime
from typing import Annotated

import strawberry

from firecrest_gql.model import jobs as jobs_model
from firecrest_gql.model import tasks as tasks_model
from firecrest_gql.model import transfers as model
from firecrest_gql.settings import SystemSettings
from resolvers import staging, transfers
from schema.fields import REMOTE, Info, attribute, field, given, given_values, lazy, optional, says
from schema.nodes import Node, PageInfo
from schema.scalars import BigInt


@strawberry.type(description="A part of an upload, which the client PUTs.")
class TransferPart:
    """A part of an upload, which the client PUTs."""

    number: int = attribute("Its number, from 1.")
    url: str = attribute("Where to PUT it, with exactly `size` bytes; the URL is the credential.")
    url_expires_at: datetime = attribute("Until when the URL is good; ask again for another.")
    offset: BigInt = attribute("Where it begins in the file.")
    size: BigInt = attribute("Its bytes.")
    etag: str | None = attribute("What the store answered for it; null until it has arrived.")


@strawberry.type(description="Bytes that move into a system, out of it, or inside it.")
class Transfer(Node):
    """Bytes that move into a system, out of it, or inside it."""

    kind: model.TransferKind = attribute("What becomes of the bytes.")
    source_path: str | None = attribute("Where they come from, as `path` takes it.")
    target_path: str | None = attribute("Where they go, as `path` takes it.")
    size: BigInt | None = attribute("How many bytes there are, where that is known.")
    bytes_transferred: BigInt | None = attribute("How many of them have moved, where that is known.")
    sha256: str | None = attribute("Their checksum, hexadecimal, where it is known.")
    expires_at: datetime | None = attribute("When what is staged goes.")
    created_at: datetime = attribute("When it was asked for.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is a transfer."""
        return isinstance(value, model.Transfer)

    @field(strawberry.ID)
    def id(self: model.Transfer) -> str:
        """The id."""
        return self.id

    @field(lazy("System", "schema.systems"))
    def system(self: model.Transfer, info: Info) -> SystemSettings:
        """The system that it is on, or comes from."""
        return transfers.system(info.context, self)

    @field(optional(lazy("System", "schema.systems")))
    def target_system(self: model.Transfer, info: Info) -> SystemSettings | None:
        """The system that it goes to, where that is another one."""
        return transfers.target_system(info.context, self)

    @field(optional(lazy("Task", "schema.tasks")))
    async def task(self: model.Transfer, info: Info) -> tasks_model.Task | None:
        """The task that is on it; null once that is no longer kept."""
        return await transfers.task(info.context, self)

    @field(optional(lazy("Job", "schema.jobs")), cost=REMOTE)
    async def job(self: model.Transfer, info: Info) -> jobs_model.Job | None:
        """The scheduler's job that moves the bytes; null where a process does."""
        return await transfers.job(info.context, self)

    @field(optional(list[TransferPart]), cost=REMOTE)
    async def parts(
        self: model.Transfer,
        info: Info,
        numbers: Annotated[list[int] | None, says("These alone.")] = None,
        missing_only: Annotated[bool, says("Those alone that have not arrived.")] = False,
        first: Annotated[int, says("How many at most.")] = 100,
        after: Annotated[int | None, says("Those behind this number.")] = None,
    ) -> list[model.Part] | None:
        """Of an upload: where to PUT each part, the URLs signed now; null where no part is waited for any more."""
        return await staging.parts(info.context, self, numbers, missing_only=missing_only, first=first, after=after)

    @field(optional(str), cost=REMOTE)
    async def download_url(self: model.Transfer, info: Info) -> str | None:
        """Of a download: where to GET it, signed now; null until it is staged, and once that is gone."""
        return await staging.download_url(info.context, self)


@strawberry.input(description="Which transfers; every condition that is given must hold.")
class TransferFilter:
    """Which transfers; every condition that is given must hold."""

    kinds: list[model.TransferKind] | None = given("Of one of these kinds.", None)
    system: str | None = given("On, from or to this system.", None)

    def condition(self) -> model.TransferFilter:
        """The filter as the domain has it."""
        return model.TransferFilter(**given_values(self))


@strawberry.type(description="A transfer in a list.")
class TransferEdge:
    """A transfer in a list."""

    node: Transfer = attribute("The transfer.")
    cursor: str = attribute("Continues behind it.")


@strawberry.type(description="One page of transfers.")
class TransferConnection:
    """One page of transfers."""

    edges: list[TransferEdge] = attribute("The transfers with their cursors.")
    nodes: list[Transfer] = attribute("The transfers.")
    page_info: PageInfo = attribute("Where the page stands.")
    total_count: int | None = attribute("How many there are in all, where that is known.")
