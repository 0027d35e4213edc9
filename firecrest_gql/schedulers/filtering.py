"""Which jobs a filter means, whatever of it the scheduler's own programs have applied already."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from firecrest_gql.model.array_tasks import overlap
from firecrest_gql.model.jobs import Job, JobFilter

RECENT = timedelta(hours=24)


def matches(job: Job, job_filter: JobFilter) -> bool:
    """Whether the job fulfils every condition; users are the dialect's matter, for it knows who asks."""
    wanted = (
        (job_filter.states, job.state),
        (_one(job_filter.name), job.name),
        (_one(job_filter.partition), job.partition),
        (_one(job_filter.account), job.account),
        (_one(job_filter.qos), job.qos),
    )
    return (
        _named(job, job_filter.job_ids)
        and all(values is None or value in values for values, value in wanted)
        and _active(job, job_filter)
    )


def begin(job_filter: JobFilter, now: datetime) -> datetime | None:
    """From when on ended jobs count; None: from the first day, for jobs asked for by id."""
    if job_filter.since is not None or job_filter.job_ids is not None:
        return job_filter.since
    return (job_filter.until or now) - RECENT


def _named(job: Job, job_ids: Sequence[str] | None) -> bool:
    return job_ids is None or not job.ids.isdisjoint(job_ids) or any(overlap(job_id, job.job_id) for job_id in job_ids)


def _one(value: str | None) -> tuple[str] | None:
    return None if value is None else (value,)


def _active(job: Job, job_filter: JobFilter) -> bool:
    """Whether the job's life, from submission to end, and the filter's interval have a moment in common."""
    since = begin(job_filter, job.observed_at)
    ended = job.ended_at or (job.submitted_at if job.final else None)
    late = job_filter.until is not None and job.submitted_at is not None and job.submitted_at > job_filter.until
    return not late and (since is None or ended is None or ended >= since)
