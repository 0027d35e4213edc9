"""The direct dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from firecrest_gql.command import Command
from firecrest_gql.errors import InvalidInput, SchedulerRejected
from firecrest_gql.model.cluster import ComputeNode, Project, Reservation
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, Partition, SubmitEstimate
from firecrest_gql.model.tasks import CommandOutput
from firecrest_gql.schedulers.dialect import (
    Feature,
    Outcomes,
    Shown,
    require_features,
    require_job_ids,
    unsupported,
)
from firecrest_gql.schedulers.direct.arrays import array, dependencies
from firecrest_gql.schedulers.direct.commands import Estimate, Find, Partitions, Scripts, Submit, Version
from firecrest_gql.schedulers.direct.control import Act, Cancel, Update
from firecrest_gql.schedulers.direct.listing import PARTITION, Queue
from firecrest_gql.schedulers.specification import require_carriable, require_key, signal_name

JOB_ID = r"[1-9][0-9]{0,15}(_[0-9]{1,9})?"


class Direct:
    """Jobs as detached processes in the account's own home."""

    kind = "direct"
    features: frozenset[Feature] = frozenset(
        {
            Feature.ARGUMENTS,
            Feature.ARRAYS,
            Feature.DEPENDENCIES,
            Feature.ESTIMATES,
            Feature.HOLD,
            Feature.REQUEUE,
            Feature.SCRIPTS,
            Feature.STDIN,
            Feature.UPDATE,
        }
    )

    def complete(self, spec: JobSpec) -> None:
        """Everything is told by what was given."""

    def submit(self, spec: JobSpec, key: str) -> Command[str]:
        """Idempotent by itself: the same key gives the same job."""
        require_key(key)
        return Submit(self._possible(spec), key)

    def estimate(self, spec: JobSpec) -> Command[SubmitEstimate]:
        """The checks of a submission; what waits for nothing begins at once."""
        return Estimate(self._possible(spec))

    def find(self, key: str, username: str, system: str) -> Command[str | None]:
        """The id of the job with this key, running or ended."""
        require_key(key)
        return Find(key)

    def find_accounted(self, key: str, username: str, since: datetime) -> None:
        """There is no accounting."""

    def recall(self) -> None:
        """Keys are kept for 30 days after their job's end."""

    def queue(self, job_filter: JobFilter, username: str, system: str) -> Command[list[Job]]:
        """The user's jobs of the last 30 days; other users' are never seen."""
        require_job_ids(JOB_ID, job_filter.job_ids or ())
        return Queue(system, username, job_filter)

    def accounting(self, job_filter: JobFilter, username: str, system: str, usage: bool = False) -> None:
        """There is no accounting: the queue keeps ended jobs."""

    def shown(self, job_id: str) -> None:
        """The queue keeps ended jobs, with their files."""

    def with_files(self, job: Job, shown: Shown) -> Job:
        """As it was told."""
        return job

    def cancel(self, job_ids: Sequence[str], signal: str | None = None) -> Command[Outcomes]:
        """SIGTERM, and SIGKILL 5 s later; or the signal, which reaches every process of the job."""
        require_job_ids(JOB_ID, job_ids)
        return Cancel(tuple(job_ids), signal_name(signal))

    def act(self, act: JobAct, job_ids: Sequence[str]) -> Command[Outcomes]:
        """Waiting jobs are held and released, running ones requeued."""
        require_job_ids(JOB_ID, job_ids)
        return Act(act, tuple(job_ids))

    def update(self, job_id: str, change: JobChange) -> Command[None]:
        """Name and time limit of a job, or of a whole array, of which nothing has begun."""
        require_job_ids(JOB_ID, (job_id,))
        if "_" in job_id:
            raise InvalidInput(f"{job_id}: an array's tasks share name and time limit; name the array")
        if change.partition not in (None, PARTITION):
            raise SchedulerRejected(f"Invalid partition: {change.partition!r}; {self.kind} has {PARTITION} alone")
        return Update(job_id, change)

    def partitions(self, show_hidden: bool = False) -> Command[list[Partition]]:
        """One, named local."""
        return Partitions()

    def nodes(self) -> Command[list[ComputeNode]]:
        """The one machine is no cluster."""
        raise unsupported(self.kind, Feature.COMPUTE_NODES)

    def reservations(self) -> Command[list[Reservation]]:
        """Nothing is kept for anybody."""
        raise unsupported(self.kind, Feature.RESERVATIONS)

    def scripts(self, job_ids: Sequence[str]) -> Command[Mapping[str, str | None]]:
        """As they were submitted, for as long as the jobs' records are kept."""
        require_job_ids(JOB_ID, job_ids)
        return Scripts(tuple(job_ids))

    def attach(self, job_id: str, command: Sequence[str]) -> Command[CommandOutput]:
        """A job has no allocation to be inside of."""
        raise unsupported(self.kind, Feature.ATTACH)

    def projects(self, username: str) -> Command[list[Project]]:
        """Nobody is charged."""
        raise unsupported(self.kind, Feature.ACCOUNTS)

    def version(self) -> Command[str]:
        """The kernel's."""
        return Version()

    def _possible(self, spec: JobSpec) -> JobSpec:
        """The job, without the name of the one partition; raises for what can never work here."""
        require_carriable(spec)
        if spec.partition == PARTITION:
            spec = replace(spec, partition=None)
        require_features(self.kind, self.features, spec)
        array(spec.array)
        dependencies(spec.dependency)
        return spec
