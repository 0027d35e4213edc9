"""Takes up a transfer again that has ended without reaching its end."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from firecrest_gql.errors import Conflict
from firecrest_gql.jobs.ports import Creates, Grants
from firecrest_gql.model.identity import Principal
from firecrest_gql.model.tasks import Task, TaskKind, TaskStatus
from firecrest_gql.model.transfers import Transfer
from firecrest_gql.transfers.accepting import RESUMED, Accepted, sealed
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.stage import Stage


class Resuming:
    """Gives a transfer a new task; what is staged of it is not sent again."""

    def __init__(
        self,
        authority: Grants,
        tasks: Creates,
        enqueue: Callable[[Task], Awaitable[None]],
        records: TransferRecords,
        stage: Stage | None,
    ) -> None:
        self._authority = authority
        self._tasks = tasks
        self._enqueue = enqueue
        self._records = records
        self._stage = stage

    async def resume(self, principal: Principal, request_id: str, transfer: Transfer, earlier: Task | None) -> Accepted:
        """The transfer with a new task, unless its present one is still at work; `Conflict` where it is done."""
        if earlier is not None and not earlier.final:
            return Accepted(transfer, earlier)
        if earlier is None or earlier.status is TaskStatus.SUCCEEDED:
            raise Conflict(f"the transfer {transfer.id} is at its end: there is nothing to take up again")
        anew = await self._staged_anew(transfer)
        systems = [transfer.system] if transfer.target_system is None else [transfer.system, transfer.target_system]
        grant = await sealed(self._authority, principal.token, *systems)
        task = await self._tasks.create(
            kind=TaskKind(transfer.kind),
            system=transfer.system,
            subject=principal.subject,
            username=principal.username,
            request_id=request_id,
            input={**transfer.asked, RESUMED: transfer.id},
            grant=grant,
            idempotency_key=f"resume {earlier.id}",
        )
        resumed = await self._records.change(
            transfer.id,
            task_id=task.id,
            job=None,
            submitted_at=None,
            signed_at=None,
            bytes_transferred=None,
            expires_at=None,
            arrived_at=datetime.now(UTC),
            **anew,
        )
        await self._enqueue(task)
        return Accepted(resumed, task)

    async def _staged_anew(self, transfer: Transfer) -> dict[str, None]:
        """What is no longer there is sent once more, and nothing else."""
        gone = transfer.expires_at is not None and transfer.expires_at <= datetime.now(UTC)
        if gone or (self._stage is not None and not await self._stage.has(transfer)):
            return {"upload_id": None, "staged_at": None}
        return {}
