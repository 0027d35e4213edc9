"""A command carried out as a job of its own: submitted once, looked at, ended, and cleared up after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from firecrest_gql.command import Command
from firecrest_gql.errors import Unsupported
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.submission import Submission
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import Job, JobFilter, JobSpec
from firecrest_gql.model.transfers import Terms
from firecrest_gql.schedulers.dialect import Feature, Scheduler
from firecrest_gql.settings import SystemSettings
from firecrest_gql.transfers.folder import Look, Prepare, RemoveRest, Renew, Seen
from firecrest_gql.transfers.methods import TransferMethod
from firecrest_gql.transfers.script import job_script

T = TypeVar("T")

NAME = "firecrest-transfer"
ANY_FOLDER = "/"  # for a job that is only tried


@dataclass(frozen=True, slots=True)
class Way:
    """How scripts of transfers run on one system: the method, and the dialect that it uses."""

    system: SystemSettings
    method: TransferMethod
    scheduler: Scheduler

    @property
    def own_scheduler(self) -> bool:
        """Whether these jobs are jobs of the system's own scheduler."""
        return self.scheduler.kind == self.system.scheduler.kind

    @property
    def features(self) -> frozenset[Feature]:
        """What the dialect can do."""
        return self.scheduler.features

    def spec(self, terms: Terms, command: Command[Any], folder: str) -> JobSpec:
        """The job that runs the command; raises for terms that can never hold here."""
        settings = self.system.transfers
        directives = settings.queue.directives if settings.queue is not None else ()
        path = settings.path or self.system.scheduler.path
        script = job_script(command.argv, folder, path, directives)
        return self.method.spec(self.system, self.features, terms, NAME, script)


@dataclass(frozen=True, slots=True)
class Ways:
    """The methods and dialects that the systems' settings name."""

    methods: Mapping[str, TransferMethod]
    schedulers: Mapping[str, Scheduler]

    def to(self, system: SystemSettings) -> Way:
        """The one of this system; `Unsupported` where it has none."""
        name = method_name(system)
        method = self.methods[name]
        kind = method.scheduler(system)
        if kind not in self.schedulers:
            raise Unsupported(f"transfers: the method {name} needs the scheduler {kind}, which is not there")
        return Way(system, method, self.schedulers[kind])


def method_name(system: SystemSettings) -> str:
    """The method that the settings name, or that follows from them."""
    return system.transfers.method or ("process" if system.transfers.queue is None else "queue")


@dataclass(frozen=True, slots=True)
class TransferJob:
    """The one job with this key on one system; `since` is when it was asked for."""

    transport: Runs
    way: Way
    caller: Caller
    attempts: Attempts
    key: str
    since: datetime

    async def submit(
        self, command: Command[Any], terms: Terms, *, input_data: bytes = b"", secrets: bytes = b""
    ) -> str:
        """The job's id: submitted now unless an earlier attempt has done it."""
        folder = await self._run(Prepare(self.key, input_data, secrets))
        return await self._submission.attempt(self.way.spec(terms, command, folder))

    async def earlier(self) -> str | None:
        """The id of the job that an earlier attempt has submitted, looked for until none can come any more."""
        return await self._submission.earlier()

    async def look(self) -> Seen:
        """How far the program is, by its own account."""
        return await self._run(Look(self.key))

    async def job(self, job_id: str) -> Job | None:
        """The job as queue or accounting tell of it."""
        wanted = JobFilter(job_ids=(job_id,), all_users=True)
        scheduler, name = self.way.scheduler, self.way.system.name
        if found := await self._run(scheduler.queue(wanted, self.caller.username, name)):
            return found[0]
        accounting = scheduler.accounting(wanted, self.caller.username, name)
        recorded = [] if accounting is None else await self._run(accounting)
        return recorded[0] if recorded else None

    async def cancel(self, job_id: str) -> None:
        """Have the scheduler end it."""
        await self._run(self.way.scheduler.cancel([job_id]))

    async def renew(self, secrets: bytes) -> bool:
        """Give the job new secrets while it waits or runs; False where its folder is gone."""
        return await self._run(Renew(self.key, secrets))

    async def remove_rest(self) -> None:
        """After its end: the secrets gone, and what it left half-written."""
        await self._run(RemoveRest(self.key))

    @property
    def _submission(self) -> Submission:
        way = self.way
        mark = f"{self.key}@{way.system.name}"
        return Submission(
            self.transport, way.system, self.caller, way.scheduler, self.attempts, self.key, self.since, mark
        )

    async def _run(self, command: Command[T]) -> T:
        return await self.transport.run(self.way.system, self.caller, command)


def age(since: datetime) -> float:
    """Seconds since then."""
    return (datetime.now(UTC) - since).total_seconds()
