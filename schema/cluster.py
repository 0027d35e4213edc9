"""What a system's jobs run on."""

from datetime import datetime

import strawberry

from schema.fields import attribute
from schema.scalars import BigInt


@strawberry.type(description="A node that jobs run on.")
class ComputeNode:
    """A node that jobs run on."""

    name: str = attribute("Its name.")
    states: list[str] = attribute("What the scheduler says of it, in its words: IDLE, DRAIN.")
    partitions: list[str] = attribute("The queues whose jobs it runs.")
    cpu_count: int | None = attribute("How many processors it has.")
    cpus_allocated: int | None = attribute("How many of them jobs have.")
    memory: BigInt | None = attribute("Its bytes of memory.")
    memory_allocated: BigInt | None = attribute("The bytes of them that jobs have.")
    features: list[str] = attribute("What a job's constraint can ask for.")
    gres: str | None = attribute("Its GPUs and their like, in the scheduler's notation.")


@strawberry.type(description="Nodes that are kept for some users or accounts for a time.")
class Reservation:
    """Nodes that are kept for some users or accounts for a time."""

    name: str = attribute("The name that a job asks for it by.")
    state: str | None = attribute("What the scheduler says of it: ACTIVE, INACTIVE.")
    starts_at: datetime | None = attribute("When it begins.")
    ends_at: datetime | None = attribute("When it ends.")
    node_list: str | None = attribute("The nodes, in the scheduler's notation.")
    users: list[str] = attribute("For whom it is; a leading - excludes one.")
    accounts: list[str] = attribute("For which accounts it is; a leading - excludes one.")
