"""What a worker does for an upload: waits for the parts, has the object made of them, and a job bring it in place."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from firecrest_gql.errors import ErrorCode, FirecrestError, NotFound
from firecrest_gql.files.road import held_to
from firecrest_gql.model.tasks import Pause, Task, TaskError, TaskKind, TaskProgress, TransferRef
from firecrest_gql.model.transfers import Transfer, UploadWish
from firecrest_gql.tasks.attempt import UndoFunction, WorkFunction
from firecrest_gql.transfers.job import age
from firecrest_gql.transfers.stage import Stage, manifest, required
from firecrest_gql.transfers.staged_job import StagedJob
from firecrest_gql.transfers.staged_uploads import fetch
from firecrest_gql.transfers.staged_work import StagedWork
from firecrest_gql.transfers.terms import terms_for

SHORTEST, LONGEST = 1.0, 60.0  # seconds between two looks at the store


class UploadWork(StagedWork):
    """The work functions of uploads."""

    @property
    def functions(self) -> Mapping[TaskKind, WorkFunction]:
        """The work function of the kind of task."""
        return {TaskKind.UPLOAD: self.receive}

    @property
    def undo(self) -> Mapping[TaskKind, UndoFunction]:
        """What ends a cancelled upload."""
        return {TaskKind.UPLOAD: self.end}

    async def receive(self, task: Task) -> TransferRef | Pause | TaskError:
        """One step: a look at the store, or at the job."""
        stage = required(self.stage)
        transfer = await self.found(task)
        if not isinstance(transfer, Transfer):
            return transfer
        try:
            if transfer.staged_at is None:
                arrived = await self._arrived(stage, transfer)
                if not isinstance(arrived, Transfer):
                    return arrived
                transfer = arrived
            told = await self._bring(stage, task, transfer)
        except FirecrestError as error:
            told = await self.failed(task, error)
        if isinstance(told, TaskError):  # what has come stays for `resumeTransfer` for a while
            await self.inside.records.adopt(transfer.id, expires_at=stage.expiry())
        return told

    async def _arrived(self, stage: Stage, transfer: Transfer) -> Transfer | Pause | TaskError:
        """The transfer whose object is whole."""
        transfer = await stage.begin(transfer)
        try:
            stored = await stage.arrived(transfer)
        except NotFound:
            message = "what was staged is no longer there: it was discarded, or it has expired"
            return TaskError(ErrorCode.NOT_FOUND, message, False)
        if stored is None:  # an earlier attempt was cut off after the store had made the object
            return await self._staged(transfer)
        plan, staged = stage.parts(transfer), stage.staged(transfer)
        if len(stored) < plan.count:
            return await self._wait(stage, transfer, len(stored), sum(part.size for part in stored.values()))
        await self.inside.records.keep_parts(transfer.id, manifest(plan, stored))
        await stage.store.complete(staged, stored)
        return await self._staged(transfer)

    async def _staged(self, transfer: Transfer) -> Transfer:
        return await self.inside.records.change(
            transfer.id, staged_at=datetime.now(UTC), bytes_transferred=transfer.size
        )

    async def _wait(self, stage: Stage, transfer: Transfer, count: int, done: int) -> Pause | TaskError:
        since = transfer.arrived_at or transfer.created_at
        if age(since) > stage.settings.retention_seconds:
            await stage.discard(transfer)
            return TaskError(
                ErrorCode.NOT_FOUND, "no part of it has come for too long: what had come is removed", False
            )
        if done != (transfer.bytes_transferred or 0):
            since = datetime.now(UTC)
            await self.inside.records.change(transfer.id, bytes_transferred=done, arrived_at=since)
        seconds = min(LONGEST, max(SHORTEST, age(since) / 10))
        message = f"Waits for the client: {count} of {stage.parts(transfer).count} parts have arrived."
        return Pause(seconds, message, TaskProgress(done, transfer.size))

    async def _bring(self, stage: Stage, task: Task, transfer: Transfer) -> TransferRef | Pause | TaskError:
        """The job that fetches the object, submitted or looked at."""
        job, wish = self.inside.job(task), UploadWish(**task.input["wish"])
        parts = await self.inside.records.parts(transfer.id)
        if parts is None:
            return TaskError(ErrorCode.NOT_FOUND, "the list of its parts is no longer kept: upload it again", False)
        staged_job = StagedJob(stage, self.inside.records, job, terms_for(task.input["terms"], transfer))
        told = await staged_job.advance(
            transfer,
            held_to(job.way.system, fetch(wish, wish.path)),
            parts,
            lambda: stage.to_fetch(transfer, job.way.system),
        )
        if isinstance(told, Pause):
            return _told(told, wish.size)
        if isinstance(told, TaskError):
            return told
        await self.inside.records.change(transfer.id, bytes_transferred=transfer.size)
        await stage.discard(transfer)
        return TransferRef(transfer.id)


def _told(pause: Pause, size: int) -> Pause:
    """What a user hears who has sent all: the bytes that the job has fetched stand in the message."""
    fetched = "" if pause.progress is None else f" {pause.progress.done} of {size} bytes are there."
    message = f"All parts have arrived. {pause.message or ''}{fetched}"
    return replace(pause, message=message, progress=TaskProgress(size, size))
