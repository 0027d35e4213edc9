"""What qstat, pbsnodes and pbs_rstat tell of the cluster."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firecrest_gql.command import Load, Result, SchedulerCommand
from firecrest_gql.model.cluster import ComputeNode, Reservation
from firecrest_gql.model.jobs import Partition
from firecrest_gql.schedulers.pbs.document import Attributes, below, section, text
from firecrest_gql.schedulers.pbs.failures import require_success
from firecrest_gql.schedulers.pbs.server import attribute
from firecrest_gql.schedulers.pbs.values import hosts, number, seconds, size, time

QUEUES = "qstat -Q -f -F json && exec qstat -B -f -F json"
# Whether it takes jobs, and whether it starts them, in the words of Slurm's partitions.
STATES = {
    ("True", "True"): "UP",
    ("True", "False"): "DOWN",
    ("False", "True"): "DRAIN",
    ("False", "False"): "INACTIVE",
}


@dataclass(frozen=True, slots=True)
class Partitions(SchedulerCommand[list[Partition]]):
    """The queues; the server names the default one."""

    @property
    def argv(self) -> list[str]:
        """The queues, then the server."""
        return ["sh", "-c", QUEUES, "firecrest-queues"]

    @property
    def loads(self) -> Mapping[Load, int]:
        """qstat, of the queues and of the server."""
        return {Load.SCHEDULER: 2}

    def parse(self, result: Result) -> list[Partition]:
        """PBS Reference Guide, "Queue Attributes"."""
        default = attribute(result, "default_queue")
        return [_partition(name, queue, default) for name, queue in section(result.stdout, "Queue").items()]


def _partition(name: str, queue: Attributes, default: str | None) -> Partition:
    available = below(queue, "resources_available")
    return Partition(
        name=name,
        default=name == default,
        state=STATES.get((text(queue, "enabled") or "", text(queue, "started") or "")),
        node_count=number(text(available, "nodect")),
        cpu_count=number(text(available, "ncpus")),
        time_limit_seconds=seconds(text(below(queue, "resources_max"), "walltime")),
    )


@dataclass(frozen=True, slots=True)
class Nodes(SchedulerCommand[list[ComputeNode]]):
    """All vnodes."""

    @property
    def argv(self) -> list[str]:
        """As JSON, nearly."""
        return ["pbsnodes", "-a", "-F", "json"]

    def parse(self, result: Result) -> list[ComputeNode]:
        """PBS Reference Guide, "Vnode Attributes"; a server without nodes says so with a status."""
        if b"Server has no node list" in result.stderr:
            return []
        require_success(result, "pbsnodes")
        return [_node(name, node) for name, node in section(result.stdout, "nodes").items()]


def _node(name: str, node: Attributes) -> ComputeNode:
    available, assigned = below(node, "resources_available"), below(node, "resources_assigned")
    gpus, queue = number(text(available, "ngpus")), text(node, "queue")
    return ComputeNode(
        name=name,
        states=tuple(word for word in (text(node, "state") or "").upper().split(",") if word),
        partitions=(queue,) if queue else (),
        cpu_count=number(text(available, "ncpus") or text(node, "pcpus")),
        cpus_allocated=number(text(assigned, "ncpus")),
        memory=size(text(available, "mem")),
        memory_allocated=size(text(assigned, "mem")),
        gres=f"gpu:{gpus}" if gpus else None,
    )


@dataclass(frozen=True, slots=True)
class Reservations(SchedulerCommand[list[Reservation]]):
    """All reservations that this user may see; the name is that of the queue, which jobs are submitted to."""

    @property
    def argv(self) -> list[str]:
        """In full, a line of each attribute: it has no JSON."""
        return ["env", "TZ=UTC", "pbs_rstat", "-f"]

    def parse(self, result: Result) -> list[Reservation]:
        """PBS Reference Guide, "Reservation Attributes"."""
        require_success(result, "pbs_rstat")
        return [_reservation(values) for values in _records(result.stdout.decode("utf-8", "surrogateescape"))]


def _records(output: str) -> Iterator[Mapping[str, str]]:
    for block in re.split(r"^Resv ID: ", output, flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        pairs = (line.partition(" = ") for line in lines)
        yield {"id": name.strip(), **{key.strip(): value for key, sign, value in pairs if sign}}


def _reservation(values: Mapping[str, str]) -> Reservation:
    nodes = values.get("resv_nodes", "").replace("(", "").replace(")", "")
    users = (user.partition("@")[0] for user in values.get("Authorized_Users", "").split(","))
    return Reservation(
        name=values.get("queue") or values["id"].partition(".")[0],
        state=values.get("reserve_state", "").removeprefix("RESV_") or None,
        starts_at=time(values.get("reserve_start")),
        ends_at=time(values.get("reserve_end")),
        node_list=",".join(dict.fromkeys(host.partition(":")[0] for host in hosts(nodes))) or None,
        users=tuple(user for user in users if user),
    )
