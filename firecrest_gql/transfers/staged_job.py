"""A job that moves bytes between a system and the store: its URLs are renewed for as long as it waits or runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from firecrest_gql.command import Command
from firecrest_gql.model.tasks import Pause, TaskError
from firecrest_gql.model.transfers import Terms, Transfer
from firecrest_gql.transfers.carrying import Carrying, job_of
from firecrest_gql.transfers.job import TransferJob
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.stage import Stage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StagedJob:
    """One job and the stage that it works with."""

    stage: Stage
    records: TransferRecords
    job: TransferJob
    terms: Terms

    async def advance(
        self, transfer: Transfer, command: Command[T], parts: bytes, sign: Callable[[], Awaitable[bytes]]
    ) -> T | Pause | TaskError:
        """One step, with fresh URLs where the job has none, or old ones; as `Carrying.advance`."""
        begun, secrets = job_of(transfer, self.job) is not None, b""
        if not begun or self.stage.urls_are_old(transfer):
            secrets = await sign()
            transfer = await self.records.change(transfer.id, signed_at=datetime.now(UTC))
            if begun:
                await self.job.renew(secrets)
        told = await Carrying(self.records).advance(
            self.job, transfer, command, self.terms, input_data=parts, secrets=lambda: secrets
        )
        if isinstance(told, Pause):
            return replace(told, seconds=min(told.seconds, self.stage.longest_pause))
        return told
