"""Transfers: bytes that move into a system, out of it, or inside it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from firecrest_gql.model.files import Compression
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
    """On what terms a transfer's job is to run; None: as the site has it. `size`: the bytes that it moves, if known."""

    account: str | None = None
    time_limit_seconds: int | None = None
    after_job: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer; `task_id` is the task that is on it now, `job` the scheduler's job that moves the bytes.

    `size` and `bytes_transferred` in bytes; paths are absolute, and None where there is none. `asked` is what its tasks
    have for input. Of what goes through the object store: the multipart upload and its parts' size, the compression of
    an archive and the bytes that it may have, when a part last arrived, since when the object is whole, and when the
    job's URLs were signed; of a copy between systems the bytes of the object, and the mode of a file.
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
    asked: dict[str, Any] = field(default_factory=dict, repr=False)
    upload_id: str | None = field(default=None, repr=False)
    part_size: int | None = None
    packing: Compression | None = None
    estimate: int | None = None
    arrived_at: datetime | None = None
    staged_at: datetime | None = None
    signed_at: datetime | None = None
    staged_size: int | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadWish:
    """What a client wants to bring to a system; sizes in bytes."""

    path: str
    size: int
    sha256: str | None = None
    overwrite: bool = False
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadWish:
    """What a client wants to fetch: a file, or as an archive whatever is there; None: a file as it is."""

    path: str
    compression: Compression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyWish:
    """What is to be copied to another system, and where to; as a copy inside a system."""

    path: str
    target_system: str
    target: str
    dereference: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload that the client sends; `etag` once it has arrived."""

    number: int
    url: str = field(repr=False)
    url_expires_at: datetime
    offset: int
    size: int
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFilter:
    """Which transfers to list; None: no such condition."""

    kinds: tuple[TransferKind, ...] | None = None
    system: str | None = None
