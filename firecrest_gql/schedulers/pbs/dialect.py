"""The PBS dialect."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from firecrest_gql.command import Command
from firecrest_gql.errors import InvalidInput, Unsupported
from firecrest_gql.model.cluster import ComputeNode, Project, Reservation
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, Partition, SubmitEstimate
from firecrest_gql.model.tasks import CommandOutput
from firecrest_gql.schedulers.dialect import (
    Feature,
    Outcomes,
    Recall,
    Shown,
    require_features,
    require_job_ids,
    unsupported,
)
from firecrest_gql.schedulers.pbs.acts import Act, Cancel, Update
from firecrest_gql.schedulers.pbs.cluster import Nodes, Partitions, Reservations
from firecrest_gql.schedulers.pbs.identity import JOB_ID
from firecrest_gql.schedulers.pbs.queue import Find, History, Queue
from firecrest_gql.schedulers.pbs.request import DESTINATION, require_expressible
from firecrest_gql.schedulers.pbs.server import Recollection, Version
from firecrest_gql.schedulers.pbs.submit import Submit, require_name
from firecrest_gql.schedulers.specification import require_carriable, require_key, signal_name

# A user name that stands in a comma-separated list of qselect.
USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,255}")


class Pbs:
    """OpenPBS and PBS Professional from 19 on; the key travels as one of the job's variables."""

    kind = "pbs"
    features: frozenset[Feature] = frozenset(
        {
            Feature.PARTITIONS,
            Feature.ACCOUNTS,
            Feature.RESERVATIONS,
            Feature.ARRAYS,
            Feature.DEPENDENCIES,
            Feature.NODES,
            Feature.TASKS,
            Feature.CPUS,
            Feature.MEMORY,
            Feature.GPUS,
            Feature.ACCOUNTING,
            Feature.HOLD,
            Feature.REQUEUE,
            Feature.UPDATE,
            Feature.COMPUTE_NODES,
        }
    )

    def complete(self, spec: JobSpec) -> None:
        """Everything is told by what was given."""

    def submit(self, spec: JobSpec, key: str) -> Command[str]:
        """qsub; not idempotent: look with `find` before a retry."""
        require_key(key)
        require_carriable(spec)
        require_features(self.kind, self.features, spec)
        require_name(spec.name)
        require_expressible(spec)
        return Submit(spec, key)

    def estimate(self, spec: JobSpec) -> Command[SubmitEstimate]:
        """qsub can check nothing without submitting it."""
        raise unsupported(self.kind, Feature.ESTIMATES)

    def find(self, key: str, username: str, system: str) -> Command[str | None]:
        """Out of the user's jobs that have not ended."""
        require_key(key)
        _require_users((username,))
        return Find(key, username)

    def find_accounted(self, key: str, username: str, since: datetime) -> Command[str | None]:
        """Out of all of the user's jobs that the server keeps, which it does for two weeks unless told otherwise."""
        require_key(key)
        _require_users((username,))
        return Find(key, username, history=True)

    def recall(self) -> Command[Recall]:
        """As long as the server keeps its history."""
        return Recollection()

    def queue(self, job_filter: JobFilter, username: str, system: str) -> Command[list[Job]]:
        """By qstat: whoever is asked about, it tells of all jobs that have not ended."""
        _require_filter(job_filter, username)
        return Queue(system, username, job_filter)

    def accounting(self, job_filter: JobFilter, username: str, system: str, usage: bool = False) -> Command[list[Job]]:
        """By qstat: the server's history, which is as new as the queue, and always tells what was used."""
        _require_filter(job_filter, username)
        return History(system, username, job_filter)

    def shown(self, job_id: str) -> None:
        """The history tells a job's files."""

    def with_files(self, job: Job, shown: Shown) -> Job:
        """As it was told."""
        return job

    def cancel(self, job_ids: Sequence[str], signal: str | None = None) -> Command[Outcomes]:
        """By qdel; a signal by qsig."""
        require_job_ids(JOB_ID, job_ids)
        return Cancel(tuple(job_ids), signal_name(signal))

    def act(self, act: JobAct, job_ids: Sequence[str]) -> Command[Outcomes]:
        """By qhold, qrls and qrerun."""
        require_job_ids(JOB_ID, job_ids)
        return Act(act, tuple(job_ids))

    def update(self, job_id: str, change: JobChange) -> Command[None]:
        """By qalter; to another queue by qmove, which changes nothing else."""
        require_job_ids(JOB_ID, (job_id,))
        require_name(change.name)
        if change.partition is not None and not DESTINATION.fullmatch(change.partition):
            raise InvalidInput(f"partition: {change.partition!r} is no queue's name")
        if change.partition is not None and change != JobChange(partition=change.partition):
            raise Unsupported("the scheduler pbs does not support moving a job and changing it in one: do it in two")
        return Update(job_id, change)

    def partitions(self, show_hidden: bool = False) -> Command[list[Partition]]:
        """The queues, none of which is hidden."""
        return Partitions()

    def nodes(self) -> Command[list[ComputeNode]]:
        """By pbsnodes."""
        return Nodes()

    def reservations(self) -> Command[list[Reservation]]:
        """By pbs_rstat."""
        return Reservations()

    def scripts(self, job_ids: Sequence[str]) -> Command[Mapping[str, str | None]]:
        """The server shows scripts to nobody."""
        raise unsupported(self.kind, Feature.SCRIPTS)

    def attach(self, job_id: str, command: Sequence[str]) -> Command[CommandOutput]:
        """pbs_attach works but on the nodes."""
        raise unsupported(self.kind, Feature.ATTACH)

    def projects(self, username: str) -> Command[list[Project]]:
        """An account is any word that a site's hooks let through."""
        raise unsupported(self.kind, Feature.PROJECTS)

    def version(self) -> Command[str]:
        """By qstat."""
        return Version()


def _require_filter(job_filter: JobFilter, username: str) -> None:
    require_job_ids(JOB_ID, job_filter.job_ids or ())
    _require_users((username, *(job_filter.users or ())))


def _require_users(names: Sequence[str]) -> None:
    for name in names:
        if not USERNAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is no user name")
