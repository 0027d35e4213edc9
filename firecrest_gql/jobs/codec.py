"""A job as replicas tell it each other: JSON, pure ASCII, whatever bytes its name and paths hold."""

import json
from dataclasses import asdict
from datetime import datetime

from firecrest_gql.model.jobs import Job, JobState

TIMES = ("observed_at", "submitted_at", "estimated_start_at", "started_at", "ended_at")


def dump_job(job: Job) -> str:
    """The job on one line; what is None is left out."""
    values = {name: value for name, value in asdict(job).items() if value is not None}
    return json.dumps({**values, **{time: values[time].isoformat() for time in TIMES if time in values}})


def load_job(text: str | bytes) -> Job:
    """The job that `dump_job` wrote."""
    values = json.loads(text)
    times = {time: datetime.fromisoformat(values[time]) for time in TIMES if time in values}
    return Job(**{**values, **times, "state": JobState(values["state"])})
