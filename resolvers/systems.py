"""Systems and what they tell of themselves."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from firecrest_gql.errors import InvalidInput, NotFound
from firecrest_gql.model.files import FileSystemUsage, Quota, UserAccount
from firecrest_gql.model.health import ComponentHealth, HealthStatus
from firecrest_gql.model.jobs import Partition
from firecrest_gql.settings import FileSystemSettings, SystemSettings
from resolvers.context import Context


def systems(context: Context) -> list[SystemSettings]:
    """Those that the viewer may use."""
    return [system for system in context.services.settings.systems if _admitted(context, system)]


def system(context: Context, name: str) -> SystemSettings:
    """The one with this name; one that the viewer may not use does not exist for them."""
    found = context.services.settings.system(name)
    if found is None or not _admitted(context, found):
        raise NotFound(f"there is no system {name[:80]!r} that you may use; `systems` lists them")
    return found


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system of a system, as the site names it."""

    system: SystemSettings
    settings: FileSystemSettings

    @property
    def path(self) -> str:
        """Where it is mounted."""
        return self.settings.path

    @property
    def kind(self) -> str | None:
        """What it is for."""
        return self.settings.kind

    @property
    def default(self) -> bool:
        """Whether it is the one to use when nothing else is said."""
        return self.settings.default


def file_systems(found: SystemSettings) -> list[FileSystem]:
    """Those that the site names."""
    return [FileSystem(found, settings) for settings in found.file_systems]


def user_path(context: Context, of: FileSystem) -> str | None:
    """The viewer's own directory there."""
    pattern = of.settings.user_path
    return None if pattern is None else pattern.replace("{username}", context.principal.username)


async def usage(context: Context, of: FileSystem) -> FileSystemUsage:
    """The room that it has."""
    return await context.loaders.usage(of.system, of.path)


async def quotas(context: Context, of: FileSystem) -> list[Quota] | None:
    """What the viewer, the viewer's groups and projects may keep there; None where the site names no command."""
    return await context.services.files.quotas(of.system, context.caller, of.settings) if of.settings.quotas else None


def status(context: Context, found: SystemSettings) -> HealthStatus:
    """How it was at the last probe."""
    return context.services.health.status(found.name)


def checks(context: Context, found: SystemSettings) -> list[ComponentHealth]:
    """What the last probes saw."""
    return context.services.health.checks(found.name)


async def account(context: Context, found: SystemSettings) -> UserAccount:
    """The viewer's account there."""
    return await context.services.files.account(found, context.caller)


async def partitions(context: Context, found: SystemSettings, show_hidden: bool) -> list[Partition]:
    """The scheduler's queues."""
    return await context.services.jobs.partitions(context.caller, found, show_hidden)


def scheduler_version(context: Context, found: SystemSettings) -> str | None:
    """The version that the scheduler told at the last check."""
    return context.services.health.scheduler_version(found.name)


async def changes(context: Context, names: list[str] | None) -> AsyncIterator[SystemSettings]:
    """Each of these, or of all that the viewer may use, then each again as its checks find something else."""
    limit = context.services.settings.limits.max_page_size
    if names is not None and len(names) > limit:
        raise InvalidInput(f"names: at most {limit} at once, not {len(names)}")
    found = systems(context) if names is None else [system(context, name) for name in dict.fromkeys(names)]
    async for name in context.services.health.changes([each.name for each in found]):
        yield system(context, name)


def _admitted(context: Context, found: SystemSettings) -> bool:
    return found.admits(context.principal.username, context.principal.scopes)
