"""What a system's jobs run on."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeNode:
    """A node that jobs run on; sizes in bytes, what the scheduler did not tell is None."""

    name: str
    states: tuple[str, ...]
    partitions: tuple[str, ...]
    cpu_count: int | None = None
    cpus_allocated: int | None = None
    memory: int | None = None
    memory_allocated: int | None = None
    features: tuple[str, ...] = ()
    gres: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """An account that a user's jobs are charged to; `fair_share` from 0 to 1 where the scheduler tells it."""

    name: str
    default: bool
    fair_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Nodes that are kept for some users or accounts for a time."""

    name: str
    state: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    node_list: str | None = None
    users: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
