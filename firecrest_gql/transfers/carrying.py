"""A command on its way as a job: each step is short, and whoever takes the next knows from the record what was done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import Cancelled, FirecrestError
from firecrest_gql.model.jobs import Job, JobState
from firecrest_gql.model.tasks import JobRef, Pause, TaskError, TaskProgress
from firecrest_gql.model.transfers import Terms, Transfer
from firecrest_gql.transfers.folder import Seen
from firecrest_gql.transfers.job import NAME, TransferJob, age
from firecrest_gql.transfers.outcomes import job_error, task_error, waiting
from firecrest_gql.transfers.records import TransferRecords

QUICK_SECONDS = (0.2, 0.4, 0.7)  # before the first looks, for which the worker's place is kept
SHORTEST, LONGEST = 1.0, 30.0  # seconds between later looks: a twentieth of the time that it has taken so far
LOST_SECONDS = 60.0  # for which a new job may be unknown to its scheduler
SHOWN_SECONDS = 60.0  # within which what a node has written is seen on others: nfs(5), acdirmax
ENDING_SECONDS = 1.0  # between two looks at a job that was cancelled
ENDING_LOOKS = 20  # at a job whose task does not wait for its end

T = TypeVar("T")
logger = logging.getLogger(__name__)


def nothing() -> bytes:
    """No secrets."""
    return b""


@dataclass(frozen=True, slots=True)
class Carrying:
    """Carries commands out as the jobs of transfers; a job that is there is known by the transfer's record."""

    records: TransferRecords

    async def advance(
        self,
        job: TransferJob,
        transfer: Transfer,
        command: Command[T],
        terms: Terms,
        *,
        input_data: bytes = b"",
        secrets: Callable[[], bytes] = nothing,
    ) -> T | Pause | TaskError:
        """One step: the job submitted, or looked at. The command's answer, or its error, once it has ended.

        What it left is then removed. A `FirecrestError` is of the way there: a retryable one means to come again.
        """
        begun = job_of(transfer, job)
        if begun is None:
            transfer = await self._begin(job, transfer, command, terms, input_data, secrets())
            begun = job_of(transfer, job) or ""
            await _first_looks(job)
        seen, state = await _both_looks(job, begun)
        if seen.end is not None and (seen.end.exit_status == 0 or _told_all(state)):
            return await self._finish(job, command, seen.end)
        if _may_tell_more(state, age(transfer.submitted_at or job.since)):
            return await self._wait(transfer, seen, state)
        await job.remove_rest()
        return job_error(begun, state)

    async def end(self, job: TransferJob, transfer: Transfer) -> Pause | None:
        """End the job wherever it is, and remove what it left; a `Pause` while it still ends."""
        try:
            begun = job_of(transfer, job) or await job.earlier()
        except Cancelled:  # that was wanted before the first attempt, which has at most prepared the folder
            await _tried(job.remove_rest())
            return None
        if begun is not None:
            state = await job.job(begun)
            if state is not None and not state.final:
                await job.cancel(begun)
                return Pause(ENDING_SECONDS, f"Cancelling: the job {begun} is being ended.")
        await job.remove_rest()
        return None

    async def stop(self, job: TransferJob, transfer: Transfer) -> None:
        """As `end`, for a task that ends now: whatever of it fails, the rest is tried."""
        begun = job_of(transfer, job)
        if begun is not None and not await _tried(self._ended(job, transfer)):
            await _tried(job.cancel(begun))
            await _tried(job.remove_rest())

    async def _ended(self, job: TransferJob, transfer: Transfer) -> None:
        for _ in range(ENDING_LOOKS):
            if await self.end(job, transfer) is None:
                return
            await asyncio.sleep(ENDING_SECONDS)
        await job.remove_rest()

    async def _begin(
        self,
        job: TransferJob,
        transfer: Transfer,
        command: Command[T],
        terms: Terms,
        input_data: bytes,
        secrets: bytes,
    ) -> Transfer:
        try:
            job_id = await job.submit(command, terms, input_data=input_data, secrets=secrets)
        except FirecrestError as error:
            if not error.retryable:
                await job.remove_rest()
            raise
        ref = JobRef(job.way.system.name, job_id, NAME)
        return await self.records.change(transfer.id, job=ref, submitted_at=datetime.now(UTC))

    async def _finish(self, job: TransferJob, command: Command[T], end: Result) -> T | TaskError:
        await job.remove_rest()
        try:
            return command.parse(end)
        except FirecrestError as error:
            return task_error(error)

    async def _wait(self, transfer: Transfer, seen: Seen, state: Job | None) -> Pause:
        if seen.done is not None and seen.done > (transfer.bytes_transferred or 0):
            await self.records.change(transfer.id, bytes_transferred=seen.done)
        total = seen.total if seen.total is not None else transfer.size
        progress = None if seen.done is None else TaskProgress(seen.done, total)
        seconds = age(transfer.submitted_at) / 20 if transfer.submitted_at is not None else SHORTEST
        return Pause(min(LONGEST, max(SHORTEST, seconds)), waiting(state), progress)


def job_of(transfer: Transfer, job: TransferJob) -> str | None:
    """The id of the transfer's job on this system, once it is recorded."""
    ref = transfer.job
    return ref.job_id if ref is not None and ref.system == job.way.system.name else None


async def _tried(act: Awaitable[None]) -> bool:
    """Whether it went well; else the log tells why not."""
    try:
        await act
    except FirecrestError as error:
        logger.warning("the job of a transfer that has failed could not be ended: %s", error.message)
        return False
    return True


async def _first_looks(job: TransferJob) -> None:
    for seconds in QUICK_SECONDS:
        await asyncio.sleep(seconds)
        if (await job.look()).end is not None:
            break


async def _both_looks(job: TransferJob, job_id: str) -> tuple[Seen, Job | None]:
    """What the program tells, and the scheduler where that does not tell all: it may have been ended by others."""
    seen = await job.look()
    if seen.end is not None and seen.end.exit_status == 0:
        return seen, None
    state = await job.job(job_id)
    if seen.end is None and (state is None or state.final):
        seen = await job.look()  # between the two looks it may have ended
    return seen, state


def _may_tell_more(state: Job | None, seconds: float) -> bool:
    """Whether something is still to be seen of a job, submitted so long ago, whose program has not told its end."""
    if state is None:
        return seconds < LOST_SECONDS
    if state.state in (JobState.COMPLETED, JobState.FAILED) and state.ended_at is not None:
        return abs(age(state.ended_at)) < SHOWN_SECONDS
    return not state.final


def _told_all(state: Job | None) -> bool:
    """Whether a program that has failed has nobody's word on why but its own."""
    return state is None or state.state in (JobState.FAILED, JobState.COMPLETED)
