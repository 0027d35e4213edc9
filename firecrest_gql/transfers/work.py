"""What a worker does for a transfer inside a system: each call is one short step, and says when to come again."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from firecrest_gql.errors import FirecrestError, NotFound
from firecrest_gql.files.road import held_to
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.jobs.ports import Runs
from firecrest_gql.jobs.work import caller_of
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.tasks import Pause, Task, TaskError, TaskKind, TransferRef
from firecrest_gql.model.transfers import Transfer
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.attempt import UndoFunction, WorkFunction
from firecrest_gql.transfers.accepting import name_of, transfer_of
from firecrest_gql.transfers.acts import ACTS, command_of
from firecrest_gql.transfers.carrying import LONGEST, Carrying
from firecrest_gql.transfers.job import TransferJob, Ways, age
from firecrest_gql.transfers.outcomes import task_error
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.terms import terms_for

SOON = 2.0  # seconds, after which a young transfer comes again
PATIENCE_SECONDS = 7 * 86_400.0  # with a system that is away: as long as a grant may hold


@dataclass(frozen=True)
class TransferWork:
    """The work functions of transfers inside a system."""

    transport: Runs
    systems: Mapping[str, SystemSettings]
    ways: Ways
    attempts: Attempts
    records: TransferRecords

    @property
    def functions(self) -> Mapping[TaskKind, WorkFunction]:
        """The work function of each kind of task."""
        return dict.fromkeys(ACTS, self.carry_out)

    @property
    def undo(self) -> Mapping[TaskKind, UndoFunction]:
        """What ends the job of a cancelled task, and removes what that has left."""
        return dict.fromkeys(ACTS, self.end)

    async def carry_out(self, task: Task) -> TransferRef | Pause | TaskError:
        """The job submitted, or looked at; the transfer once it is done."""
        try:
            return await self._step(task)
        except FirecrestError as error:
            return await self.failed(task, error, lambda _: self.job(task))

    async def failed(
        self, task: Task, error: FirecrestError, present_job: Callable[[Transfer], TransferJob]
    ) -> Pause | TaskError:
        """As `patient`; where that is the end of the task, nothing of it runs any more."""
        told = patient(task, error)
        if isinstance(told, TaskError):
            with suppress(NotFound):  # the record, or the system: then there is no job that we could end
                transfer = await self.records.load(name_of(task))
                await Carrying(self.records).stop(present_job(transfer), transfer)
        return told

    async def end(self, task: Task) -> Pause | None:
        """Nothing of it runs, and nothing half-written is left."""
        try:
            transfer = await transfer_of(self.records, task)
            return await Carrying(self.records).end(self.job(task), transfer)
        except FirecrestError as error:
            return await self.later(task, error, lambda _: self.job(task))

    async def later(self, task: Task, error: FirecrestError, present_job: Callable[[Transfer], TransferJob]) -> Pause:
        """To end it when what is away may be back; raises the error where that will not help."""
        told = await self.failed(task, error, present_job)
        if isinstance(told, Pause):
            return told
        raise error

    async def _step(self, task: Task) -> TransferRef | Pause | TaskError:
        command = command_of(task.kind, task.input["command"])
        transfer, job = await transfer_of(self.records, task), self.job(task)
        terms = terms_for(task.input["terms"], transfer)
        told = await Carrying(self.records).advance(job, transfer, held_to(job.way.system, command), terms)
        if isinstance(told, Pause | TaskError):
            return told
        await self.records.change(transfer.id, bytes_transferred=transfer.size)
        return TransferRef(transfer.id)

    def job(self, task: Task) -> TransferJob:
        """The task's job on its system."""
        return self.job_on(task, task.system or "", task.id, caller_of(task))

    def job_on(self, task: Task, name: str, key: str, caller: Caller) -> TransferJob:
        """A job of the task's on the system with this name."""
        system = self.systems.get(name)
        if system is None:
            raise NotFound(f"the system {name} is no longer among the settings")
        return TransferJob(self.transport, self.ways.to(system), caller, self.attempts, key, task.created_at)


def patient(task: Task, error: FirecrestError) -> Pause | TaskError:
    """To come again when what is away may be back; the end of the task where that will not help, or not any more."""
    if not error.retryable or age(task.created_at) > PATIENCE_SECONDS:
        return task_error(error)
    return Pause(error.retry_after or min(LONGEST, max(SOON, age(task.created_at) / 20)), error.message)
