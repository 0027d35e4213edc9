"""What a worker does for a download: a job sends the parts, and the store makes the object of them."""

from collections.abc import Mapping

from firecrest_gql.errors import FirecrestError
from firecrest_gql.model.tasks import Pause, Task, TaskError, TaskKind, TransferRef
from firecrest_gql.model.transfers import DownloadWish, Transfer
from firecrest_gql.tasks.attempt import UndoFunction, WorkFunction
from firecrest_gql.transfers.sending import Sending
from firecrest_gql.transfers.stage import Stage, required
from firecrest_gql.transfers.staged import Sent
from firecrest_gql.transfers.staged_work import StagedWork
from firecrest_gql.transfers.terms import terms_for


class DownloadWork(StagedWork):
    """The work functions of downloads."""

    @property
    def functions(self) -> Mapping[TaskKind, WorkFunction]:
        """The work function of the kind of task."""
        return {TaskKind.DOWNLOAD: self.send}

    @property
    def undo(self) -> Mapping[TaskKind, UndoFunction]:
        """What ends a cancelled download."""
        return {TaskKind.DOWNLOAD: self.end}

    async def send(self, task: Task) -> TransferRef | Pause | TaskError:
        """One step: the job submitted, looked at, or its parts made an object."""
        stage = required(self.stage)
        transfer = await self.found(task)
        if not isinstance(transfer, Transfer):
            return transfer
        if transfer.staged_at is not None:
            return TransferRef(transfer.id)
        try:
            transfer = await stage.begin(transfer)
            told = await self._step(stage, task, transfer)
        except FirecrestError as error:
            told = await self.failed(task, error)
        if isinstance(told, TaskError):
            await stage.keep(transfer, told)
        return told

    async def _step(self, stage: Stage, task: Task, transfer: Transfer) -> TransferRef | Pause | TaskError:
        sending, wish = Sending(stage, self.inside.records), DownloadWish(**task.input["wish"])
        sent = await sending.send(self.inside.job(task), transfer, terms_for(task.input["terms"], transfer), wish.path)
        if not isinstance(sent, Sent):
            return sent
        size, expiry = sent.size, stage.expiry()
        made = await sending.made(
            transfer, sent, size=size, bytes_transferred=size, sha256=sent.sha256, expires_at=expiry
        )
        return made if isinstance(made, TaskError) else TransferRef(transfer.id)
