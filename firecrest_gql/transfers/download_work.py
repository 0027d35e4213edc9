"""What a worker does for a download: a job sends the parts, and the store makes the object of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from firecrest_gql.errors import ErrorCode, FirecrestError, NotFound
from firecrest_gql.files.road import held_to
from firecrest_gql.model.tasks import Pause, Task, TaskError, TaskKind, TransferRef
from firecrest_gql.model.transfers import DownloadWish, Terms, Transfer
from firecrest_gql.tasks.attempt import UndoFunction, WorkFunction
from firecrest_gql.transfers.accepting import transfer_of
from firecrest_gql.transfers.packing import COMPRESSORS
from firecrest_gql.transfers.stage import Stage, required
from firecrest_gql.transfers.staged import Send, Sent
from firecrest_gql.transfers.staged_job import StagedJob
from firecrest_gql.transfers.work import TransferWork, patient


@dataclass(frozen=True)
class DownloadWork:
    """The work functions of downloads."""

    inside: TransferWork
    stage: Stage | None

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
        transfer = await transfer_of(self.inside.records, task)
        if transfer.staged_at is not None:
            return TransferRef(transfer.id)
        try:
            transfer = await stage.begin(transfer)
            sent = await self._send(stage, task, transfer)
            told = await self._made(stage, transfer, sent) if isinstance(sent, Sent) else sent
        except FirecrestError as error:
            return patient(task, error)
        if isinstance(told, TaskError):
            await stage.discard(transfer)
        return told

    async def end(self, task: Task) -> Pause | None:
        """Nothing of it runs, and nothing of it is staged."""
        transfer = await transfer_of(self.inside.records, task)
        pause = await self.inside.end(task)
        if pause is None:
            await required(self.stage).discard(transfer)
        return pause

    async def _send(self, stage: Stage, task: Task, transfer: Transfer) -> Sent | Pause | TaskError:
        job, wish = self.inside.job(task), DownloadWish(**task.input["wish"])
        plan = stage.parts(transfer)
        packing = transfer.packing
        command = Send(wish.path, plan.part_size, transfer.size, packing and COMPRESSORS[packing])
        numbers = range(1, plan.count + 1)
        exact = packing is None
        parts = "".join(f"{each} {plan.offset(each)} {plan.size(each)}\n" for each in numbers) if exact else ""
        sizes = [(each, plan.size(each) if exact else None) for each in numbers]
        staged_job = StagedJob(stage, self.inside.records, job, Terms(**task.input["terms"]))
        return await staged_job.advance(
            transfer,
            held_to(job.way.system, command),
            parts.encode(),
            lambda: stage.to_send(transfer, job.way.system, sizes),
        )

    async def _made(self, stage: Stage, transfer: Transfer, sent: Sent) -> TransferRef | TaskError:
        """The object, once the store has exactly what the job has read."""
        staged = stage.staged(transfer)
        try:
            if await stage.store.parts(staged) != sent.parts:
                message = "the object store has other bytes than were sent: try again"
                return TaskError(ErrorCode.CHECKSUM_MISMATCH, message, True)
            await stage.store.complete(staged, sent.parts)
        except NotFound:  # an earlier attempt may have been cut off after the store had made the object
            if await stage.store.size(staged.key) != sent.size:
                raise
        await stage.store.remember(staged.key, sha256=sent.sha256)
        await self.inside.records.change(
            transfer.id,
            size=sent.size,
            bytes_transferred=sent.size,
            sha256=sent.sha256,
            staged_at=datetime.now(UTC),
            expires_at=stage.expiry(),
        )
        return TransferRef(transfer.id)
