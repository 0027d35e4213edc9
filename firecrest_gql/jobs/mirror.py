"""What the looks of all replicas have shown, kept in this process for all who are told of it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

from firecrest_gql.errors import Overloaded
from firecrest_gql.jobs.board import EVENTS_KEPT, Board, Look
from firecrest_gql.model.jobs import Job, JobState


@dataclass(frozen=True, slots=True)
class Told:
    """A change of a job's state; `removed`: the job is not told of any more."""

    job: Job
    previous: JobState | None
    removed: bool


class Mirror:
    """The jobs of the last look, and the latest changes by position; each change is told once, whoever saw it."""

    def __init__(self, board: Board) -> None:
        self.jobs: dict[str, Job] = {}
        self.position = 0
        self.look: Look | None = None
        self._board = board
        self._read_at = 0.0
        self._present: Sequence[Job] | None = None
        self._cursor: str | None = None
        self._log: deque[Told] = deque(maxlen=EVENTS_KEPT)
        self._reading = asyncio.Lock()
        self._news = asyncio.Event()

    @property
    def age(self) -> float | None:
        """Seconds since the last look that was answered; None: there was none."""
        if self.look is None or self.look.age is None:
            return None
        return self.look.age + monotonic() - self._read_at

    def present(self) -> Sequence[Job]:
        """Every job as of the last look, which has seen again what it did not tell anew, but for those whose end is
        looked for; the same for all who ask.
        """
        if self._present is None:
            looked_at = datetime.now(UTC) - timedelta(seconds=self.age or 0)
            sought = self.look.sought if self.look else frozenset()
            self._present = [
                job if job.final or job.job_id in sought else replace(job, observed_at=looked_at)
                for job in self.jobs.values()
            ]
        return self._present

    async def refresh(self) -> None:
        """Read what is new on the board."""
        async with self._reading:
            look = await self._board.look()  # first: what is read below is at least as new
            news = None if self._cursor is None else await self._board.after(self._cursor)
            if news is None:
                await self._begin_anew()
            else:
                told, self._cursor = news
                for job, removed in told:
                    self._apply(job, removed)
            self.look, self._read_at, self._present = look, monotonic(), None
        self.wake()

    def wake(self) -> None:
        """Have everybody who waits look again."""
        self._news.set()
        self._news = asyncio.Event()

    async def news(self) -> None:
        """Wait until something was read."""
        await self._news.wait()

    async def told(self, position: int, check: Callable[[], None]) -> AsyncIterator[Told]:
        """Each change behind this position, in order, as it comes; `Overloaded` for who is far too slow.

        `check` is called before each wait and may raise.
        """
        while True:
            while position < self.position:
                oldest = self.position - len(self._log)
                if position < oldest:
                    raise Overloaded("jobs change faster than you read; subscribe again with since")
                yield self._log[position - oldest]
                position += 1
            check()
            await self.news()

    async def _begin_anew(self) -> None:
        first = self._cursor is None
        jobs, self._cursor = await self._board.read()
        if first:
            self.jobs = jobs
        for job in jobs.values():
            self._apply(job, removed=False)
        for job in [job for job_id, job in self.jobs.items() if job_id not in jobs]:
            self._apply(job, removed=True)

    def _apply(self, job: Job, removed: bool) -> None:
        was = self.jobs.get(job.job_id)
        if removed:
            self.jobs.pop(job.job_id, None)
        else:
            self.jobs[job.job_id] = job
        if (was is None or was.state is not job.state or removed) and not (removed and job.final):
            self._log.append(Told(job, was.state if was else None, removed))
            self.position += 1
