"""What the works on transfers through the object store share: how they end when their task is cancelled."""

from dataclasses import dataclass

from firecrest_gql.errors import FirecrestError
from firecrest_gql.model.tasks import Pause, Task
from firecrest_gql.model.transfers import Transfer
from firecrest_gql.transfers.accepting import transfer_of
from firecrest_gql.transfers.carrying import Carrying
from firecrest_gql.transfers.job import TransferJob
from firecrest_gql.transfers.stage import Stage, required
from firecrest_gql.transfers.work import TransferWork, later


@dataclass(frozen=True)
class StagedWork:
    """Works by the jobs of one system, or two, and by what is staged between."""

    inside: TransferWork
    stage: Stage | None

    async def end(self, task: Task) -> Pause | None:
        """Nothing of it runs, and nothing of it is staged."""
        try:
            transfer = await transfer_of(self.inside.records, task)
            if pause := await Carrying(self.inside.records).end(self.present_job(task, transfer), transfer):
                return pause
            await required(self.stage).discard(transfer)
        except FirecrestError as error:
            return later(task, error)
        return None

    def present_job(self, task: Task, transfer: Transfer) -> TransferJob:
        """The job that the transfer is at."""
        return self.inside.job(task)
