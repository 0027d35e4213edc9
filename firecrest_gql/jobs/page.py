"""Jobs in order of submission, page by page; a cursor is (submittedAt, jobId)."""

import base64
import binascii
import json
from collections.abc import Iterable
from enum import StrEnum

from firecrest_gql.errors import InvalidInput
from firecrest_gql.model.jobs import Job
from firecrest_gql.model.page import Edge, Page

Key = tuple[float, int, str]


class JobOrder(StrEnum):
    """By time of submission, latest or earliest first."""

    SUBMITTED_DESC = "SUBMITTED_DESC"
    SUBMITTED = "SUBMITTED"


def sort_key(job: Job) -> Key:
    """Where the job stands: equal times go by id, shorter (smaller) ones first; an unknown time is the earliest."""
    return _key(job.submitted_at.timestamp() if job.submitted_at else 0.0, job.job_id)


def cursor(job: Job) -> str:
    """What continues a list behind this job."""
    submitted = job.submitted_at.timestamp() if job.submitted_at else 0.0
    return base64.urlsafe_b64encode(json.dumps([submitted, job.job_id]).encode()).decode().rstrip("=")


def page(jobs: Iterable[Job], order: JobOrder, first: int, after: str | None) -> Page[Job]:
    """The `first` jobs behind `after`; raises `InvalidInput` for a cursor that is none of ours."""
    latest_first = order is JobOrder.SUBMITTED_DESC
    ordered = sorted(jobs, key=sort_key, reverse=latest_first)
    mark = read_cursor(after) if after else None
    behind = [job for job in ordered if mark is None or _behind(sort_key(job), mark, latest_first)]
    return Page(
        edges=tuple(Edge(job, cursor(job)) for job in behind[:first]),
        has_next_page=len(behind) > first,
        has_previous_page=len(behind) < len(ordered),
        total_count=len(ordered),
    )


def _behind(key: Key, mark: Key, latest_first: bool) -> bool:
    return key < mark if latest_first else key > mark


def _key(submitted: float, job_id: str) -> Key:
    return submitted, len(job_id), job_id


def read_cursor(after: str) -> Key:
    """Behind which job to go on; raises `InvalidInput` for a cursor that is none of ours."""
    try:
        submitted, job_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return _key(float(submitted), str(job_id))
    except (binascii.Error, ValueError, TypeError):
        raise InvalidInput("after: no cursor of this list") from None
