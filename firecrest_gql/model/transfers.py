"""Transfers: bytes that move into a system, out of it, or inside it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from firecrest_gql.model.tasks import JobRef


class TransferKind(StrEnum):
    """What becomes of the bytes; each is a kind of task, too."""

    UPLOAD = "UPLOAD"
    DOWNLOAD = "DOWNLOAD"
    COPY = "COPY"
    MOVE = "MOVE"
    REMOVE = "REMOVE"
    COMPRESS = "COMPRESS"
    EXTRACT = "EXTRACT"
    SYNC = "SYNC"


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a transfer's job is to run; None: as the site has it."""

    account: str | None = None
    time_limit_seconds: int | None = None
    after_job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer; `task_id` is the task that is on it now, `job` the scheduler's job that moves the bytes.

    `size` and `bytes_transferred` in bytes; paths are absolute, and None where there is none.
    """

    id: str
    kind: TransferKind
    subject: str
    username: str
    system: str
    task_id: str
    created_at: datetime
    target_system: str | None = None
    source_path: str | None = None
    target_path: str | None = None
    size: int | None = None
    bytes_transferred: int | None = None
    sha256: str | None = None
    job: JobRef | None = None
    submitted_at: datetime | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFilter:
    """Which transfers to list; None: no such condition."""

    kinds: tuple[TransferKind, ...] | None = None
    system: str | None = None
