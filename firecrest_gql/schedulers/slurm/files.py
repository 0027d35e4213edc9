"""The files of a job, which squeue shows as long as slurmctld holds it, and sacct does not tell."""

import re
from dataclasses import dataclass, field, replace

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.model.jobs import Job
from firecrest_gql.schedulers.dialect import Shown
from firecrest_gql.schedulers.slurm.fields import Row
from firecrest_gql.schedulers.slurm.outputs import Identity, default_of_array, output_path
from firecrest_gql.schedulers.slurm.queue import rows, squeue
from firecrest_gql.schedulers.slurm.records import token
from firecrest_gql.schedulers.slurm.values import text

FIELDS = ("JobID", "ArrayTaskID", "WorkDir", "STDIN", "STDOUT", "STDERR")


@dataclass(frozen=True, slots=True)
class ShownFiles(SchedulerCommand[Shown | None]):
    """How squeue shows the files of a job, or of an array's tasks; None where it no longer knows it."""

    job_id: str
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """The names and what they are made of."""
        return squeue(FIELDS, self.mark, f"--jobs={self.job_id}")

    def parse(self, result: Result) -> Shown | None:
        """Tasks of an array, and components of a heterogeneous job, differ in nothing but patterns."""
        found = rows(result, self.mark, FIELDS)
        return Shown(*(_pattern(found[0], name) for name in FIELDS[3:])) if found else None


def with_files(job: Job, shown: Shown) -> Job:
    """A job that sacct tells of, with its files."""
    raw_id = job.raw_id or job.job_id
    identity = Identity(
        raw_id=raw_id,
        array_id=job.array_job_id or raw_id,
        task_id=job.array_task_id,
        name=job.name,
        user=job.user,
        node=_first_node(job.node_list or ""),
        directory=job.working_directory or "",
    )
    return replace(
        job,
        stdin_path=output_path(shown.stdin, identity),
        stdout_path=output_path(shown.stdout, identity),
        stderr_path=output_path(shown.stderr, identity),
    )


def _pattern(row: Row, name: str) -> str:
    """What is shown; of the default of an array's tasks squeue shows a wrong name."""
    is_default = row[name] == f"{row['WorkDir']}/slurm-{row['JobID']}.out"
    return default_of_array(row["WorkDir"]) if is_default and text(row["ArrayTaskID"]) else row[name]


def _first_node(nodes: str) -> str | None:
    """The node of the script: `n1` of `n[1-3],m2`."""
    match = re.match(r"([^,\[]+)(?:\[(\d+))?", nodes)
    return None if match is None else match[1] + (match[2] or "")
