"""A job that moves bytes between a system and the store: its URLs are renewed for as long as it waits or runs."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from firecrest_gql.command import Command
from firecrest_gql.errors import FirecrestError
from firecrest_gql.model.tasks import Pause, TaskError
from firecrest_gql.model.transfers import Terms, Transfer
from firecrest_gql.transfers.carrying import Carrying, job_of
from firecrest_gql.transfers.job import TransferJob
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.stage import Stage

T = TypeVar("T")
logger = logging.getLogger(__name__)


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
        secrets = b""
        if job_of(transfer, self.job) is None:
            secrets = await sign()
            transfer = await self.records.change(transfer.id, signed_at=datetime.now(UTC))
        elif self.stage.urls_are_old(transfer):
            transfer = await self._renewed(transfer, await sign())
        told = await Carrying(self.records).advance(
            self.job, transfer, command, self.terms, input_data=parts, secrets=lambda: secrets
        )
        if isinstance(told, Pause):
            return replace(told, seconds=min(told.seconds, self.stage.longest_pause))
        return told

    async def _renewed(self, transfer: Transfer, secrets: bytes) -> Transfer:
        """The transfer whose job has new URLs; what has failed is tried again at the next step."""
        signed_at = datetime.now(UTC)
        try:
            await self.job.renew(secrets)
        except FirecrestError as error:
            logger.warning("the URLs of %s could not be renewed: %s", transfer.id, error.message)
            return transfer
        return await self.records.change(transfer.id, signed_at=signed_at)
