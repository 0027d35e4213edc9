"""The way to the store, of downloads and of copies between systems: a job sends the parts, and the store makes one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from firecrest_gql.errors import ErrorCode, NotFound
from firecrest_gql.files.road import held_to
from firecrest_gql.model.tasks import Pause, TaskError
from firecrest_gql.model.transfers import Terms, Transfer
from firecrest_gql.storage.parts import Parts
from firecrest_gql.storage.s3 import StoredPart
from firecrest_gql.transfers.carrying import job_of
from firecrest_gql.transfers.job import TransferJob
from firecrest_gql.transfers.packing import COMPRESSORS
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.stage import Stage, whole
from firecrest_gql.transfers.staged import Send, Sent
from firecrest_gql.transfers.staged_job import StagedJob


@dataclass(frozen=True, slots=True)
class Sending:
    """Brings what a transfer is about to the store."""

    stage: Stage
    records: TransferRecords

    async def send(
        self, job: TransferJob, transfer: Transfer, terms: Terms, path: str, *, dereference: bool = False
    ) -> Sent | Pause | TaskError:
        """One step: the job submitted, or looked at."""
        stage, packing = self.stage, transfer.packing
        plan = stage.parts(transfer)
        compressor = None if packing is None else COMPRESSORS[packing]
        command = Send(path, plan.part_size, transfer.size, compressor, dereference)
        numbers = range(1, plan.count + 1)
        exact = packing is None
        there = {} if job_of(transfer, job) is not None else await stage.store.parts(stage.staged(transfer))
        sizes = [(each, plan.size(each) if exact else None) for each in numbers]
        return await StagedJob(stage, self.records, job, terms).advance(
            transfer,
            held_to(job.way.system, command),
            (_missing(plan, there) if exact else _known(there)).encode(),
            lambda: stage.to_send(transfer, job.way.system, sizes),
        )

    async def made(self, transfer: Transfer, sent: Sent, **values: Any) -> Transfer | TaskError:
        """The transfer, with these values, whose object is whole: the store has exactly what the job has read."""
        stage, staged = self.stage, self.stage.staged(transfer)
        try:
            stored = await stage.store.parts(staged)
            if {number: stored.get(number) for number in sent.parts} != sent.parts:
                message = "the object store has other bytes than were sent: try again"
                return TaskError(ErrorCode.CHECKSUM_MISMATCH, message, True)
            await stage.store.complete(staged, sent.parts)
        except NotFound:  # an earlier attempt may have been cut off after the store had made the object
            if await stage.store.size(staged.key) != sent.size:
                raise
        await stage.store.remember(staged.key, sha256=sent.sha256)
        return await self.records.change(transfer.id, staged_at=datetime.now(UTC), **values)


def _missing(plan: Parts, there: Mapping[int, StoredPart]) -> str:
    """A line for each part of a file: number, offset, bytes, and the MD5 of what the store has of it whole."""
    known = {number: part.md5 for number, part in whole(plan, there).items()}
    numbers = range(1, plan.count + 1)
    return "".join(f"{each} {plan.offset(each)} {plan.size(each)} {known.get(each, '')}\n" for each in numbers)


def _known(there: Mapping[int, StoredPart]) -> str:
    """A line for each part of an archive that the store has: number and MD5."""
    return "".join(f"{number} {part.md5}\n" for number, part in there.items())
