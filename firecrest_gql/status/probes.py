"""Looks after systems and components at a steady pace; a failed probe never refuses a user's request by itself."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Protocol, TypeVar

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import CommandFailed, FirecrestError
from firecrest_gql.model.health import ComponentHealth, HealthStatus
from firecrest_gql.model.identity import Caller, ServiceProof
from firecrest_gql.schedulers.dialect import Recall, Scheduler
from firecrest_gql.settings import SystemSettings
from firecrest_gql.status.book import HealthBook

log = logging.getLogger(__name__)
T = TypeVar("T")


class Probing(Protocol):
    """What reaches systems."""

    async def probe(self, system: SystemSettings) -> ComponentHealth:
        """TCP, key exchange and host key of a login node."""
        ...

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The answer to a command of the service account."""
        ...


@dataclass(frozen=True, slots=True)
class FileSystemAnswers(Command[None]):
    """Asks the kernel for the file system's figures: a dead mount does not answer (stat(1), -f)."""

    path: str

    @property
    def argv(self) -> list[str]:
        """`stat -f`."""
        return ["stat", "-f", "-c", "%T", "--", self.path]

    @property
    def time_limit(self) -> float:
        """A healthy one answers at once."""
        return 10

    def parse(self, result: Result) -> None:
        """Nothing to read."""
        if result.exit_status != 0:
            raise CommandFailed(
                f"{self.path} does not answer: {result.stderr[-200:].decode('utf-8', 'replace').strip()}"
            )


class Probes:
    """Fills the book, every `interval` seconds, until cancelled."""

    def __init__(
        self,
        book: HealthBook,
        transport: Probing,
        systems: Sequence[SystemSettings],
        schedulers: Mapping[str, Scheduler],
        components: Mapping[str, Callable[[], Awaitable[object]]],
        *,
        interval: float,
    ) -> None:
        self._book = book
        self._transport = transport
        self._systems = systems
        self._schedulers = schedulers
        self._components = components
        self._interval = interval

    async def run(self) -> None:
        """Probe everything, each at its own pace: one that hangs delays nobody else."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forever(self._check_components))
            for system in self._systems:
                group.create_task(self._forever(self.check_system, system))

    async def check_system(self, system: SystemSettings) -> None:
        """One round of a system: sshd, and with a service account its scheduler and file systems."""
        findings, version = [await self._transport.probe(system)], None
        if system.service_account is not None and findings[0].status is HealthStatus.HEALTHY:
            further, version = await self._ask_service(system, system.service_account)
            findings += further
        self._note_change(system.name, findings)
        self._book.record(system.name, findings, version)

    async def _ask_service(self, system: SystemSettings, account: str) -> tuple[list[ComponentHealth], str | None]:
        """What the scheduler and each file system say to the service account."""
        caller = Caller("service", account, ServiceProof(), f"probe-{uuid.uuid4().hex[:12]}")
        ask = partial(self._transport.run, system, caller)
        kind = self._schedulers[system.scheduler.kind]
        scheduler, version = await _measured("scheduler", lambda: ask(kind.version()))
        recall = kind.recall() if scheduler.status is HealthStatus.HEALTHY else None
        memory = [] if recall is None else [await _remembered(partial(ask, recall))]
        places = [
            await _measured(place.path, partial(ask, FileSystemAnswers(place.path))) for place in system.file_systems
        ]
        return [scheduler, *memory, *(finding for finding, _ in places)], version

    def _note_change(self, name: str, findings: list[ComponentHealth]) -> None:
        before = {finding.name: finding.status for finding in self._book.checks(name)}
        for finding in findings:
            if before.get(finding.name) not in (None, finding.status):
                log.warning("%s %s is %s: %s", name, finding.name, finding.status, finding.message or "answers")

    async def _check_components(self) -> None:
        findings = [await _measured(name, check) for name, check in self._components.items()]
        self._book.components = tuple(_judged(finding, advice) for finding, advice in findings)

    async def _forever(self, look: Callable[..., Awaitable[None]], *of: object) -> None:
        while True:
            await look(*of)
            await asyncio.sleep(self._interval)


def _judged(finding: ComponentHealth, advice: object) -> ComponentHealth:
    """What a component says where it answers is what its operator must see to."""
    return replace(finding, status=HealthStatus.DEGRADED, message=advice) if isinstance(advice, str) else finding


async def _remembered(look: Callable[[], Awaitable[Recall]]) -> ComponentHealth:
    """Whether a submission that was cut off is known to have been one, however late its task is taken up again."""
    finding, recall = await _measured("accounting", look)
    if recall is None or recall.remembers(inf):
        return finding
    return replace(finding, status=HealthStatus.DEGRADED, message=recall.advice)


async def _measured(name: str, look: Callable[[], Awaitable[T]]) -> tuple[ComponentHealth, T | None]:
    """The finding, with how long it took, and the answer if there was one."""
    start, message, answer = time.monotonic(), None, None
    try:
        answer = await look()
    except FirecrestError as error:
        message = error.message
    return (
        ComponentHealth(
            name=name,
            status=HealthStatus.HEALTHY if message is None else HealthStatus.UNAVAILABLE,
            latency_seconds=time.monotonic() - start,
            checked_at=datetime.now(UTC),
            message=message,
        ),
        answer,
    )
