"""What squeue and sacct call the fields of a job, and how their words are read: both tell of a job alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from firecrest_gql.model.jobs import FINAL_JOB_STATES, JobState
from firecrest_gql.schedulers.slurm.comment import own_comment
from firecrest_gql.schedulers.slurm.states import job_state
from firecrest_gql.schedulers.slurm.values import count, gpus, memory, number, seconds, text, time

Row = Mapping[str, str]
Column = tuple[str, Callable[[str], Any]]

# https://slurm.schedmd.com/squeue.html#OPT_Format, https://slurm.schedmd.com/sacct.html#SECTION_Job-Accounting-Fields
TABLE: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("job_id", "JobArrayID", "JobID", str),
    ("raw_id", "JobID", "JobIDRaw", str),
    ("name", "Name", "JobName", str),
    ("user", "UserName", "User", str),
    ("raw_state", "State", "State", str),
    ("reason", "Reason", "Reason", text),
    ("account", "Account", "Account", text),
    ("partition", "Partition", "Partition", text),
    ("qos", "QOS", "QOS", text),
    ("priority", "PriorityLong", "Priority", number),
    ("submitted_at", "SubmitTime", "Submit", time),
    ("elapsed_seconds", "TimeUsed", "Elapsed", seconds),
    ("time_limit_seconds", "TimeLimit", "Timelimit", seconds),
    ("node_count", "NumNodes", "NNodes", count),
    ("cpu_count", "NumCPUs", "NCPUS", count),
    ("gpu_count", "tres-alloc", "AllocTRES", gpus),
    ("memory", "tres-alloc", "AllocTRES", memory),
    ("node_list", "NodeList", "NodeList", text),
    ("working_directory", "WorkDir", "WorkDir", text),
    ("comment", "Comment", "Comment", own_comment),
)
LIVE: Mapping[str, Column] = {field: (squeue, read) for field, squeue, _, read in TABLE}
RECORDED: Mapping[str, Column] = {field: (sacct, read) for field, _, sacct, read in TABLE}
STEP: Mapping[str, Column] = {
    "step_id": ("JobID", str),
    "name": ("JobName", str),
    "elapsed_seconds": ("Elapsed", seconds),
}

# Their start is the scheduler's guess.
WAITING = frozenset({JobState.PENDING, JobState.HELD, JobState.REQUEUED})


def columns(table: Mapping[str, Column], *more: str) -> tuple[str, ...]:
    """The names that the program is asked for, each once."""
    return tuple(dict.fromkeys([*(name for name, _ in table.values()), *more]))


def read(row: Row, table: Mapping[str, Column]) -> dict[str, Any]:
    """The fields of the table."""
    return {field: reader(row[name]) for field, (name, reader) in table.items()}


@dataclass(frozen=True, slots=True)
class Life:
    """What a program tells of a job's life, to which only the state gives a meaning."""

    state: JobState
    begin: datetime | None
    end: datetime | None
    exit: tuple[int | None, int | None]
    placed: bool = True

    @classmethod
    def of(
        cls, row: Row, begin: str, end: str, exit_: tuple[int | None, int | None], priority: int | None = None
    ) -> "Life":
        """The life of a job; of one cancelled before it began Slurm tells the time of that as its start."""
        state = job_state(row["State"], text(row["Reason"]), priority)
        return cls(state, time(row[begin]), time(row[end]), exit_, text(row["NodeList"]) is not None)

    def fields(self) -> dict[str, Any]:
        """A running job's end, which Slurm tells too, is when its time will be over."""
        final, waiting = self.state in FINAL_JOB_STATES, self.state in WAITING
        started = self.begin if self.placed and not waiting else None
        code, signal = self.exit if final and started else (None, None)
        told = {"state": self.state, "started_at": started, "ended_at": self.end if final else None}
        return {**told, "exit_code": code, "signal": signal}

    @property
    def estimate(self) -> datetime | None:
        """When the scheduler expects to start a job that waits."""
        return self.begin if self.state in WAITING else None
