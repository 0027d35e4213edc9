"""One row of squeue as a job."""

from datetime import UTC, datetime
from typing import Any

from firecrest_gql.model.jobs import Job
from firecrest_gql.schedulers.slurm.fields import LIVE, Life, Row, columns, read
from firecrest_gql.schedulers.slurm.outputs import Identity, output_path
from firecrest_gql.schedulers.slurm.values import number, text, wait_status

PATHS = {"stdin_path": "STDIN", "stdout_path": "STDOUT", "stderr_path": "STDERR"}
FIELDS = columns(
    LIVE,
    *("ArrayJobID", "ArrayTaskID", "exit_code", "StartTime", "EndTime", "BatchHost", "Dependency", *PATHS.values()),
)


def live_job(row: Row, system: str) -> Job:
    """What squeue tells of a job, in the contract's terms."""
    life = Life.of(row, "StartTime", "EndTime", wait_status(row["exit_code"]), number(row["PriorityLong"]))
    task_id = text(row["ArrayTaskID"])
    return Job(
        system=system,
        observed_at=datetime.now(UTC),
        estimated_start_at=life.estimate,
        array_job_id=None if task_id is None else row["ArrayJobID"],
        array_task_id=task_id,
        dependency=text(row["Dependency"]),
        **read(row, LIVE),
        **life.fields(),
        **_paths(row, task_id),
    )


def _paths(row: Row, task_id: str | None) -> dict[str, Any]:
    identity = Identity(
        raw_id=row["JobID"],
        array_id=row["ArrayJobID"],
        task_id=task_id,
        name=row["Name"],
        user=row["UserName"],
        node=text(row["BatchHost"]),
        directory=row["WorkDir"],
    )
    return {field: output_path(row[name], identity) for field, name in PATHS.items()}
