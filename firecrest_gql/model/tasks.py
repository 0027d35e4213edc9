"""Tasks: our record of each asynchronous request."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from firecrest_gql.errors import ErrorCode
from firecrest_gql.model.jobs import SubmitEstimate
from firecrest_gql.model.page import Page


class TaskKind(StrEnum):
    """What was asked for; work functions are found by it."""

    SUBMIT_JOB = "SUBMIT_JOB"
    CANCEL_JOBS = "CANCEL_JOBS"
    HOLD_JOBS = "HOLD_JOBS"
    RELEASE_JOBS = "RELEASE_JOBS"
    REQUEUE_JOBS = "REQUEUE_JOBS"
    UPDATE_JOB = "UPDATE_JOB"
    ATTACH_TO_JOB = "ATTACH_TO_JOB"
    QUERY_JOBS = "QUERY_JOBS"
    UPLOAD = "UPLOAD"
    DOWNLOAD = "DOWNLOAD"
    COPY = "COPY"
    MOVE = "MOVE"
    REMOVE = "REMOVE"
    COMPRESS = "COMPRESS"
    EXTRACT = "EXTRACT"
    SYNC = "SYNC"


class TaskStatus(StrEnum):
    """Where a task is in its life; WAITING: for the client's upload or its own scheduler job."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FINAL_TASK_STATUSES = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why a task, or one part of it, failed."""

    code: ErrorCode
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """How much of the work is done, and of how much where that is known; in `unit`, such as bytes."""

    done: int
    total: int | None = None
    unit: str = "bytes"


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One step of a task's history."""

    version: int
    status: TaskStatus
    at: datetime
    message: str | None = None
    progress: TaskProgress | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """What work answers that waits for something: in how many seconds to look again, and what to tell until then."""

    seconds: float
    message: str | None = None
    progress: TaskProgress | None = None


@dataclass(frozen=True, slots=True)
class JobRef:
    """The recorded identity of a job; its live fields are read when asked for."""

    system: str
    job_id: str
    name: str = ""
    type: Literal["Job"] = "Job"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What became of one of the jobs that were asked for: `error` is None where it went well."""

    system: str
    job_id: str
    error: TaskError | None = None


@dataclass(frozen=True, slots=True)
class JobOutcomes:
    """One outcome of each job that was asked for, in the order asked."""

    results: tuple[JobOutcome, ...]
    type: Literal["JobResults"] = "JobResults"


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What a command inside a job has left behind; `truncated`: it wrote more than what is kept of its output."""

    exit_status: int
    stdout_text: str
    stderr_text: str
    truncated: bool
    type: Literal["CommandOutput"] = "CommandOutput"


@dataclass(frozen=True, slots=True)
class TransferRef:
    """The recorded identity of a transfer."""

    transfer_id: str
    type: Literal["Transfer"] = "Transfer"


@dataclass(frozen=True, slots=True)
class RecordedJobs:
    """The answer of a query, which is kept beside its task: `count` jobs of those that it has `found`."""

    task_id: str
    count: int
    found: int
    type: Literal["JobList"] = "JobList"

    @property
    def message(self) -> str | None:
        """What the user must know of it: where it was cut."""
        if self.count == self.found:
            return None
        return f"The latest {self.count} of {self.found} jobs are recorded: narrow the filter, such as by until."


TaskResult = JobRef | JobOutcomes | SubmitEstimate | CommandOutput | RecordedJobs | TransferRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One asynchronous request; `version` grows by one with each change; `input` and `grant` are never shown."""

    id: str
    kind: TaskKind
    status: TaskStatus
    version: int
    subject: str
    username: str
    system: str | None
    created_at: datetime
    updated_at: datetime
    request_id: str
    message: str | None = None
    progress: TaskProgress | None = None
    finished_at: datetime | None = None
    history: tuple[TaskChange, ...] = ()
    error: TaskError | None = None
    result: TaskResult | None = None
    input: dict[str, Any] = field(default_factory=dict, repr=False)
    grant: str = field(default="", repr=False)

    @property
    def final(self) -> bool:
        """Whether the status can no longer change."""
        return self.status in FINAL_TASK_STATUSES


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One change out of a user's feed and the task as it is now; `cursor` continues after it."""

    cursor: str
    change: TaskChange
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks to list; None: no such condition."""

    statuses: tuple[TaskStatus, ...] | None = None
    kinds: tuple[TaskKind, ...] | None = None
    system: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage(Page[Task]):
    """Some of a user's tasks, newest first; events behind `event_cursor` hold all that the page does not show yet."""

    event_cursor: str | None = None
