"""The nodes, by sinfo; the reservations, by scontrol."""

import re
from dataclasses import dataclass, field

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.model.cluster import ComputeNode, Reservation
from firecrest_gql.schedulers.slurm.failures import require_success
from firecrest_gql.schedulers.slurm.queue import format_of
from firecrest_gql.schedulers.slurm.records import records, token
from firecrest_gql.schedulers.slurm.values import count, number, text, time

# https://slurm.schedmd.com/sinfo.html#OPT_Format; memory in MiB, CPUsState is allocated/idle/other/total.
# StateComplete is known from 21.08 on; 20.11 leaves it empty, and its StateLong knows fewer words.
FIELDS = (
    *("NodeList", "PartitionName", "StateComplete", "StateLong"),
    *("CPUsState", "Memory", "AllocMem", "Features", "Gres"),
)
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Nodes(SchedulerCommand[list[ComputeNode]]):
    """All nodes, those of hidden partitions too."""

    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """One row of each node in each of its partitions."""
        return ["sinfo", "--noheader", "--Node", "--all", f"--Format={format_of(FIELDS, self.mark)}"]

    def parse(self, result: Result) -> list[ComputeNode]:
        """Each node once, with all its partitions."""
        require_success(result, "sinfo")
        found: dict[str, list[dict[str, str]]] = {}
        for row in records(result.stdout, self.mark, FIELDS):
            found.setdefault(row["NodeList"], []).append(row)
        return [_node(rows) for rows in found.values()]


def _node(rows: list[dict[str, str]]) -> ComputeNode:
    row = rows[0]
    counts = row["CPUsState"].split("/")
    states = text(row["StateComplete"]) or row["StateLong"]
    return ComputeNode(
        name=row["NodeList"],
        states=tuple(word for word in re.split(r"[^A-Z_]+", states.upper()) if word),
        partitions=tuple(dict.fromkeys(each["PartitionName"] for each in rows)),
        cpu_count=count(counts[-1]),
        cpus_allocated=count(counts[0]),
        memory=_bytes(row["Memory"]),
        memory_allocated=_bytes(row["AllocMem"]),
        features=_listed(row["Features"]),
        gres=text(row["Gres"]),
    )


@dataclass(frozen=True, slots=True)
class Reservations(SchedulerCommand[list[Reservation]]):
    """All reservations that this user may see."""

    @property
    def argv(self) -> list[str]:
        """Times as seconds since the epoch, for the cluster's time zone is not ours."""
        return ["env", "SLURM_TIME_FORMAT=%s", "scontrol", "--oneliner", "--all", "show", "reservation"]

    def parse(self, result: Result) -> list[Reservation]:
        """One line of each: Name=value, no value with a blank."""
        require_success(result, "scontrol")
        lines = result.stdout.decode("utf-8", "replace").splitlines()
        return [_reservation(line) for line in lines if line.startswith("ReservationName=")]


def _reservation(line: str) -> Reservation:
    values = dict(word.split("=", 1) for word in line.split() if "=" in word)
    return Reservation(
        name=values["ReservationName"],
        state=text(values.get("State", "")),
        starts_at=time(values.get("StartTime", "")),
        ends_at=time(values.get("EndTime", "")),
        node_list=text(values.get("Nodes", "")),
        users=_listed(values.get("Users", "")),
        accounts=_listed(values.get("Accounts", "")),
    )


def _listed(raw: str) -> tuple[str, ...]:
    return tuple(raw.split(",")) if text(raw) else ()


def _bytes(raw: str) -> int | None:
    mebibytes = number(raw)
    return None if mebibytes is None else mebibytes * MIB
