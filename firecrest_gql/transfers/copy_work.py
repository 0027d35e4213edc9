"""What a worker does for a copy to another system: a job there sends it to the store, and a job here fetches it."""

from collections.abc import Mapping
from dataclasses import replace

from firecrest_gql.errors import ErrorCode, FirecrestError, NotFound
from firecrest_gql.files.road import held_to
from firecrest_gql.jobs.work import caller_of
from firecrest_gql.model.tasks import Pause, Task, TaskError, TaskKind, TaskProgress, TransferRef
from firecrest_gql.model.transfers import CopyWish, Transfer
from firecrest_gql.storage.parts import Parts
from firecrest_gql.tasks.attempt import UndoFunction, WorkFunction
from firecrest_gql.transfers.carrying import job_of
from firecrest_gql.transfers.job import TransferJob
from firecrest_gql.transfers.sending import Sending
from firecrest_gql.transfers.stage import Stage, manifest, required
from firecrest_gql.transfers.staged import Fetch, Sent
from firecrest_gql.transfers.staged_job import StagedJob
from firecrest_gql.transfers.staged_trees import FetchTree
from firecrest_gql.transfers.staged_work import StagedWork
from firecrest_gql.transfers.terms import terms_for

LOST = "what was staged is no longer there: resumeTransfer stages it again"


class CopyWork(StagedWork):
    """The work functions of copies; those inside a system are done as ever."""

    @property
    def functions(self) -> Mapping[TaskKind, WorkFunction]:
        """The work function of the kind of task."""
        return {TaskKind.COPY: self.copy}

    @property
    def undo(self) -> Mapping[TaskKind, UndoFunction]:
        """What ends a cancelled copy."""
        return {TaskKind.COPY: self.end}

    async def copy(self, task: Task) -> TransferRef | Pause | TaskError:
        """One step on the way to the store, or from there."""
        if not between(task):
            return await self.inside.carry_out(task)
        stage = required(self.stage)
        transfer = await self.found(task)
        if not isinstance(transfer, Transfer):
            return transfer
        try:
            told = await self._step(stage, task, transfer)
        except FirecrestError as error:
            told = await self.failed(task, error)
        if isinstance(told, TaskError):
            await self._keep(stage, transfer.id, told)
        return told

    async def end(self, task: Task) -> Pause | None:
        """Nothing of it runs on either system, and nothing of it is staged."""
        return await (super().end(task) if between(task) else self.inside.end(task))

    def present_job(self, task: Task, transfer: Transfer) -> TransferJob:
        """The one that sends, and then the one that fetches."""
        return self._source(task) if transfer.staged_at is None else self._target(task, transfer)

    async def _step(self, stage: Stage, task: Task, transfer: Transfer) -> TransferRef | Pause | TaskError:
        if transfer.staged_at is None:
            sent = await self._send(stage, task, await stage.begin(transfer))
            if not isinstance(sent, Transfer):
                return sent
            transfer = sent
        return await self._receive(stage, task, transfer)

    async def _send(self, stage: Stage, task: Task, transfer: Transfer) -> Transfer | Pause | TaskError:
        """The transfer, once it is staged whole."""
        sending, wish = Sending(stage, self.inside.records), CopyWish(**task.input["wish"])
        terms = terms_for(task.input["terms"], transfer)
        sent = await sending.send(self._source(task), transfer, terms, wish.path, dereference=wish.dereference)
        if isinstance(sent, Pause):
            total = None if transfer.packing is not None or transfer.size is None else 2 * transfer.size
            return _told(sent, "To the object store", 0, total)
        if not isinstance(sent, Sent):
            return sent
        parts = Parts(sent.size, stage.parts(transfer).part_size)
        await self.inside.records.keep_parts(transfer.id, manifest(parts, dict(sent.parts)))
        sha256 = sent.sha256 if transfer.packing is None else None
        return await sending.made(transfer, sent, staged_size=sent.size, sha256=sha256)

    async def _receive(self, stage: Stage, task: Task, transfer: Transfer) -> TransferRef | Pause | TaskError:
        """The transfer, once it is in place on the other system."""
        job, size = self._target(task, transfer), transfer.staged_size or 0
        parts = await self.inside.records.parts(transfer.id)
        if parts is None or (job_of(transfer, job) is None and not await _there(stage, transfer)):
            await self.inside.records.change(transfer.id, staged_at=None, upload_id=None)
            return TaskError(ErrorCode.NOT_FOUND, LOST, False)
        terms = terms_for(task.input["target_terms"], transfer)
        told = await StagedJob(stage, self.inside.records, job, terms).advance(
            transfer,
            held_to(job.way.system, _fetch(CopyWish(**task.input["wish"]), transfer, size)),
            parts,
            lambda: stage.to_fetch(transfer, job.way.system),
        )
        if isinstance(told, Pause):
            return _told(told, "From the object store", size, 2 * size)
        if isinstance(told, TaskError):
            return told
        await self.inside.records.change(transfer.id, bytes_transferred=transfer.size)
        await stage.discard(transfer)
        return TransferRef(transfer.id)

    async def _keep(self, stage: Stage, transfer_id: str, error: TaskError) -> None:
        """After a failure: a whole object stays for `resumeTransfer` for a while, and parts may."""
        transfer = await self.inside.records.load(transfer_id)
        if transfer.staged_at is None:
            await stage.keep(transfer, error)
        else:
            await self.inside.records.adopt(transfer_id, expires_at=stage.expiry())

    def _source(self, task: Task) -> TransferJob:
        return self.inside.job(task)

    def _target(self, task: Task, transfer: Transfer) -> TransferJob:
        # A key of its own: the two systems may have the home in common, or the scheduler.
        return self.inside.job_on(task, transfer.target_system or "", f"{task.id}_to", caller_of(task, 1))


def between(task: Task) -> bool:
    """Whether the copy goes to another system."""
    return "wish" in task.input


async def _there(stage: Stage, transfer: Transfer) -> bool:
    try:
        return await stage.store.size(stage.staged(transfer).key) == transfer.staged_size
    except NotFound:
        return False


def _fetch(wish: CopyWish, transfer: Transfer, size: int) -> Fetch | FetchTree:
    if transfer.packing is not None:
        return FetchTree(wish.target, size, wish.overwrite)
    return Fetch(wish.target, size, transfer.mode, wish.overwrite, transfer.sha256)


def _told(pause: Pause, way: str, before: int, total: int | None) -> Pause:
    """What a user hears of one half: the bytes of both count."""
    progress = pause.progress and TaskProgress(before + pause.progress.done, total)
    return replace(pause, message=f"{way}: {pause.message}", progress=progress)
