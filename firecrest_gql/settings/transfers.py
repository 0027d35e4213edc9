"""How a system's block of the settings says who moves bytes there."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from firecrest_gql.settings.block import AbsolutePath, Block, PlainText

Directive = Annotated[str, StringConstraints(pattern=r"^#[ -~]*$")]


class TransferQueueSettings(Block):
    """The part of the workload manager that moves bytes."""

    partition: str | None = Field(None, description="None: the scheduler's default one")
    qos: str | None = None
    account: str | None = Field(None, description="Charged where the user names none")
    account_required: bool = Field(False, description="Refuse a transfer that names no account")
    time_limit_seconds: int = Field(6 * 3600, ge=60, description="Where the user asks for nothing else")
    max_time_limit_seconds: int = Field(
        86_400, ge=60, description="The longest that a user may ask for: at most the partition's own limit"
    )
    directives: tuple[Directive, ...] = Field((), description="Lines for the head of each script: #SBATCH …, #PBS …")


class TransferSettings(Block):
    """Who moves bytes on a system, and what its scripts find there."""

    method: str | None = Field(
        None, description="An entry point of firecrest_gql.transfer_methods; None: queue where there is one, or process"
    )
    queue: TransferQueueSettings | None = Field(None, description="None: no transfer queue")
    path: PlainText | None = Field(None, description="PATH of the scripts; None: the scheduler's")
    store_url: str | None = Field(None, description="The object store's address as seen from where scripts run")
    proxy: SecretStr | None = Field(None, description="Proxy that leads from there to the object store")
    ca_bundle: AbsolutePath | None = Field(None, description="File there with the CA of the object store's certificate")
