"""Whom to ask for what: the live queue first, accounting only for what the queue cannot tell.

The queue wins for a job that it knows, because accounting lags; and a state that is not final is the queue's to tell,
so accounting is asked for ended jobs only, and not at all where nobody asks for those.
"""

from dataclasses import replace

from firecrest_gql.model.jobs import FINAL_JOB_STATES, JobFilter


def for_queue(job_filter: JobFilter) -> JobFilter:
    """What to ask the queue: all states, for a job that it knows as ended hides what accounting still says of it."""
    return replace(job_filter, states=None)


def for_accounting(job_filter: JobFilter) -> JobFilter | None:
    """What to ask accounting; None: nothing that it could add."""
    if job_filter.states is None:
        return job_filter
    ended = tuple(state for state in job_filter.states if state in FINAL_JOB_STATES)
    return replace(job_filter, states=ended) if ended else None


def by_ids(job_ids: tuple[str, ...]) -> JobFilter:
    """These jobs, whosever they are: the scheduler decides what the caller may see."""
    return JobFilter(job_ids=job_ids, all_users=True)
