"""What moves much data: each makes a transfer and the task that is on it, at once."""

from typing import Annotated

import strawberry

from firecrest_gql.transfers.accepting import Accepted
from resolvers import transfers
from schema.fields import Info, mutation, says
from schema.job_mutation import Wait
from schema.transfer_inputs import StartCopyInput
from schema.transfer_payloads import StartCopyPayload


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
            transfers.asking(info.context, input.system, input.terms(), input.idempotency_key),
            input.path,
            input.target,
            target_system=input.target_system,
            dereference=input.dereference,
            overwrite=input.overwrite,
            wait=wait_seconds,
        )
