"""Jobs as a scheduler tells of them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from firecrest_gql.model.array_tasks import overlap, several


class JobState(StrEnum):
    """Where a job is in its life."""

    PENDING = "PENDING"
    HELD = "HELD"
    CONFIGURING = "CONFIGURING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    COMPLETING = "COMPLETING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    DEADLINE = "DEADLINE"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    NODE_FAIL = "NODE_FAIL"
    BOOT_FAIL = "BOOT_FAIL"
    PREEMPTED = "PREEMPTED"
    REQUEUED = "REQUEUED"
    UNKNOWN = "UNKNOWN"


FINAL_JOB_STATES = frozenset(
    {
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.TIMEOUT,
        JobState.DEADLINE,
        JobState.OUT_OF_MEMORY,
        JobState.NODE_FAIL,
        JobState.BOOT_FAIL,
        JobState.PREEMPTED,
    }
)


NOWHERE = "/dev/null"
"""Where output goes that nobody wants to keep."""

NOT_BEGUN = frozenset({JobState.PENDING, JobState.HELD, JobState.CONFIGURING, JobState.REQUEUED})


class JobAct(StrEnum):
    """What can be done to several jobs at once, besides cancelling them."""

    HOLD = "HOLD"
    RELEASE = "RELEASE"
    REQUEUE = "REQUEUE"


class OutputStream(StrEnum):
    """One of a job's two outputs."""

    STDOUT = "STDOUT"
    STDERR = "STDERR"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStep:
    """One part of a job that the scheduler has started by itself: the script, and what the script starts."""

    step_id: str
    name: str
    state: JobState
    exit_code: int | None = None
    signal: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    elapsed_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUsage:
    """What accounting alone tells of a job: its steps, the most memory of one in bytes, the processors' time."""

    steps: tuple[JobStep, ...] = ()
    max_memory: int | None = None
    cpu_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, as seen at `observed_at`; what the scheduler did not tell is None, `usage` too where nobody asked."""

    system: str
    job_id: str
    name: str
    user: str
    state: JobState
    observed_at: datetime
    raw_id: str | None = None
    raw_state: str | None = None
    account: str | None = None
    partition: str | None = None
    qos: str | None = None
    reason: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    priority: int | None = None
    submitted_at: datetime | None = None
    estimated_start_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    elapsed_seconds: int | None = None
    time_limit_seconds: int | None = None
    node_count: int | None = None
    cpu_count: int | None = None
    gpu_count: int | None = None
    memory: int | None = None
    node_list: str | None = None
    working_directory: str | None = None
    stdin_path: str | None = None
    stdout_path: str | None = None
    stderr_path: str | None = None
    array_job_id: str | None = None
    array_task_id: str | None = None
    dependency: str | None = None
    comment: str | None = None
    usage: JobUsage | None = None

    @property
    def ids(self) -> frozenset[str]:
        """All that it answers to: its own id, its number, its array's, its heterogeneous job's."""
        told = (self.job_id, self.raw_id, self.array_job_id, self.job_id.partition("+")[0])
        return frozenset(job_id for job_id in told if job_id)

    def answers_to(self, job_id: str) -> bool:
        """Whether the id names it, all or part of what it stands for, or what it is a part of."""
        return job_id in self.ids or overlap(job_id, self.job_id)

    def narrowed(self, job_id: str) -> "Job":
        """The task of this id alone, where this is what several tasks of an array have together."""
        if several(job_id) or not overlap(job_id, self.job_id):
            return self
        return replace(self, job_id=job_id, array_task_id=job_id.partition("_")[2])

    @property
    def final(self) -> bool:
        """Whether the state can no longer change."""
        return self.state in FINAL_JOB_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A queue of the scheduler."""

    name: str
    default: bool
    state: str | None = None
    node_count: int | None = None
    cpu_count: int | None = None
    time_limit_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; None: no such condition. Without `since`: the live queue and the last 24 h."""

    states: tuple[JobState, ...] | None = None
    name: str | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    users: tuple[str, ...] | None = None
    all_users: bool = False
    job_ids: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to submit; exactly one of `script` (the text) and `script_path` (a file on the system) is set.

    `comment` is what the user's own file on the system says there (see `Scheduler.complete`).
    """

    script: str | None = None
    script_path: str | None = None
    arguments: tuple[str, ...] = ()
    working_directory: str | None = None
    name: str | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    reservation: str | None = None
    constraint: str | None = None
    stdin_path: str | None = None
    stdout_path: str | None = None
    stderr_path: str | None = None
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    time_limit_seconds: int | None = None
    node_count: int | None = None
    task_count: int | None = None
    cpus_per_task: int | None = None
    memory: int | None = None
    gpu_count: int | None = None
    array: str | None = None
    dependency: str | None = None
    options: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitEstimate:
    """What the scheduler says of a job that it was only asked about; what it did not tell is None."""

    estimated_start_at: datetime | None = None
    partition: str | None = None
    node_count: int | None = None
    cpu_count: int | None = None
    node_list: str | None = None
    message: str | None = None
    type: Literal["SubmitEstimate"] = "SubmitEstimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """What is to change of a pending job; None: it stays."""

    name: str | None = None
    partition: str | None = None
    time_limit_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """A change of a job that a poll saw; `previous_state` is None for the state at the start."""

    job: Job
    previous_state: JobState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChunk:
    """Bytes of a growing file from `offset` on; `reset`: the file was truncated or replaced, offsets begin anew."""

    offset: int
    data: bytes
    reset: bool = False

    @property
    def next_offset(self) -> int:
        """Where the next chunk begins."""
        return self.offset + len(self.data)
