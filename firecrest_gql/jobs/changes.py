"""What two looks at a queue tell apart."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter

from firecrest_gql.model.array_tasks import overlap, several
from firecrest_gql.model.jobs import Job, JobState

LOST = "the scheduler no longer knows it, and accounting does not tell how it ended"

# What of a job no look tells anew.
_told = attrgetter(*(field.name for field in fields(Job) if field.name not in {"observed_at", "elapsed_seconds"}))


@dataclass(frozen=True, slots=True)
class Changes:
    """Jobs that differ from the look before, and those that are not told of any more.

    `sought`: the ids of those that the look has not seen, and that stand as they were until their end is known.
    """

    changed: tuple[Job, ...] = ()
    removed: tuple[Job, ...] = ()
    sought: frozenset[str] = frozenset()

    def states(self, before: Mapping[str, Job]) -> bool:
        """Whether a job has come, gone or changed its state, so that the next look should be soon."""
        return bool(self.removed) or any(
            job.job_id not in before or before[job.job_id].state is not job.state for job in self.changed
        )


def vanished(before: Mapping[str, Job], now: Iterable[Job]) -> list[str]:
    """The jobs whose end nobody has seen: the queue knew them, and knows them no longer."""
    seen = {job.job_id: job for job in now}
    rests: dict[str | None, list[str]] = defaultdict(list)
    for job in seen.values():
        if several(job.job_id):
            rests[job.array_job_id].append(job.job_id)
    gone = (job for job_id, job in before.items() if job_id not in seen and not job.final and not several(job_id))
    # A task that was held, or requeued, may wait together with others of its array again.
    return [job.job_id for job in gone if not any(overlap(job.job_id, rest) for rest in rests[job.array_job_id])]


def changes(
    before: Mapping[str, Job], now: Iterable[Job], lost: Iterable[str] = (), sought: Collection[str] = ()
) -> Changes:
    """The differences; of the vanished jobs the `lost` are given up, and the `sought` stand as they were."""
    seen = {job.job_id: job for job in now}
    changed = tuple(job for job_id, job in seen.items() if job_id not in before or _told(before[job_id]) != _told(job))
    # The rest of an array, 7_[3-9], takes another id with each task that starts; what has ended is forgotten.
    removed = {job_id: job for job_id, job in before.items() if job_id not in seen and job_id not in sought}
    removed |= {job_id: replace(before[job_id], state=JobState.UNKNOWN, reason=LOST) for job_id in lost}
    return Changes(changed, tuple(removed.values()), frozenset(sought))
