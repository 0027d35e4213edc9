"""sbatch --test-only: whether a job would be accepted, and when and where it would start."""

import re
from dataclasses import dataclass, field
from math import prod

from firecrest_gql.command import Result, SchedulerCommand, Stdin
from firecrest_gql.model.jobs import JobSpec, SubmitEstimate
from firecrest_gql.schedulers.slurm.failures import rejection
from firecrest_gql.schedulers.slurm.submit import sbatch, script_input
from firecrest_gql.schedulers.slurm.values import count, text, time

# The one place that says it is slurm_job_will_run (src/api/allocate.c). "on cluster X a" came with 25.05; of a
# heterogeneous job there is no partition and no "nodes".
# https://github.com/SchedMD/slurm/blob/slurm-22-05-8-1/src/api/allocate.c#L569
TOLD = re.compile(
    r"^sbatch: Job \d+ to start at (?P<at>\S+)(?: on cluster \S+)?(?: a)? using (?P<cpus>\d+) processors"
    r" on (?:nodes )?(?P<nodes>\S+)(?: in partition (?P<partition>\S+))?$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Estimate(SchedulerCommand[SubmitEstimate]):
    """Ask slurmctld about the job; it takes no number of a job that anybody would see."""

    spec: JobSpec = field(repr=False)

    @property
    def argv(self) -> list[str]:
        """Times as seconds since the epoch, for the cluster's time zone is not ours."""
        return sbatch(self.spec, "env", "SLURM_TIME_FORMAT=%s", "sbatch", "--test-only")

    @property
    def stdin(self) -> Stdin:
        """The variables, then the script."""
        return script_input(self.spec)

    def parse(self, result: Result) -> SubmitEstimate:
        """It is told on standard error, with status 0; further words of the site come along as the message."""
        if result.exit_status != 0:
            raise rejection(result)
        words = result.stderr.decode("utf-8", "replace")
        told = TOLD.search(words)
        lines = (re.sub(r"^sbatch: ", "", line).strip() for line in TOLD.sub("", words).splitlines())
        message = "\n".join(line for line in lines if line) or None
        if told is None:
            return SubmitEstimate(message=message)
        return SubmitEstimate(
            estimated_start_at=time(told["at"]),
            partition=told["partition"],
            node_count=node_count(told["nodes"]),
            cpu_count=count(told["cpus"]),
            node_list=text(told["nodes"]),
            message=message,
        )


NAME = r"(?:[\w.-]+|\[\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*\])+"


def node_count(nodes: str) -> int | None:
    """How many nodes `n[1-3,7],m2` means (https://slurm.schedmd.com/slurm.conf.html, NodeName); None for a word."""
    if text(nodes) is None or not re.fullmatch(f"{NAME}(?:,{NAME})*", nodes, re.ASCII):
        return None
    names = re.findall(NAME, nodes)
    return sum(prod(_many(part) for part in re.findall(r"\[([^\]]*)\]", name)) for name in names)


def _many(numbers: str) -> int:
    ranges = (part.partition("-") for part in numbers.split(","))
    return sum(int(last) - int(first) + 1 if last else 1 for first, _, last in ranges)
