"""The direct dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from firecrest_gql.command import Command
from firecrest_gql.model.cluster import ComputeNode, Project, Reservation
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, Partition, SubmitEstimate
from firecrest_gql.model.tasks import CommandOutput
from firecrest_gql.schedulers.dialect import (
    ACT_NEEDS,
    Feature,
    Outcomes,
    require_features,
    require_job_ids,
    unsupported,
)
from firecrest_gql.schedulers.direct.commands import Cancel, Find, Partitions, Submit, Version
from firecrest_gql.schedulers.direct.listing import PARTITION, Queue
from firecrest_gql.schedulers.specification import require_carriable, require_key, signal_name

JOB_ID = r"[1-9][0-9]{0,15}"


class Direct:
    """Jobs as detached processes in the account's own home; it does none of the optional features."""

    kind = "direct"
    features: frozenset[Feature] = frozenset({Feature.ARGUMENTS, Feature.STDIN})

    def complete(self, spec: JobSpec) -> None:
        """Everything is told by what was given."""

    def submit(self, spec: JobSpec, key: str) -> Command[str]:
        """Idempotent by itself: the same key gives the same job."""
        require_key(key)
        require_carriable(spec)
        if spec.partition == PARTITION:
            spec = replace(spec, partition=None)
        require_features(self.kind, self.features, spec)
        return Submit(spec, key)

    def estimate(self, spec: JobSpec) -> Command[SubmitEstimate]:
        """Whatever can begin begins at once."""
        raise unsupported(self.kind, Feature.ESTIMATES)

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

    def cancel(self, job_ids: Sequence[str], signal: str | None = None) -> Command[Outcomes]:
        """SIGTERM, and SIGKILL 5 s later; or the signal, which reaches every process of the job."""
        require_job_ids(JOB_ID, job_ids)
        return Cancel(tuple(job_ids), signal_name(signal))

    def act(self, act: JobAct, job_ids: Sequence[str]) -> Command[Outcomes]:
        """Nothing holds a process back that has begun at once."""
        raise unsupported(self.kind, ACT_NEEDS[act])

    def update(self, job_id: str, change: JobChange) -> Command[None]:
        """No job ever waits."""
        raise unsupported(self.kind, Feature.UPDATE)

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
        """Scripts are not told."""
        raise unsupported(self.kind, Feature.SCRIPTS)

    def attach(self, job_id: str, command: Sequence[str]) -> Command[CommandOutput]:
        """A job has no allocation to be inside of."""
        raise unsupported(self.kind, Feature.ATTACH)

    def projects(self, username: str) -> Command[list[Project]]:
        """Nobody is charged."""
        raise unsupported(self.kind, Feature.ACCOUNTS)

    def version(self) -> Command[str]:
        """The kernel's."""
        return Version()
