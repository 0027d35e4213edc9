"""What moves much data: each makes a transfer and the task that is on it, at once."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from firecrest_gql.model.transfers import Transfer
from firecrest_gql.transfers.accepting import Accepted
from firecrest_gql.transfers.service import Asking
from resolvers import transfers
from schema.fields import Info, mutation, says
from schema.job_mutation import Wait
from schema.transfer_inputs import (
    DiscardTransferInput,
    StartCompressInput,
    StartCopyInput,
    StartExtractInput,
    StartMoveInput,
    StartRemoveInput,
    StartSyncInput,
)
from schema.transfer_payloads import (
    DiscardTransferPayload,
    StartCompressPayload,
    StartCopyPayload,
    StartExtractPayload,
    StartMovePayload,
    StartRemovePayload,
    StartSyncPayload,
)

StartInput = (
    StartCopyInput | StartMoveInput | StartRemoveInput | StartSyncInput | StartCompressInput | StartExtractInput
)


@dataclass(frozen=True, slots=True)
class Discarded:
    """The transfer that a mutation has ended."""

    transfer: Transfer


@strawberry.type(description="What moves much data.")
class TransferMutation:
    """What moves much data."""

    @mutation(StartCopyPayload)
    async def start_copy(
        self,
        info: Info,
        input: Annotated[StartCopyInput, says("What, and where to.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Copy a file or a directory by a job: the copy is there whole or not at all."""
        return await transfers.copy(
            info.context,
            _asking(info, input),
            input.path,
            input.target,
            target_system=input.target_system,
            dereference=input.dereference,
            overwrite=input.overwrite,
            wait=wait_seconds,
        )

    @mutation(StartMovePayload)
    async def start_move(
        self,
        info: Info,
        input: Annotated[StartMoveInput, says("What, and where to.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Move a file or a directory by a job; across file systems it goes once its copy is in place."""
        asking = _asking(info, input)
        return await transfers.move(
            info.context, asking, input.path, input.target, overwrite=input.overwrite, wait=wait_seconds
        )

    @mutation(StartRemovePayload)
    async def start_remove(
        self,
        info: Info,
        input: Annotated[StartRemoveInput, says("What goes.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Remove a file or a directory by a job; never / and never the home."""
        asking = _asking(info, input)
        return await transfers.remove(info.context, asking, input.path, recursive=input.recursive, wait=wait_seconds)

    @mutation(StartSyncPayload)
    async def start_sync(
        self,
        info: Info,
        input: Annotated[StartSyncInput, says("Which, and like which.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Make one directory like another by a job with rsync: only what differs moves."""
        asking = _asking(info, input)
        return await transfers.sync(
            info.context, asking, input.path, input.target, delete=input.delete, wait=wait_seconds
        )

    @mutation(StartCompressPayload)
    async def start_compress(
        self,
        info: Info,
        input: Annotated[StartCompressInput, says("What, and where to.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Make an archive of a file or a directory by a job."""
        return await transfers.compress(
            info.context,
            _asking(info, input),
            input.path,
            input.target,
            compression=input.compression,
            match=input.match,
            dereference=input.dereference,
            overwrite=input.overwrite,
            wait=wait_seconds,
        )

    @mutation(StartExtractPayload)
    async def start_extract(
        self,
        info: Info,
        input: Annotated[StartExtractInput, says("What, and where to.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Take an archive apart by a job: what comes out is looked at before it moves, and nothing leads out."""
        return await transfers.extract(
            info.context,
            _asking(info, input),
            input.path,
            input.target,
            compression=input.compression,
            overwrite=input.overwrite,
            wait=wait_seconds,
        )

    @mutation(DiscardTransferPayload)
    async def discard_transfer(
        self,
        info: Info,
        input: Annotated[DiscardTransferInput, says("Which.")],  # noqa: A002
    ) -> Discarded:
        """End a transfer if it runs, and remove what is staged for it."""
        return Discarded(await transfers.discard(info.context, input.transfer_id))


def _asking(info: Info, given: StartInput) -> Asking:
    return transfers.asking(info.context, given.system, given.terms(), given.idempotency_key)
