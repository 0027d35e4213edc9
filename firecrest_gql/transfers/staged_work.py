"""What the works on transfers through the object store share: how they begin, fail, and end when they are cancelled."""

from dataclasses import dataclass

from firecrest_gql.errors import ErrorCode, FirecrestError, NotFound
from firecrest_gql.model.tasks import Pause, Task, TaskError
from firecrest_gql.model.transfers import Transfer
from firecrest_gql.transfers.accepting import name_of
from firecrest_gql.transfers.carrying import Carrying
from firecrest_gql.transfers.job import TransferJob, age
from firecrest_gql.transfers.stage import Stage, required
from firecrest_gql.transfers.work import SOON, TransferWork

ACCEPTING_SECONDS = 60.0  # in which whoever makes a task makes its transfer's record, too
HALF_ACCEPTED = "the service was interrupted while it accepted this transfer: start it anew"


@dataclass(frozen=True)
class StagedWork:
    """Works by the jobs of one system, or two, and by what is staged between."""

    inside: TransferWork
    stage: Stage | None

    async def found(self, task: Task) -> Transfer | Pause | TaskError:
        """The transfer that the task is on; nobody but who accepts it knows what belongs in its record."""
        try:
            return await self.inside.records.load(name_of(task))
        except NotFound:
            if age(task.created_at) < ACCEPTING_SECONDS:
                return Pause(SOON)
            return TaskError(ErrorCode.CONFLICT, HALF_ACCEPTED, True)

    async def failed(self, task: Task, error: FirecrestError) -> Pause | TaskError:
        """To come again, or the end of the task, of which nothing runs any more."""
        return await self.inside.failed(task, error, lambda transfer: self.present_job(task, transfer))

    async def end(self, task: Task) -> Pause | None:
        """Nothing of it runs, and nothing of it is staged."""
        transfer = await self.found(task)
        if not isinstance(transfer, Transfer):
            return None
        try:
            return await self._end(task, transfer)
        except FirecrestError as error:
            return await self.inside.later(task, error, lambda transfer: self.present_job(task, transfer))

    def present_job(self, task: Task, transfer: Transfer) -> TransferJob:
        """The job that the transfer is at."""
        return self.inside.job(task)

    async def _end(self, task: Task, transfer: Transfer) -> Pause | None:
        pause = None
        try:
            pause = await Carrying(self.inside.records).end(self.present_job(task, transfer), transfer)
        finally:  # also where the system does not answer: the URLs are dead all the same
            if pause is None:
                await required(self.stage).discard(transfer)
        return pause
