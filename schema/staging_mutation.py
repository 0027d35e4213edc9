"""What goes through the object store: the client's bytes never pass this server."""

from typing import Annotated

import strawberry

from firecrest_gql.transfers.accepting import Accepted
from resolvers import staging, transfers
from schema.fields import Info, mutation, says
from schema.job_mutation import Wait
from schema.staging_inputs import (
    CompleteUploadInput,
    CompleteUploadPayload,
    ResumeTransferInput,
    ResumeTransferPayload,
    StartDownloadInput,
    StartDownloadPayload,
    StartUploadInput,
    StartUploadPayload,
)


@strawberry.type(description="What goes through the object store.")
class StagingMutation:
    """What goes through the object store."""

    @mutation(StartUploadPayload)
    async def start_upload(
        self,
        info: Info,
        input: Annotated[StartUploadInput, says("What, and where to.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Bring a file of up to 5 TiB to a system: the client PUTs `transfer.parts`, then a job brings it in place."""
        asking = transfers.asking(info.context, input.system, input.terms(), input.idempotency_key)
        return await staging.upload(info.context, asking, input.wish(), wait_seconds)

    @mutation(CompleteUploadPayload)
    async def complete_upload(
        self,
        info: Info,
        input: Annotated[CompleteUploadInput, says("Which.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Say that all parts are there; the server notices it by itself, a little later."""
        return await staging.complete(info.context, input.transfer_id, input.etags(), wait_seconds)

    @mutation(StartDownloadPayload)
    async def start_download(
        self,
        info: Info,
        input: Annotated[StartDownloadInput, says("What.")],  # noqa: A002
        wait_seconds: Wait = 0,
    ) -> Accepted:
        """Have a file, or a directory as an archive, brought to where `transfer.downloadUrl` gives it to the client."""
        asking = transfers.asking(info.context, input.system, input.terms(), input.idempotency_key)
        return await staging.download(info.context, asking, input.wish(), wait_seconds)

    @mutation(ResumeTransferPayload)
    async def resume_transfer(
        self,
        info: Info,
        input: Annotated[ResumeTransferInput, says("Which.")],  # noqa: A002
    ) -> Accepted:
        """Take up a transfer again that has failed: of an upload only the parts that are missing are sent again."""
        return await staging.resume(info.context, input.transfer_id)
