"""The service: its parts, its limits."""

from dataclasses import asdict, dataclass
from importlib import metadata

from firecrest_gql.model.health import ComponentHealth
from firecrest_gql.settings import SystemLimits, SystemSettings
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class Limits:
    """What is enforced: sizes in bytes, times in seconds."""

    max_inline_file_size: int
    max_upload_size: int
    command_timeout_seconds: float
    max_page_size: int
    max_query_depth: int
    max_query_cost: int
    staged_file_retention_seconds: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A limit by name."""

    name: str
    value: str
    unit: str | None
    description: str | None


NAMES = {
    "max_inline_file_size": ("maxInlineFileSize", "bytes", "A file read or written inline, at most"),
    "max_upload_size": ("maxUploadSize", "bytes", "A file uploaded through the object store, at most; 0: no store"),
    "command_timeout_seconds": ("commandTimeoutSeconds", "seconds", "How long one remote command may take"),
    "max_page_size": ("maxPageSize", "entries", "The largest page of a list"),
    "max_query_depth": ("maxQueryDepth", "levels", "How deep a document may nest"),
    "max_query_cost": ("maxQueryCost", "points", "What a document may cost"),
    "staged_file_retention_seconds": ("stagedFileRetentionSeconds", "seconds", "How long a staged file is kept"),
}


def name(context: Context) -> str:
    """What the site calls the service."""
    return context.services.settings.name


def version() -> str:
    """The installed version."""
    return metadata.version("firecrest-gql")


def components(context: Context) -> list[ComponentHealth]:
    """The parts, as last checked."""
    return list(context.services.health.components)


def limits(context: Context, system: SystemSettings | None = None) -> Limits:
    """What is enforced, on this system or where a system says nothing else."""
    settings = context.services.settings
    service, of_system = settings.limits, system.limits if system is not None else SystemLimits()
    storage = settings.storage
    return Limits(
        max_inline_file_size=of_system.max_inline_file_size,
        max_upload_size=storage.max_upload_size if storage is not None else 0,
        command_timeout_seconds=of_system.command_timeout_seconds,
        max_page_size=service.max_page_size,
        max_query_depth=service.max_query_depth,
        max_query_cost=service.max_query_cost,
        staged_file_retention_seconds=storage.retention_seconds if storage is not None else 0,
    )


def parameters(context: Context) -> list[Parameter]:
    """The limits by name."""
    values = asdict(limits(context))
    return [Parameter(shown, str(values[key]), unit, what) for key, (shown, unit, what) in NAMES.items()]
