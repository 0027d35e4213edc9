"""What one subscriber is shown of a watch: its own choice of jobs, each state once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from firecrest_gql.errors import FirecrestError
from firecrest_gql.jobs.changes import LOST
from firecrest_gql.jobs.mirror import Told
from firecrest_gql.model.array_tasks import overlap, several
from firecrest_gql.model.jobs import NOT_BEGUN, Job, JobEvent, JobState

NEVER_BEGAN = "it has left the queue before it began, and nothing keeps a record of that"


@dataclass(frozen=True, slots=True)
class Shown:
    """A job as it was shown last; `told_by`: the id under which it was told; `over`: nothing more will come of it."""

    job: Job
    told_by: str
    over: bool


class Following:
    """Shows the viewer's own jobs or, where jobs are named, these: own ones and those that the viewer could query.

    `others`: jobs that the viewer's own query has shown. A task that still waits together with others of its array
    is shown as what is told of them all. `missing`: the named ids of which nothing is left, each with what it was.
    """

    def __init__(self, username: str, job_ids: Sequence[str] | None, others: Iterable[Job]) -> None:
        self.missing: dict[str, Job] = {}
        self._username = username
        self._named = None if job_ids is None else frozenset(job_ids)
        self._several = tuple(job_id for job_id in job_ids or () if several(job_id))
        self._others = tuple(others)
        self._allowed = {(job.user, job_id) for job in self._others for job_id in job.ids}
        self._ahead: set[str] = set()  # ended, as the viewer's own query told before a look did
        self._shown: dict[str, Shown] = {}

    @property
    def done(self) -> bool:
        """Whether every named job has been shown to its end, so that nothing can come any more."""
        if self._named is None or self.missing or not all(shown.over for shown in self._shown.values()):
            return False
        return not unanswered(self._named, (shown.job for shown in self._shown.values()))

    def begin(self, present: Iterable[Job], since: datetime | None) -> list[Job]:
        """The first state of each job, oldest first."""
        asked, seen = self._all(self._others), self._all(present)
        self._ahead = {job_id for job_id, shown in asked.items() if shown.job.final and job_id not in seen}
        known = sorted({**asked, **seen}.values(), key=lambda shown: _age(shown.job))
        wanted = (one for one in known if self._named is not None or not one.job.final or _since(one.job, since))
        self._shown = {shown.job.job_id: shown for shown in wanted}
        return [shown.job for shown in self._shown.values()]

    def events(self, told: Told) -> list[JobEvent]:
        """What the viewer is told of a change, and perhaps nothing."""
        act = self._gone if told.removed else self._changed
        return [event for job in self._views(told.job) if (event := act(job, told))]

    def found(self, answers: Mapping[str, Job | FirecrestError]) -> list[JobEvent]:
        """What the viewer is told of missing jobs, given the answers to the viewer's own query for them."""
        told = []
        for job_id, answer in answers.items():
            was = self.missing.pop(job_id)
            job = _given_up(was) if isinstance(answer, FirecrestError) else answer
            told.append(self._show(job, job.job_id, was, over=job.final or isinstance(answer, FirecrestError)))
        return [event for event in told if event]

    def _changed(self, job: Job, told: Told) -> JobEvent | None:
        if job.job_id in self._ahead:
            self._ahead.remove(job.job_id)
            if not job.final:
                return None
        shown = self._shown.get(job.job_id)
        event = self._show(job, told.job.job_id, shown.job if shown else None, over=job.final)
        if self._named is None and job.final:
            del self._shown[job.job_id]
        return event and replace(event, previous_state=shown.job.state if shown else told.previous)

    def _gone(self, job: Job, told: Told) -> JobEvent | None:
        shown = self._shown.get(job.job_id)
        if shown is None or shown.told_by != told.job.job_id:
            return None  # another row of its array has it now
        if job.state is JobState.UNKNOWN:
            return self._show(job, job.job_id, shown.job, over=True)
        del self._shown[job.job_id]
        left = [shown.job for shown in self._shown.values()]
        for asked in self._asked(job):
            if not any(other.answers_to(asked) for other in left):
                self.missing[asked] = shown.job
        return None

    def _show(self, job: Job, told_by: str, was: Job | None, *, over: bool) -> JobEvent | None:
        self._shown[job.job_id] = Shown(job, told_by, over)
        return None if was and was.state is job.state else JobEvent(job=job, previous_state=was.state if was else None)

    def _all(self, jobs: Iterable[Job]) -> dict[str, Shown]:
        return {view.job_id: Shown(view, job.job_id, view.final) for job in jobs for view in self._views(job)}

    def _views(self, job: Job) -> Iterable[Job]:
        """What of a job is shown: nothing, itself, or each named task that it stands for."""
        if not self._visible(job):
            return ()
        if self._named is None:
            return (job,)
        return {view.job_id: view for job_id in self._asked(job) for view in [job.narrowed(job_id)]}.values()

    def _asked(self, job: Job) -> list[str]:
        """The named ids that the job answers to."""
        named = self._named or frozenset()
        maybe = named if several(job.job_id) else self._several
        return sorted({*(named & job.ids), *(job_id for job_id in maybe if overlap(job_id, job.job_id))})

    def _visible(self, job: Job) -> bool:
        return job.user == self._username or any((job.user, job_id) in self._allowed for job_id in job.ids)


def _given_up(job: Job) -> Job:
    """Only who cancels it takes a task out of the rest of its array without a record."""
    if job.state in NOT_BEGUN:
        return replace(job, state=JobState.CANCELLED, raw_state=None, reason=NEVER_BEGAN)
    return replace(job, state=JobState.UNKNOWN, reason=LOST)


def unanswered(job_ids: Iterable[str], jobs: Iterable[Job]) -> list[str]:
    """Those of the ids to which none of the jobs answers."""
    known = {job.job_id: job.ids for job in jobs}
    answered = frozenset[str]().union(*known.values())
    rests = [job_id for job_id in known if several(job_id)]
    return [
        asked
        for asked in dict.fromkeys(job_ids)
        if asked not in answered and not any(overlap(asked, job_id) for job_id in (known if several(asked) else rests))
    ]


def _since(job: Job, since: datetime | None) -> bool:
    times = (job.submitted_at, job.started_at, job.ended_at)
    return since is not None and any(time is not None and time >= since for time in times)


def _age(job: Job) -> tuple[float, str]:
    return (job.submitted_at.timestamp() if job.submitted_at else 0, job.job_id)
