"""Accepts what users ask of a scheduler: checks it, seals a grant, makes the task."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from firecrest_gql.delegation.request import Purpose
from firecrest_gql.jobs.check import (
    check_change,
    check_command,
    check_ids,
    check_key,
    check_options,
    check_signal,
    check_spec,
)
from firecrest_gql.jobs.ports import Creates, Grants
from firecrest_gql.jobs.queries import filter_input
from firecrest_gql.jobs.spec import plain, to_input
from firecrest_gql.model.identity import Principal
from firecrest_gql.model.jobs import JobAct, JobChange, JobFilter, JobSpec
from firecrest_gql.model.tasks import Task, TaskKind
from firecrest_gql.schedulers.dialect import Scheduler
from firecrest_gql.settings import SystemSettings

ANY_KEY = "0" * 16
KIND_OF = {
    JobAct.HOLD: TaskKind.HOLD_JOBS,
    JobAct.RELEASE: TaskKind.RELEASE_JOBS,
    JobAct.REQUEUE: TaskKind.REQUEUE_JOBS,
}


class Compute:
    """Makes tasks; nothing here waits for a system. `schedulers` holds one dialect of each kind."""

    def __init__(
        self,
        authority: Grants,
        tasks: Creates,
        enqueue: Callable[[Task], Awaitable[None]],
        schedulers: Mapping[str, Scheduler],
    ) -> None:
        self._authority = authority
        self._tasks = tasks
        self._enqueue = enqueue
        self._schedulers = schedulers

    async def start_submit(
        self,
        principal: Principal,
        system: SystemSettings,
        spec: JobSpec,
        request_id: str,
        idempotency_key: str | None = None,
        *,
        validate_only: bool = False,
    ) -> Task:
        """The task that submits this job, or only has it checked.

        Raises `InvalidInput` or `Unsupported` for what can never work.
        """
        check_spec(spec)
        spec, scheduler = plain(spec), self._schedulers[system.scheduler.kind]
        if validate_only:
            scheduler.estimate(spec)
        scheduler.submit(spec, ANY_KEY)
        check_options(spec.options, system.scheduler.allowed_options)
        asked = to_input(spec) | ({"validate_only": True} if validate_only else {})
        return await self._start(TaskKind.SUBMIT_JOB, principal, system, asked, request_id, idempotency_key)

    async def start_cancel(
        self,
        principal: Principal,
        system: SystemSettings,
        job_ids: Sequence[str],
        signal: str | None,
        request_id: str,
        idempotency_key: str | None = None,
    ) -> Task:
        """The task that cancels these jobs, or sends them the signal."""
        check_ids(job_ids)
        check_signal(signal)
        self._schedulers[system.scheduler.kind].cancel(job_ids, signal)
        asked = {"job_ids": list(dict.fromkeys(job_ids)), "signal": signal}
        return await self._start(TaskKind.CANCEL_JOBS, principal, system, asked, request_id, idempotency_key)

    async def start_act(
        self,
        principal: Principal,
        system: SystemSettings,
        act: JobAct,
        job_ids: Sequence[str],
        request_id: str,
        idempotency_key: str | None = None,
    ) -> Task:
        """The task that holds, releases or requeues these jobs; raises `Unsupported` where the scheduler does not."""
        check_ids(job_ids)
        self._schedulers[system.scheduler.kind].act(act, job_ids)
        asked = {"job_ids": list(dict.fromkeys(job_ids))}
        return await self._start(KIND_OF[act], principal, system, asked, request_id, idempotency_key)

    async def start_update(
        self,
        principal: Principal,
        system: SystemSettings,
        job_id: str,
        change: JobChange,
        request_id: str,
        idempotency_key: str | None = None,
    ) -> Task:
        """The task that changes this pending job; raises `InvalidInput` where nothing is to change."""
        check_change(change)
        self._schedulers[system.scheduler.kind].update(job_id, change)
        asked = {"job_id": job_id, **asdict(change)}
        return await self._start(TaskKind.UPDATE_JOB, principal, system, asked, request_id, idempotency_key)

    async def start_attach(
        self,
        principal: Principal,
        system: SystemSettings,
        job_id: str,
        command: Sequence[str],
        request_id: str,
        idempotency_key: str | None = None,
    ) -> Task:
        """The task that runs this command inside the job; raises `Unsupported` where the scheduler does not."""
        check_command(command)
        self._schedulers[system.scheduler.kind].attach(job_id, command)
        asked = {"job_id": job_id, "command": list(command)}
        return await self._start(TaskKind.ATTACH_TO_JOB, principal, system, asked, request_id, idempotency_key)

    async def start_query(
        self,
        principal: Principal,
        system: SystemSettings,
        job_filter: JobFilter,
        request_id: str,
        idempotency_key: str | None = None,
    ) -> Task:
        """The task that asks for all these jobs and records the answer."""
        self._schedulers[system.scheduler.kind].queue(job_filter, principal.username, system.name)
        asked = filter_input(job_filter)
        return await self._start(TaskKind.QUERY_JOBS, principal, system, asked, request_id, idempotency_key)

    async def _start(
        self,
        kind: TaskKind,
        principal: Principal,
        system: SystemSettings,
        asked: dict[str, Any],
        request_id: str,
        idempotency_key: str | None,
    ) -> Task:
        check_key(idempotency_key)
        grant = await self._authority.grant(principal.token, system.name, Purpose.TASK)
        task = await self._tasks.create(
            kind=kind,
            system=system.name,
            subject=principal.subject,
            username=principal.username,
            request_id=request_id,
            input=asked,
            grant=grant.value,
            idempotency_key=idempotency_key,
        )
        if not task.final:
            # Also where the key made the task before: its maker may have died in between.
            await self._enqueue(task)
        return task
