"""How the service and its systems are, as last checked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HealthStatus(StrEnum):
    """How a component is."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNAVAILABLE = "UNAVAILABLE"
    MAINTENANCE = "MAINTENANCE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """One probe's finding; `latency_seconds` is how long the probe took."""

    name: str
    status: HealthStatus
    latency_seconds: float | None = None
    checked_at: datetime | None = None
    message: str | None = None
