"""Accepts transfers: checks what can be known before the first byte, seals a grant, makes the record and the task."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from firecrest_gql.delegation.request import Purpose
from firecrest_gql.jobs.check import check_key
from firecrest_gql.jobs.ports import Creates, Grants
from firecrest_gql.jobs.work import GRANTS
from firecrest_gql.model.identity import Principal, Token
from firecrest_gql.model.tasks import Task, TaskKind
from firecrest_gql.model.transfers import Transfer, TransferKind
from firecrest_gql.settings import SystemSettings
from firecrest_gql.transfers.records import TransferRecords, transfer_id

RESUMED = "resumed"
"""The key of a task's input under which the transfer stands that it takes up again."""


class Remembers(Creates, Protocol):
    """Makes tasks, and knows which one a key has made."""

    async def made_before(
        self, kind: TaskKind, system: str | None, subject: str, asked: dict[str, Any], idempotency_key: str | None
    ) -> Task | None:
        """The task that this user's same key has made."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request for a transfer that has been understood: who asks, for what, and by which key."""

    principal: Principal
    system: SystemSettings
    kind: TaskKind
    asked: dict[str, Any]
    request_id: str
    idempotency_key: str | None = None
    target_system: SystemSettings | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The transfer and the task that is on it."""

    transfer: Transfer
    task: Task


class Accepting:
    """Makes transfers out of requests; whatever dies in between, the two records find each other by their ids."""

    def __init__(
        self,
        authority: Grants,
        tasks: Remembers,
        enqueue: Callable[[Task], Awaitable[None]],
        records: TransferRecords,
    ) -> None:
        self._authority = authority
        self._tasks = tasks
        self._enqueue = enqueue
        self._records = records

    async def known(self, wanted: Wanted) -> Accepted | None:
        """What the same request made before, so that nothing is checked against its own outcome.

        Where its maker died before there was a record, what belongs in that is to be found out again.
        """
        check_key(wanted.idempotency_key)
        subject, system = wanted.principal.subject, wanted.system.name
        task = await self._tasks.made_before(wanted.kind, system, subject, wanted.asked, wanted.idempotency_key)
        transfer = None if task is None else await self._records.get(transfer_id(task), subject)
        return None if task is None or transfer is None else await self._accepted(transfer, task)

    async def make(self, wanted: Wanted, **values: Any) -> Accepted:
        """The transfer, with these values of its record, and its task, which a worker begins at once."""
        principal, system = wanted.principal, wanted.system
        target = wanted.target_system
        names = (system.name,) if target is None else (system.name, target.name)
        grant = await sealed(self._authority, principal.token, *names)
        task = await self._tasks.create(
            kind=wanted.kind,
            system=system.name,
            subject=principal.subject,
            username=principal.username,
            request_id=wanted.request_id,
            input=wanted.asked,
            grant=grant,
            idempotency_key=wanted.idempotency_key,
        )
        return await self._accepted(await self._records.ensure(new_transfer(task, **values)), task)

    async def _accepted(self, transfer: Transfer, task: Task) -> Accepted:
        if not task.final:
            # Also where the key made the task before: its maker may have died in between.
            await self._enqueue(task)
        return Accepted(transfer, task)


async def sealed(authority: Grants, token: Token, *systems: str) -> str:
    """What a task keeps in place of the token: the grants for its systems, in order; see `caller_of`."""
    return GRANTS.join([(await authority.grant(token, name, Purpose.TASK)).value for name in systems])


def name_of(task: Task) -> str:
    """The id of the transfer that the task is on: its own, or one that it takes up again."""
    return task.input.get(RESUMED) or transfer_id(task)


async def transfer_of(records: TransferRecords, task: Task) -> Transfer:
    """The transfer that the task is on, where nothing belongs in its record that the task does not know."""
    return await (records.load(name_of(task)) if RESUMED in task.input else records.ensure(new_transfer(task)))


def new_transfer(task: Task, **values: Any) -> Transfer:
    """The record of the transfer that the task begins."""
    return Transfer(
        id=transfer_id(task),
        kind=TransferKind(task.kind),
        subject=task.subject,
        username=task.username,
        system=task.system or "",
        target_system=task.input.get("wish", {}).get("target_system"),
        task_id=task.id,
        created_at=task.created_at,
        asked=task.input,
        **values,
    )
