"""What one subscriber is shown of a watch: its own choice of jobs, each state once."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from firecrest_gql.jobs.mirror import Told
from firecrest_gql.model.jobs import Job, JobEvent, JobState


class Following:
    """Shows the viewer's own jobs or, where jobs are named, these: own ones and those that the viewer could query.

    `others`: jobs that the viewer's own query has shown.
    """

    def __init__(self, username: str, job_ids: Sequence[str] | None, others: Iterable[Job]) -> None:
        self._username = username
        self._named = None if job_ids is None else frozenset(job_ids)
        self._allowed = {job.job_id: job for job in others}
        self._shown: dict[str, Job] = {}

    @property
    def done(self) -> bool:
        """Whether every named job is final, so that nothing can come any more."""
        return self._named is not None and all(job.final for job in self._shown.values())

    def begin(self, present: Iterable[Job], since: datetime | None) -> list[Job]:
        """The first state of each job, oldest first."""
        known = {**self._allowed, **{job.job_id: job for job in present if self._follows(job)}}
        wanted = [job for job in known.values() if self._named is not None or not job.final or _since(job, since)]
        self._shown = {job.job_id: job for job in sorted(wanted, key=_age)}
        return [*self._shown.values()]

    def event(self, told: Told) -> JobEvent | None:
        """What the viewer is told of a change; None: nothing."""
        job = told.job
        if not self._follows(job):
            return None
        shown = self._shown.get(job.job_id)
        if shown and shown.final and not job.final and job.job_id in self._allowed:
            return None  # the viewer's own query was ahead of the look that tells this
        self._shown.pop(job.job_id, None)
        if not told.removed:
            self._shown[job.job_id] = job
        elif job.state is not JobState.UNKNOWN:
            return None
        if shown and shown.state is job.state:
            return None
        if self._named is None and job.final:
            del self._shown[job.job_id]
        return JobEvent(job=job, previous_state=shown.state if shown else told.previous)

    def _follows(self, job: Job) -> bool:
        visible = job.user == self._username or job.job_id in self._allowed
        return visible and (self._named is None or not self._named.isdisjoint({job.job_id, job.array_job_id}))


def _since(job: Job, since: datetime | None) -> bool:
    times = (job.submitted_at, job.started_at, job.ended_at)
    return since is not None and any(time is not None and time >= since for time in times)


def _age(job: Job) -> tuple[float, str]:
    return (job.submitted_at.timestamp() if job.submitted_at else 0, job.job_id)
