"""What sinfo and scontrol tell of the cluster."""

import re
from dataclasses import dataclass, field

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.errors import CommandFailed
from firecrest_gql.model.jobs import Partition
from firecrest_gql.schedulers.slurm.failures import require_success
from firecrest_gql.schedulers.slurm.queue import format_of
from firecrest_gql.schedulers.slurm.records import records, token
from firecrest_gql.schedulers.slurm.values import count, seconds

# https://slurm.schedmd.com/sinfo.html#OPT_Format; Partition has a star behind the default's name.
FIELDS = ("PartitionName", "Partition", "Available", "Nodes", "CPUsState", "Time")


@dataclass(frozen=True, slots=True)
class Partitions(SchedulerCommand[list[Partition]]):
    """The partitions, hidden ones and those that this user may not use only if asked for."""

    show_hidden: bool = False
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """One row of each."""
        hidden = ["--all"] if self.show_hidden else []
        return ["sinfo", "--noheader", "--summarize", *hidden, f"--Format={format_of(FIELDS, self.mark)}"]

    def parse(self, result: Result) -> list[Partition]:
        """CPUsState is allocated/idle/other/total."""
        require_success(result, "sinfo")
        return [
            Partition(
                name=row["PartitionName"],
                default=row["Partition"].endswith("*"),
                state=row["Available"].upper(),
                node_count=count(row["Nodes"]),
                cpu_count=count(row["CPUsState"].rpartition("/")[2]),
                time_limit_seconds=seconds(row["Time"]),
            )
            for row in records(result.stdout, self.mark, FIELDS)
        ]


@dataclass(frozen=True, slots=True)
class Version(SchedulerCommand[str]):
    """The version that slurmctld itself tells."""

    @property
    def argv(self) -> list[str]:
        """Unlike `scontrol version` this asks slurmctld."""
        return ["scontrol", "show", "config"]

    def parse(self, result: Result) -> str:
        """SLURM_VERSION."""
        require_success(result, "scontrol")
        found = re.search(rb"^SLURM_VERSION\s*=\s*(\S+)", result.stdout, re.MULTILINE)
        if found is None:
            raise CommandFailed("scontrol tells no SLURM_VERSION")
        return found[1].decode()
