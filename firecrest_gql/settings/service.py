"""The service's own blocks of the settings."""

import re
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from firecrest_gql.settings.block import Block
from firecrest_gql.settings.storage import StorageSettings
from firecrest_gql.settings.system import SystemSettings

SYSTEM_ACCOUNTS = frozenset(
    """root bin daemon adm lp sync shutdown halt mail operator games ftp nobody sshd slurm munge mysql postgres sys man
    news uucp proxy www-data backup list irc gnats systemd-network systemd-resolve messagebus""".split()  # noqa: SIM905
)

FORM_SIZE = 64 * 1024  # bytes of a multipart request around the file in it


class IdentitySettings(Block):
    """The centre's OIDC provider and what its tokens must say."""

    issuer: str = Field(description="The iss claim; discovery is read below it")
    audience: str = Field(description="What the aud claim must contain")
    required_scope: str | None = Field(None, description="A scope that every token needs")
    username_claim: str = Field("preferred_username", description="The claim that names the account on the systems")
    username_pattern: str = Field(r"[a-z_][a-z0-9_-]{0,31}", description="What the whole user name must match")
    refused_users: frozenset[str] = Field(
        SYSTEM_ACCOUNTS,
        description="System accounts, refused whatever the token says",
    )
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
    access_token_type: bool = Field(True, description="Demand typ at+jwt (RFC 9068); false for providers that say JWT")
    leeway_seconds: int = Field(10, ge=0, le=120, description="Clock difference that is forgiven")
    key_cooldown_seconds: float = Field(10, ge=1, description="Between two readings of the key set for unknown key ids")

    @field_validator("username_pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value

    @field_validator("algorithms")
    @classmethod
    def _asymmetric(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if weak := [name for name in value if name == "none" or name.startswith("HS")]:
            raise ValueError(f"only asymmetric algorithms: not {', '.join(weak)}")
        return value


class AuthoritySettings(Block):
    """Who signs: a signer behind a socket, or a CA key in this process (`serve` then holds it)."""

    socket: Path | None = Field(None, description="Unix socket of `firecrest-gql signer`")
    ca_key_file: Path | None = Field(
        None, description="The CA's private key, OpenSSH format; read by `signer` (or in-process)"
    )
    seal_key_file: Path | None = Field(
        None, description="Key that seals grants, made at the first start; read by `signer`"
    )
    allowed_uids: tuple[int, ...] = Field((), description="Who may call the signer's socket; empty: its own uid")
    grant_seconds: int = Field(7 * 86_400, ge=60, description="Life of a grant that a task keeps")


class ServerSettings(Block):
    """The HTTP edge."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    allowed_origins: tuple[str, ...] = Field((), description="Origins, besides our own, whose pages may call us")
    public_url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Where clients find us; None: as each request says"
    )
    probe_seconds: float = Field(10, ge=1, description="Between two looks at each system and component")
    playground: bool = Field(True, description="Serve GraphiQL at /")
    playground_directory: Path | None = Field(None, description="The built playground; None: beside the package")
    playground_clients_file: Path | None = Field(None, description="The demo's token helper")


class LimitSettings(Block):
    """Bounds on what a stranger can make grow."""

    max_body_size: int = Field(8 * 2**20, ge=1024, description="Bytes of one HTTP request")
    max_message_size: int = Field(256 * 1024, ge=1024, description="Bytes of one websocket message; more goes by POST")
    max_bodies_size: int = Field(256 * 2**20, ge=2**20, description="Bytes of the large requests held at the same time")
    max_answer_size: int = Field(
        32 * 2**20, ge=1024, description="Bytes of files that one answer carries, all together"
    )
    max_query_depth: int = Field(15, ge=1)
    max_query_cost: int = Field(10_000, ge=1)
    max_query_tokens: int = Field(5_000, ge=1)
    max_page_size: int = Field(1_000, ge=1)
    max_subscriptions_per_socket: int = Field(200, ge=1)
    max_sockets: int = Field(10_000, ge=1)
    max_wait_seconds: float = Field(30, ge=0, description="The longest that waitSeconds holds an answer")
    request_seconds: float = Field(120, gt=0, description="The longest that one query or mutation runs")


class WorkerSettings(Block):
    """The process that runs tasks."""

    concurrency: int = Field(20, ge=1, description="Tasks at once in one worker, half of them of one user")
    heartbeat_seconds: int = Field(5, ge=1, description="A task whose worker is silent for so long is taken over")
    retry_seconds: float = Field(900, ge=0, description="How long a task is tried again while a system is away")
    grace_seconds: int = Field(10, ge=0, le=300, description="What running work has when the worker is to stop")
    task_retention_seconds: int = Field(30 * 86_400, ge=60)
    transfer_retention_seconds: int = Field(30 * 86_400, ge=60, description="After its last change")
    event_retention: int = Field(10_000, ge=100, description="Events kept for each user")


class Settings(BaseSettings):
    """Everything that an administrator can say."""

    model_config = SettingsConfigDict(env_prefix="FIRECREST_", env_nested_delimiter="__", extra="ignore", frozen=True)

    name: str = "firecrest-gql"
    identity: IdentitySettings
    redis_url: SecretStr = Field(description="redis://, rediss:// or unix://")
    authority: AuthoritySettings = AuthoritySettings()
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    worker: WorkerSettings = WorkerSettings()
    storage: StorageSettings | None = Field(None, description="None: no external transfers")
    systems: tuple[SystemSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> "Settings":
        names = [system.name for system in self.systems]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"systems: the name {', '.join(twice)} stands more than once")
        return self

    @model_validator(mode="after")
    def _files_fit(self) -> "Settings":
        """What is promised of files must fit into requests and answers."""
        room = min(self.limits.max_body_size - FORM_SIZE, self.limits.max_answer_size)
        if larger := [system.name for system in self.systems if system.limits.max_inline_file_size > room]:
            raise ValueError(
                f"systems: max_inline_file_size of {', '.join(larger)} is over {room}: it has to fit into "
                f"limits.max_body_size, with {FORM_SIZE} bytes for the form around it, and into limits.max_answer_size"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file, whose values come as arguments."""
        return env_settings, init_settings

    def system(self, name: str) -> SystemSettings | None:
        """The block of the system with this name."""
        return next((system for system in self.systems if system.name == name), None)
