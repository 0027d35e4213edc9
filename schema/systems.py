"""Systems."""

from typing import Annotated

import strawberry

from firecrest_gql.jobs.page import JobOrder
from firecrest_gql.model import cluster as cluster_model
from firecrest_gql.model import files as files_model
from firecrest_gql.model import jobs as jobs_model
from firecrest_gql.model.health import ComponentHealth as ComponentHealthValue
from firecrest_gql.model.health import HealthStatus
from firecrest_gql.model.page import Page
from firecrest_gql.settings import SystemSettings
from resolvers import files, ids, jobs, service, systems
from schema.accounts import UserAccount
from schema.cluster import ComputeNode, Reservation
from schema.fields import REMOTE, Info, attribute, field, optional, says
from schema.files import File
from schema.health import ComponentHealth
from schema.jobs import USAGE, Job, JobConnection, JobFilter, Partition
from schema.nodes import Node
from schema.scalars import BigInt
from schema.selection import selects_below
from schema.service import Limits


@strawberry.type(description="What a system's jobs are given to.")
class SchedulerInfo:
    """What a system's jobs are given to."""

    @field(str)
    def kind(self: SystemSettings) -> str:
        """The dialect: slurm, direct; plugins bring more."""
        return self.scheduler.kind

    @field(str | None)
    def version(self: SystemSettings, info: Info) -> str | None:
        """What it told of itself at the last check; null before one, or where no service account can ask."""
        return systems.scheduler_version(info.context, self)


@strawberry.type(description="The room of a file system.")
class FileSystemUsage:
    """The room of a file system."""

    size: BigInt = attribute("Bytes in all.")
    used: BigInt = attribute("Bytes in use, by everybody.")
    available: BigInt = attribute("Bytes that a user may still write, quotas aside.")


@strawberry.type(description="How much somebody may keep on a file system, and keeps.")
class Quota:
    """How much somebody may keep on a file system, and keeps."""

    kind: files_model.QuotaKind = attribute("Whom it bounds.")
    name: str = attribute("The user, the group or the project.")
    bytes_used: BigInt | None = attribute("Bytes that are kept.")
    bytes_limit: BigInt | None = attribute("Bytes that may be kept; null where there is no limit.")
    files_used: BigInt | None = attribute("Files and directories (inodes) that are kept.")
    files_limit: BigInt | None = attribute("Files and directories that may be kept; null where there is no limit.")


@strawberry.type(description="A file system that the site names.")
class FileSystem:
    """A file system that the site names."""

    path: str = attribute("Where it is mounted.")
    kind: str | None = attribute("What it is for: home, scratch, archive.")
    default: bool = attribute("Whether it is the one to use when nothing else is said.")

    @field(str | None)
    def user_path(self: systems.FileSystem, info: Info) -> str | None:
        """The viewer's own directory there; null where the site names none."""
        return systems.user_path(info.context, self)

    @field(FileSystemUsage | None, cost=REMOTE)
    async def usage(self: systems.FileSystem, info: Info) -> files_model.FileSystemUsage:
        """The room that it has; those of one system are one command."""
        return await systems.usage(info.context, self)

    @field(optional(list[Quota]), cost=REMOTE)
    async def quotas(self: systems.FileSystem, info: Info) -> list[files_model.Quota] | None:
        """The viewer's quotas, and those of groups and projects, as the site's commands tell them; null without any."""
        return await systems.quotas(info.context, self)


@strawberry.type(description="One supercomputer, or anything that its login nodes answer for.")
class System(Node):
    """One supercomputer, or anything that its login nodes answer for."""

    name: str = attribute("Its name in every input.")
    description: str | None = attribute("What it is, in the site's words.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is a system."""
        return isinstance(value, SystemSettings)

    @field(strawberry.ID)
    def id(self: SystemSettings) -> str:
        """The id: of the name."""
        return ids.encode("system", self.name)

    @field(list[FileSystem])
    def file_systems(self: SystemSettings) -> list[systems.FileSystem]:
        """The file systems that the site names."""
        return systems.file_systems(self)

    @field(HealthStatus)
    def status(self: SystemSettings, info: Info) -> HealthStatus:
        """How it was at the last check."""
        return systems.status(info.context, self)

    @field(list[ComponentHealth])
    def checks(self: SystemSettings, info: Info) -> list[ComponentHealthValue]:
        """What the last checks saw: ssh; with a service account also the scheduler and each file system."""
        return systems.checks(info.context, self)

    @field(Limits)
    def limits(self: SystemSettings, info: Info) -> service.Limits:
        """What is enforced there."""
        return service.limits(info.context, self)

    @field(SchedulerInfo)
    def scheduler(self: SystemSettings) -> SystemSettings:
        """What its jobs are given to."""
        return self

    @field(UserAccount | None, cost=REMOTE)
    async def account(self: SystemSettings, info: Info) -> files_model.UserAccount:
        """The viewer's account there."""
        return await systems.account(info.context, self)

    @field(list[Partition] | None, cost=REMOTE)
    async def partitions(
        self: SystemSettings,
        info: Info,
        show_hidden: Annotated[bool, says("Whether hidden ones are listed.")] = False,
    ) -> list[jobs_model.Partition]:
        """The queues of the scheduler."""
        return await systems.partitions(info.context, self, show_hidden)

    @field(list[ComputeNode] | None, cost=REMOTE)
    async def compute_nodes(self: SystemSettings, info: Info) -> list[cluster_model.ComputeNode]:
        """What its jobs run on."""
        return await jobs.nodes(info.context, self)

    @field(list[Reservation] | None, cost=REMOTE)
    async def reservations(self: SystemSettings, info: Info) -> list[cluster_model.Reservation]:
        """What is kept for some users or accounts."""
        return await jobs.reservations(info.context, self)

    @field(optional(Job), cost=REMOTE)
    async def job(
        self: SystemSettings, info: Info, job_id: Annotated[str, says("As the scheduler writes it.")]
    ) -> jobs_model.Job:
        """A job in the live queue or in accounting; jobs asked for together are one command."""
        return await jobs.job(info.context, self, job_id, selects_below(info, *USAGE))

    @field(optional(JobConnection), cost=REMOTE)
    async def jobs(
        self: SystemSettings,
        info: Info,
        filter: Annotated[JobFilter | None, says("Which; the viewer's own where nothing is said.")] = None,  # noqa: A002
        order_by: Annotated[JobOrder, says("In which order.")] = JobOrder.SUBMITTED_DESC,
        first: Annotated[int, says("At most so many.")] = 50,
        after: Annotated[str | None, says("The cursor behind which to begin.")] = None,
    ) -> Page[jobs_model.Job]:
        """The jobs of the live queue and of accounting."""
        wanted = filter.condition() if filter is not None else jobs_model.JobFilter()
        usage = selects_below(info, *USAGE)
        return await jobs.jobs(info.context, self, wanted, order_by, first, after, usage)

    @field(optional(File), cost=REMOTE)
    async def file(
        self: SystemSettings, info: Info, path: Annotated[str, says("Absolute, from ~, or base64:….")]
    ) -> files_model.File:
        """The file at this path, links not followed."""
        return await files.file(info.context, self, path)

    @field(optional(list[optional(File)]), cost=REMOTE)
    async def files(
        self: SystemSettings, info: Info, paths: Annotated[list[str], says("Absolute, from ~, or base64:….")]
    ) -> list[files_model.File | BaseException]:
        """The file at each path, in the order asked; null with an error where there is none."""
        return await files.files(info.context, self, paths)
