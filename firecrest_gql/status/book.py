"""What the last probes found; asking it costs nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from firecrest_gql.model.health import ComponentHealth, HealthStatus

Face = tuple[str | None, tuple[tuple[str, HealthStatus, str | None], ...]]


class HealthBook:
    """The newest findings: of the service's components, and of each system."""

    def __init__(self) -> None:
        self.components: tuple[ComponentHealth, ...] = ()
        self._systems: dict[str, tuple[ComponentHealth, ...]] = {}
        self._versions: dict[str, str] = {}
        self._news = asyncio.Event()

    def record(self, system: str, findings: Sequence[ComponentHealth], scheduler_version: str | None = None) -> None:
        """Keep what the probes of one system found; a version once known stays until another is told."""
        self._systems[system] = tuple(findings)
        if scheduler_version is not None:
            self._versions[system] = scheduler_version
        self._news.set()
        self._news = asyncio.Event()

    def checks(self, system: str) -> list[ComponentHealth]:
        """Each probe's finding; empty before the first probe."""
        return list(self._systems.get(system, ()))

    def status(self, system: str) -> HealthStatus:
        """UNAVAILABLE where sshd does not answer, DEGRADED where something else fails, UNKNOWN before any probe."""
        findings = self._systems.get(system, ())
        if not findings:
            return HealthStatus.UNKNOWN
        failed = {finding.name for finding in findings if finding.status is not HealthStatus.HEALTHY}
        if "ssh" in failed:
            return HealthStatus.UNAVAILABLE
        return HealthStatus.DEGRADED if failed else HealthStatus.HEALTHY

    def scheduler_version(self, system: str) -> str | None:
        """What the scheduler last told of itself."""
        return self._versions.get(system)

    async def changes(self, systems: Sequence[str]) -> AsyncIterator[str]:
        """Each of these systems, then each of them again whenever something else than a time is found; never ends.

        Who reads slowly is told of what there is now, not of what was in between.
        """
        shown: dict[str, Face] = {}
        while True:
            news = self._news
            for system in systems:
                if shown.get(system) != (face := self._face(system)):
                    shown[system] = face
                    yield system
            await news.wait()

    def _face(self, system: str) -> Face:
        """What is told of a system, without the times, which each probe finds anew."""
        found = self._systems.get(system, ())
        return self.scheduler_version(system), tuple((each.name, each.status, each.message) for each in found)
