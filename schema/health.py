"""How the service and its systems are."""

from datetime import datetime

import strawberry

from firecrest_gql.model.health import HealthStatus
from schema.fields import attribute


@strawberry.type(description="What one check found.")
class ComponentHealth:
    """What one check found."""

    name: str = attribute("What was checked.")
    status: HealthStatus = attribute("How it is.")
    latency_seconds: float | None = attribute("How long the check took.")
    checked_at: datetime | None = attribute("When it was checked.")
    message: str | None = attribute("What is wrong, if anything.")
