"""What a workload manager's dialect offers: commands as values, and the list of what it cannot do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from firecrest_gql.command import Command
from firecrest_gql.errors import InvalidInput, Unsupported
from firecrest_gql.model.cluster import ComputeNode, Project, Reservation
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, Partition, SubmitEstimate
from firecrest_gql.model.tasks import CommandOutput, TaskError


class Feature(StrEnum):
    """What a workload manager may be able to do, by the words of an error's message."""

    PARTITIONS = "partitions"
    ACCOUNTS = "accounts"
    QOS = "qualities of service"
    RESERVATIONS = "reservations"
    CONSTRAINTS = "constraints"
    ARRAYS = "job arrays"
    DEPENDENCIES = "dependencies between jobs"
    NODES = "jobs of several nodes"
    TASKS = "jobs of several tasks"
    CPUS = "a number of CPUs"
    MEMORY = "a limit of memory"
    GPUS = "GPUs"
    OPTIONS = "further options"
    ACCOUNTING = "accounting"
    HOLD = "holding and releasing jobs"
    REQUEUE = "requeueing jobs"
    UPDATE = "changing pending jobs"
    COMPUTE_NODES = "listing compute nodes"
    SCRIPTS = "telling a job's script"
    ESTIMATES = "checking a job without submitting it"
    ATTACH = "commands inside running jobs"
    ARGUMENTS = "arguments of a script"
    STDIN = "a file as standard input"
    PROJECTS = "telling a user's accounts"


# The field of a JobSpec, the greatest number that needs no feature (None: any value needs it), the feature.
NEEDS: tuple[tuple[str, int | None, Feature], ...] = (
    ("partition", None, Feature.PARTITIONS),
    ("account", None, Feature.ACCOUNTS),
    ("qos", None, Feature.QOS),
    ("reservation", None, Feature.RESERVATIONS),
    ("constraint", None, Feature.CONSTRAINTS),
    ("array", None, Feature.ARRAYS),
    ("dependency", None, Feature.DEPENDENCIES),
    ("node_count", 1, Feature.NODES),
    ("task_count", 1, Feature.TASKS),
    ("cpus_per_task", 1, Feature.CPUS),
    ("memory", None, Feature.MEMORY),
    ("gpu_count", 0, Feature.GPUS),
    ("options", None, Feature.OPTIONS),
    ("arguments", None, Feature.ARGUMENTS),
    ("stdin_path", None, Feature.STDIN),
)


ACT_NEEDS = {JobAct.HOLD: Feature.HOLD, JobAct.RELEASE: Feature.HOLD, JobAct.REQUEUE: Feature.REQUEUE}

SUBMIT_SECONDS = 60.0
"""How long a submission may take, which is generous: a job may exist although nobody has waited for the answer."""

Outcomes = Mapping[str, TaskError | None]
"""What became of each job that was asked for: None where it went well."""


@dataclass(frozen=True, slots=True)
class Recall:
    """How long a job that has ended can be found by its key: whether a submission of yesterday is known to this day."""

    queue_seconds: int | None
    """How long the live queue tells of it; None: for as long as a key is kept."""
    accounted: bool
    """Whether accounting keeps what carries the key."""
    advice: str = ""
    """What a site can do where accounting does not."""

    def remembers(self, seconds: float) -> bool:
        """Whether a job that ended so long ago would be found."""
        return self.accounted or self.queue_seconds is None or seconds <= self.queue_seconds


@dataclass(frozen=True, slots=True)
class Shown:
    """How the queue shows the files of a job: names in which patterns may stand."""

    stdin: str
    stdout: str
    stderr: str


class Scheduler(Protocol):
    """One workload manager: pairs of what to run and how to read it.

    Every method raises `InvalidInput` for what can never work and `Unsupported` for what this manager does not do;
    each command raises `SchedulerRejected` for a refusal and `SystemUnavailable` where the manager does not answer.
    """

    @property
    def kind(self) -> str:
        """The name in the settings and in the contract."""

    @property
    def features(self) -> frozenset[Feature]:
        """What it can do beyond submitting, listing and cancelling."""

    def complete(self, spec: JobSpec) -> Command[JobSpec] | None:
        """A look on the system that must come before `submit`, such as for a comment in a script there; None: none."""

    def submit(self, spec: JobSpec, key: str) -> Command[str]:
        """Submit; the job id. The key travels with the job: a retry looks for it with `find` first."""

    def estimate(self, spec: JobSpec) -> Command[SubmitEstimate]:
        """Have the job checked and submit nothing; when and where it would start."""

    def find(self, key: str, username: str, system: str) -> Command[str | None]:
        """The id of this user's job that carries the key, as far as the live queue knows it."""

    def find_accounted(self, key: str, username: str, since: datetime) -> Command[str | None] | None:
        """The same out of accounting, for jobs submitted after `since`; None where there is no accounting."""

    def recall(self) -> Command[Recall] | None:
        """How far back `find` and `find_accounted` can be believed; None: as far as a key is kept."""

    def queue(self, job_filter: JobFilter, username: str, system: str) -> Command[list[Job]]:
        """The live queue as this user may see it; ids that it does not know are left out."""

    def accounting(
        self, job_filter: JobFilter, username: str, system: str, usage: bool = False
    ) -> Command[list[Job]] | None:
        """The record of jobs, which may lag behind the queue, with their usage if asked; None where there is none."""

    def shown(self, job_id: str) -> Command[Shown | None] | None:
        """What to keep of the files of a job that was accepted; None where the record of jobs tells them by itself."""

    def with_files(self, job: Job, shown: Shown) -> Job:
        """The job out of the record, with the files that `shown` means for it."""

    def cancel(self, job_ids: Sequence[str], signal: str | None = None) -> Command[Outcomes]:
        """Cancel, or send a signal to the processes; one result of each id, None where it went well.

        To cancel a job that has ended is no error.
        """

    def act(self, act: JobAct, job_ids: Sequence[str]) -> Command[Outcomes]:
        """Hold, release or requeue; one result of each id, None where it went well, or was so before."""

    def update(self, job_id: str, change: JobChange) -> Command[None]:
        """Change a job that waits; raises `NotFound`, and `Conflict` for one that has begun."""

    def partitions(self, show_hidden: bool = False) -> Command[list[Partition]]:
        """The queues that jobs can be submitted to."""

    def nodes(self) -> Command[list[ComputeNode]]:
        """What jobs run on."""

    def reservations(self) -> Command[list[Reservation]]:
        """What is kept for some."""

    def scripts(self, job_ids: Sequence[str]) -> Command[Mapping[str, str | None]]:
        """The script of each job; None where it is no longer known, or not this user's to read.

        An id that is left out must be asked for alone.
        """

    def attach(self, job_id: str, command: Sequence[str]) -> Command[CommandOutput]:
        """Run this inside the allocation of a job, by its `raw_id` where it has one; `Conflict` if it does not run."""

    def projects(self, username: str) -> Command[list[Project]]:
        """The accounts that this user's jobs can be charged to."""

    def version(self) -> Command[str]:
        """The version; answering says that the manager is alive."""


def require_features(kind: str, features: frozenset[Feature], spec: JobSpec) -> None:
    """Raise `Unsupported` for the first field of the job that this scheduler has no use for."""
    for name, harmless, feature in NEEDS:
        value = getattr(spec, name)
        needed = bool(value) if harmless is None else value is not None and value > harmless
        if needed and feature not in features:
            raise Unsupported(f"the scheduler {kind} does not support {feature}: leave out {name}")


def unsupported(kind: str, feature: Feature) -> Unsupported:
    """The error of a scheduler that does not do that."""
    return Unsupported(f"the scheduler {kind} does not support {feature}")


def merge(queue: Sequence[Job], accounting: Sequence[Job]) -> list[Job]:
    """Each job once: the live queue knows better than accounting, which lags, until the job has ended there.

    So it knows which tasks of an array still wait, whatever accounting has recorded of that before.
    """
    live = {job.job_id: job for job in queue}
    recorded = {job.job_id: job for job in accounting if job.job_id not in live}
    arrays = {job.array_job_id for job in queue}
    return [*live.values(), *(job for job in recorded.values() if not (waits(job) and job.array_job_id in arrays))]


def waits(job: Job) -> bool:
    """Whether it is the waiting rest of an array, which is one job under an id that changes."""
    return not job.final and job.array_task_id is not None and not job.array_task_id.isdecimal()


def require_job_ids(pattern: str, job_ids: Sequence[str]) -> None:
    """Raise `InvalidInput` for the first that cannot be a job's id here."""
    for job_id in job_ids:
        if not re.fullmatch(pattern, job_id):
            raise InvalidInput(f"{job_id!r} is no job id")
