"""The Slurm dialect."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from firecrest_gql.command import Command
from firecrest_gql.errors import InvalidInput
from firecrest_gql.model.cluster import ComputeNode, Project, Reservation
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, Partition, SubmitEstimate
from firecrest_gql.model.tasks import CommandOutput
from firecrest_gql.schedulers.dialect import Feature, Outcomes, Recall, Shown, require_features, require_job_ids
from firecrest_gql.schedulers.slurm.accounting import Accounting, FindAccounted
from firecrest_gql.schedulers.slurm.attach import Attach
from firecrest_gql.schedulers.slurm.cancel import Cancel
from firecrest_gql.schedulers.slurm.cluster import Partitions, Version
from firecrest_gql.schedulers.slurm.comment import comment_of
from firecrest_gql.schedulers.slurm.control import Act, Update
from firecrest_gql.schedulers.slurm.directives import Directives
from firecrest_gql.schedulers.slurm.estimate import Estimate
from firecrest_gql.schedulers.slurm.files import ShownFiles, with_files
from firecrest_gql.schedulers.slurm.inventory import Nodes, Reservations
from firecrest_gql.schedulers.slurm.options import require_options
from firecrest_gql.schedulers.slurm.projects import Projects
from firecrest_gql.schedulers.slurm.queue import Find, Queue
from firecrest_gql.schedulers.slurm.recall import Recollection
from firecrest_gql.schedulers.slurm.scripts import Scripts
from firecrest_gql.schedulers.slurm.submit import Submit
from firecrest_gql.schedulers.specification import require_carriable, require_key, signal_name

# A job, a task of an array, tasks of an array, a component of a heterogeneous job.
JOB_ID = r"[1-9][0-9]{0,9}(_[0-9]{1,9}|_\[[0-9][0-9,:%-]{0,2000}\]|\+[0-9]{1,5})?"
# A user name that stands in a comma-separated list.
USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,255}")


class Slurm:
    """Slurm from 20.11 to 25.11; all print the fields that we ask for."""

    kind = "slurm"
    features: frozenset[Feature] = frozenset(
        {
            Feature.PARTITIONS,
            Feature.ACCOUNTS,
            Feature.QOS,
            Feature.RESERVATIONS,
            Feature.CONSTRAINTS,
            Feature.ARRAYS,
            Feature.DEPENDENCIES,
            Feature.NODES,
            Feature.TASKS,
            Feature.CPUS,
            Feature.MEMORY,
            Feature.GPUS,
            Feature.OPTIONS,
            Feature.ACCOUNTING,
            Feature.HOLD,
            Feature.REQUEUE,
            Feature.UPDATE,
            Feature.COMPUTE_NODES,
            Feature.SCRIPTS,
            Feature.ESTIMATES,
            Feature.ATTACH,
            Feature.ARGUMENTS,
            Feature.STDIN,
        }
    )

    def complete(self, spec: JobSpec) -> Command[JobSpec] | None:
        """The comment in a script that is on the system."""
        return None if spec.script_path is None else Directives(spec)

    def submit(self, spec: JobSpec, key: str) -> Command[str]:
        """sbatch; not idempotent: look with `find` before a retry."""
        require_key(key)
        self._require(spec)
        comment_of(spec, key)
        return Submit(spec, key)

    def estimate(self, spec: JobSpec) -> Command[SubmitEstimate]:
        """sbatch --test-only."""
        self._require(spec)
        return Estimate(spec)

    def find(self, key: str, username: str, system: str) -> Command[str | None]:
        """Out of the live queue."""
        require_key(key)
        _require_users((username,))
        return Find(key, username)

    def find_accounted(self, key: str, username: str, since: datetime) -> Command[str | None]:
        """Out of accounting, which knows the keys of ended jobs."""
        require_key(key)
        _require_users((username,))
        return FindAccounted(key, username, since)

    def recall(self) -> Command[Recall]:
        """By scontrol."""
        return Recollection()

    def queue(self, job_filter: JobFilter, username: str, system: str) -> Command[list[Job]]:
        """By squeue."""
        _require_filter(job_filter, username)
        return Queue(system, username, job_filter)

    def accounting(self, job_filter: JobFilter, username: str, system: str, usage: bool = False) -> Command[list[Job]]:
        """By sacct."""
        _require_filter(job_filter, username)
        return Accounting(system, username, job_filter, usage)

    def shown(self, job_id: str) -> Command[Shown | None]:
        """By squeue, for sacct tells no files in the releases up to 22.05 at least."""
        require_job_ids(JOB_ID, (job_id,))
        return ShownFiles(job_id)

    def with_files(self, job: Job, shown: Shown) -> Job:
        """Its patterns, filled in."""
        return with_files(job, shown)

    def cancel(self, job_ids: Sequence[str], signal: str | None = None) -> Command[Outcomes]:
        """By scancel."""
        require_job_ids(JOB_ID, job_ids)
        return Cancel(tuple(job_ids), signal_name(signal))

    def act(self, act: JobAct, job_ids: Sequence[str]) -> Command[Outcomes]:
        """By scontrol."""
        require_job_ids(JOB_ID, job_ids)
        return Act(act, tuple(job_ids))

    def update(self, job_id: str, change: JobChange) -> Command[None]:
        """By scontrol."""
        require_job_ids(JOB_ID, (job_id,))
        _require_name(change.name)
        return Update(job_id, change)

    def partitions(self, show_hidden: bool = False) -> Command[list[Partition]]:
        """By sinfo."""
        return Partitions(show_hidden)

    def nodes(self) -> Command[list[ComputeNode]]:
        """By sinfo."""
        return Nodes()

    def reservations(self) -> Command[list[Reservation]]:
        """By scontrol."""
        return Reservations()

    def scripts(self, job_ids: Sequence[str]) -> Command[Mapping[str, str | None]]:
        """By scontrol and sacct."""
        require_job_ids(JOB_ID, job_ids)
        return Scripts(tuple(job_ids))

    def attach(self, job_id: str, command: Sequence[str]) -> Command[CommandOutput]:
        """By srun."""
        require_job_ids(JOB_ID, (job_id,))
        return Attach(job_id, tuple(command))

    def projects(self, username: str) -> Command[list[Project]]:
        """By sacctmgr and sshare."""
        _require_users((username,))
        return Projects(username)

    def version(self) -> Command[str]:
        """By scontrol."""
        return Version()

    def _require(self, spec: JobSpec) -> None:
        require_carriable(spec)
        require_features(self.kind, self.features, spec)
        require_options(spec.options)
        _require_name(spec.name)


def _require_name(name: str | None) -> None:
    """Accounting tells a name with ` in the place of \", whatever its release."""
    if name is not None and '"' in name:
        raise InvalidInput(f"name: {name[:80]!r} has a double quote, which Slurm's accounting does not keep")


def _require_filter(job_filter: JobFilter, username: str) -> None:
    require_job_ids(JOB_ID, job_filter.job_ids or ())
    _require_users((username, *(job_filter.users or ())))


def _require_users(names: Sequence[str]) -> None:
    for name in names:
        if not USERNAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is no user name")
