"""What two looks at a queue tell apart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from firecrest_gql.model.jobs import Job, JobState

LOST = "the scheduler no longer knows it, and accounting does not tell how it ended"


@dataclass(frozen=True, slots=True)
class Changes:
    """Jobs that differ from the look before, and those that are not told of any more."""

    changed: tuple[Job, ...] = ()
    removed: tuple[Job, ...] = ()

    def states(self, before: Mapping[str, Job]) -> bool:
        """Whether a job has come, gone or changed its state, so that the next look should be soon."""
        return bool(self.removed) or any(
            job.job_id not in before or before[job.job_id].state is not job.state for job in self.changed
        )


def vanished(before: Mapping[str, Job], now: Iterable[Job]) -> tuple[str, ...]:
    """The jobs whose end nobody has seen: the queue knew them, and knows them no longer."""
    known = {job.job_id for job in now}
    return tuple(
        job_id for job_id, job in before.items() if job_id not in known and not job.final and "[" not in job_id
    )


def changes(before: Mapping[str, Job], now: Iterable[Job], lost: Iterable[str]) -> Changes:
    """The differences; of the vanished jobs the `lost` are given up."""
    seen = {job.job_id: job for job in now}
    changed = tuple(job for job_id, job in seen.items() if job_id not in before or _told(before[job_id]) != _told(job))
    absent = {job_id: job for job_id, job in before.items() if job_id not in seen}
    given_up = tuple(replace(absent[job_id], state=JobState.UNKNOWN, reason=LOST) for job_id in lost)
    # The pending rest of an array, 7_[3-9], takes another id with each task that starts; what has ended is forgotten.
    renamed = tuple(job for job_id, job in absent.items() if job.final or "[" in job_id)
    return Changes(changed, given_up + renamed)


def _told(job: Job) -> Job:
    """The job without what each look tells anew."""
    return replace(job, observed_at=None, elapsed_seconds=None)  # type: ignore[arg-type]
