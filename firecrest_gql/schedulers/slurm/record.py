"""Rows of sacct as jobs, with their steps and what they have used."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from firecrest_gql.model.jobs import FINAL_JOB_STATES, Job, JobStep, JobUsage
from firecrest_gql.schedulers.slurm.fields import RECORDED, STEP, Life, Row, columns, read
from firecrest_gql.schedulers.slurm.states import job_state
from firecrest_gql.schedulers.slurm.values import cpu_seconds, exit_pair, size, time

FIELDS = columns(RECORDED, "ExitCode", "Start", "End", "ReqTRES", "MaxRSS", "TotalCPU")


def recorded_jobs(rows: Iterable[Row], system: str, usage: bool) -> list[Job]:
    """The jobs; with `usage` the steps of each are behind it, as `7_4.batch` is of `7_4`."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["JobID"].partition(".")[0], []).append(row)
    return [_job(job_id, told, system, usage) for job_id, told in found.items()]


def _job(job_id: str, rows: Sequence[Row], system: str, usage: bool) -> Job:
    """Of a job that was requeued sacct tells the last run alone."""
    own = next((row for row in rows if row["JobID"] == job_id), rows[0])
    row = {**own, "AllocTRES": own["AllocTRES"] or own["ReqTRES"]}
    array_id, _, task_id = job_id.partition("_")
    return Job(
        system=system,
        observed_at=datetime.now(UTC),
        array_job_id=array_id if task_id else None,
        array_task_id=task_id.strip("[]") or None,
        usage=_usage(own, [step for step in rows if step is not own]) if usage else None,
        **read(row, RECORDED),
        **Life.of(row, "Start", "End", exit_pair(row["ExitCode"])).fields(),
    )


def _usage(row: Row, steps: Sequence[Row]) -> JobUsage:
    """What is used shows in accounting when a step has ended: until then its zeros mean nothing."""
    ended = any(job_state(step["State"], None) in FINAL_JOB_STATES for step in steps)
    return JobUsage(
        steps=tuple(map(_step, steps)),
        max_memory=max(filter(None, (size(step["MaxRSS"]) for step in steps)), default=None),
        cpu_seconds=cpu_seconds(row["TotalCPU"]) if ended else None,
    )


def _step(row: Row) -> JobStep:
    life = Life(job_state(row["State"], None), time(row["Start"]), time(row["End"]), exit_pair(row["ExitCode"]))
    return JobStep(**read(row, STEP), **life.fields())
