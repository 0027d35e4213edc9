"""One system's block of the settings."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import asyncssh
from pydantic import AfterValidator, Field, model_validator
from pydantic.networks import IPvAnyNetwork

from firecrest_gql.command import Operation
from firecrest_gql.settings.block import AbsolutePath, AccountName, Block, Name, PlainText, Variable
from firecrest_gql.settings.transfers import TransferSettings

WITHOUT_SERVICE_ACCOUNT = frozenset({"direct"})


def _public_key(line: str) -> str:
    try:
        asyncssh.import_public_key(line)
    except asyncssh.KeyImportError:
        raise ValueError("no public key of OpenSSH, which begins with its type: ssh-ed25519 AAAA…") from None
    return line


PublicKey = Annotated[str, AfterValidator(_public_key)]


class DelegationMode(StrEnum):
    """How a remote command is authorised."""

    PER_COMMAND = "per-command"
    PER_SESSION = "per-session"
    STATIC = "static"


class LoginNode(Block):
    """Where sshd listens."""

    host: str = Field(min_length=1, description="Host name or address")
    port: int = Field(22, ge=1, le=65535)


class DelegationSettings(Block):
    """The certificates, or the key, that open this system."""

    mode: DelegationMode = DelegationMode.PER_COMMAND
    source_addresses: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Our addresses as sshd sees them; go into every certificate"
    )
    certificate_seconds: int = Field(60, ge=5, le=3600, description="Validity ahead; per-command: at most 60")
    key_file: Path | None = Field(None, description="static: an OpenSSH private key")

    @model_validator(mode="after")
    def _consistent(self) -> "DelegationSettings":
        if self.mode is DelegationMode.STATIC and self.key_file is None:
            raise ValueError("key_file is needed by mode static")
        if self.mode is not DelegationMode.STATIC and not self.source_addresses:
            raise ValueError(f"source_addresses is needed by mode {self.mode}")
        if self.mode is DelegationMode.PER_COMMAND and self.certificate_seconds > 60:
            raise ValueError("certificate_seconds is at most 60 in mode per-command")
        return self


class SchedulerSettings(Block):
    """The workload manager and the environment of its commands."""

    kind: str = Field(description="An entry point of firecrest_gql.schedulers: slurm, pbs, direct, …")
    path: PlainText = Field("/usr/local/bin:/usr/bin:/bin", description="PATH of every command on this system")
    environment: dict[Variable, PlainText] = Field(
        default_factory=dict, description="Further variables, such as SLURM_CONF"
    )
    commands_per_second: float = Field(20, gt=0, description="Programs that ask the controller, of all")
    commands_at_once: int = Field(20, ge=1, description="Commands to the controller that run at once")
    accounting_per_second: float = Field(10, gt=0, description="Programs that ask accounting, of all")
    accounting_at_once: int = Field(5, ge=1, description="Commands to accounting that run at once")
    allowed_options: tuple[str, ...] = Field(
        (), description="Further options that a job may give: a name, for all its values, or a pattern of option=value"
    )


class QuotaFormat(StrEnum):
    """What prints quotas, and so how they are read."""

    LFS = "lfs"
    QUOTA = "quota"
    MMLSQUOTA = "mmlsquota"
    JSON = "json"


class QuotaSettings(Block):
    """A command that tells quotas; it runs as the user."""

    format: QuotaFormat
    command: tuple[str, ...] = Field(
        min_length=1, description="The program and its arguments; {username} and {path} are replaced"
    )


class FileSystemSettings(Block):
    """A file system that users may reach."""

    path: AbsolutePath
    kind: str | None = Field(None, description="scratch, home, archive, …")
    default: bool = False
    user_path: str | None = Field(None, description="The user's own directory there; {username} is replaced")
    quotas: tuple[QuotaSettings, ...] = Field((), description="The commands that tell the quotas of this file system")


class SystemLimits(Block):
    """Bounds on what one request may take on this system."""

    command_timeout_seconds: float = Field(30, gt=0, le=600)
    stream_timeout_seconds: float = Field(86_400, gt=0, description="The longest that a tail is followed")
    max_inline_file_size: int = Field(5 * 2**20, ge=1, le=2**30, description="Bytes of a file read or written inline")
    max_extracted_size: int = Field(2**30, ge=1, description="Bytes that one archive may hold")
    max_extracted_entries: int = Field(100_000, ge=1, description="Entries that one archive may hold")
    max_extracted_ratio: int = Field(1_000, ge=1, description="Bytes for each byte of an archive, above 64 MiB")
    max_output_size: int = Field(16 * 2**20, ge=2**16, description="Bytes of output that one command may give")
    commands_per_user: int = Field(8, ge=1, description="Remote commands of one user at once; more wait")
    costly_per_user: int = Field(2, ge=1, description="Costly ones of them at once (see disabled_operations)")
    streams_per_user: int = Field(32, ge=1, description="Followed files and other streams of one user at once")
    queued_per_user: int = Field(200, ge=0, description="Remote commands of one user that wait; more are OVERLOADED")
    queue_seconds: float = Field(30, gt=0, description="How long one waits before OVERLOADED")
    connect_seconds: float = Field(10, gt=0, description="For a connection and its login")


class SystemSettings(Block):
    """One supercomputer, or anything that sshd answers for."""

    name: Name
    description: str | None = None
    login_nodes: tuple[LoginNode, ...] = Field(min_length=1, description="A dead one is skipped")
    host_keys: tuple[PublicKey, ...] = Field((), description="OpenSSH public keys that the login nodes may show")
    host_authorities: tuple[PublicKey, ...] = Field((), description="Public keys of CAs that sign host keys")
    jump_host: LoginNode | None = None
    delegation: DelegationSettings
    scheduler: SchedulerSettings
    file_systems: tuple[FileSystemSettings, ...] = ()
    allowed_paths: tuple[AbsolutePath, ...] = Field(
        ("/",), description="Trees that file operations may touch, besides the home"
    )
    limits: SystemLimits = SystemLimits()
    transfers: TransferSettings = TransferSettings()
    disabled_operations: tuple[Operation, ...] = Field((), description="Costly operations that are UNSUPPORTED here")
    service_account: AccountName | None = Field(None, description="Account of probes and of job watching")
    required_scope: str | None = Field(None, description="Scope without which nobody sees the system; None: every user")
    allowed_users: tuple[str, ...] | None = Field(None, description="User names that may use it; None: every user")

    @model_validator(mode="after")
    def _verifiable(self) -> "SystemSettings":
        if not self.host_keys and not self.host_authorities:
            raise ValueError("host_keys or host_authorities is needed: host keys are always verified")
        return self

    @model_validator(mode="after")
    def _served(self) -> "SystemSettings":
        if self.service_account is not None and self.scheduler.kind in WITHOUT_SERVICE_ACCOUNT:
            raise ValueError(
                f"service_account: leave it out, for the scheduler {self.scheduler.kind} runs sh for all that it does, "
                "which the signer allows no service account"
            )
        return self

    def admits(self, username: str, scopes: frozenset[str]) -> bool:
        """Whether this user may use the system at all."""
        scoped = self.required_scope is None or self.required_scope in scopes
        return scoped and (self.allowed_users is None or username in self.allowed_users)
