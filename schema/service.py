"""The service itself, and the viewer."""

from datetime import datetime

import strawberry

from firecrest_gql.model import health
from firecrest_gql.model.identity import Principal
from resolvers import service
from schema.fields import Info, attribute, field
from schema.health import ComponentHealth
from schema.scalars import BigInt


@strawberry.type(description="The caller, as the token says.")
class Viewer:
    """The caller, as the token says."""

    username: str = attribute("The login name on the systems.")
    subject: str = attribute("The identity provider's name for the caller.")

    @field(list[str])
    def scopes(self: Principal) -> list[str]:
        """What the token allows."""
        return sorted(self.scopes)

    @field(datetime)
    def token_expires_at(self: Principal) -> datetime:
        """When the token ends, and every stream with it."""
        return self.expires_at


@strawberry.type(description="Limits that are enforced.")
class Limits:
    """Limits that are enforced."""

    max_inline_file_size: BigInt = attribute("Bytes of a file read or written inline, at most.")
    max_upload_size: BigInt = attribute("Bytes of a file uploaded through the object store, at most; 0: no store.")
    command_timeout_seconds: float = attribute("How long one remote command may take.")
    max_page_size: int = attribute("The largest `first`.")
    max_query_depth: int = attribute("How deep a document may nest.")
    max_query_cost: int = attribute("What a document may cost: its fields, times the pages that they stand in.")
    staged_file_retention_seconds: int = attribute("How long a staged file, or an unfinished upload, is kept.")


@strawberry.type(description="A limit by name.")
class Parameter:
    """A limit by name."""

    name: str = attribute("Its name.")
    value: str = attribute("Its value.")
    unit: str | None = attribute("What the value counts.")
    description: str | None = attribute("What it bounds.")


@strawberry.type(description="The service: what FirecREST calls Status.")
class Service:
    """The service: what FirecREST calls Status."""

    @field(str)
    def name(self, info: Info) -> str:
        """What the site calls it."""
        return service.name(info.context)

    @field(str)
    def version(self) -> str:
        """The version of firecrest-gql."""
        return service.version()

    @field(list[ComponentHealth])
    def components(self, info: Info) -> list[health.ComponentHealth]:
        """Its parts, as last checked: api, tasks, workers, object store, identity provider, signer."""
        return service.components(info.context)

    @field(Limits)
    def limits(self, info: Info) -> service.Limits:
        """What is enforced, for every system that sets nothing else."""
        return service.limits(info.context)

    @field(list[Parameter])
    def parameters(self, info: Info) -> list[service.Parameter]:
        """The limits, by name."""
        return service.parameters(info.context)
