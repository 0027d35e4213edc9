"""What the words and statuses of Slurm's programs mean."""

import re

from firecrest_gql.command import Result
from firecrest_gql.errors import (
    CommandFailed,
    Conflict,
    ErrorCode,
    FirecrestError,
    NotFound,
    PermissionDenied,
    SchedulerRejected,
    SystemUnavailable,
)
from firecrest_gql.model.tasks import TaskError

# Of slurm_errno.c and slurm_persist_conn.c: the daemon behind the program is not there, or too slow.
SILENT = (
    "Unable to contact slurm controller",
    "Zero Bytes were transmitted or received",
    "Socket timed out",
    "Connection refused",
    "Connection reset by peer",
    "Connection timed out",
    "Transport endpoint is not connected",
    "controller in standby mode",
    "Unable to connect to database",
    "Problem talking to the database",
    "Protocol authentication error",
    "Error connecting to slurm",
)
NOT_FOUND = 127


def words_of(result: Result) -> str:
    """What it said, without the programs' names and the word error."""
    lines = result.stderr.decode("utf-8", "replace").splitlines()
    said = (re.sub(r"^\w+: (?:error: |fatal: )?", "", line.strip()) for line in lines)
    return " ".join(line for line in said if line)[-600:]


def failure(result: Result, program: str) -> FirecrestError:
    """The error that an unexpected status means."""
    words = words_of(result)
    if result.exit_status == NOT_FOUND:
        return CommandFailed(f"{program} is not on the PATH that the settings give for this system: {words}")
    if any(sign in words for sign in SILENT):
        return SystemUnavailable(f"Slurm does not answer {program}: {words}")
    return CommandFailed(f"{program} ended with status {result.exit_status}: {words or 'no message'}")


def rejection(result: Result) -> FirecrestError:
    """Why sbatch has submitted nothing."""
    found = failure(result, "sbatch")
    silent = isinstance(found, SystemUnavailable) or result.exit_status == NOT_FOUND or not words_of(result)
    return found if silent else SchedulerRejected(words_of(result))


def require_success(result: Result, program: str) -> None:
    """Raise where the status is not 0."""
    if result.exit_status != 0:
        raise failure(result, program)


# scancel's words for one job, and what they mean.
ENDED = ("Invalid job id specified", "Job/step already completing")
CANCEL_ERRORS = {
    "Access/permission denied": (ErrorCode.PERMISSION_DENIED, False),
    "Job can not be altered now": (ErrorCode.CONFLICT, True),
    "Job is pending execution": (ErrorCode.CONFLICT, True),
}


def cancel_error(job_id: str, words: str, *, ended_is_well: bool) -> TaskError | None:
    """The outcome of one job that the queue knows and scancel complained of."""
    if any(sign in words for sign in ENDED):
        return None if ended_is_well else TaskError(ErrorCode.CONFLICT, f"the job {job_id} has ended", False)
    wanted = (meaning for sign, meaning in CANCEL_ERRORS.items() if sign in words)
    code, retryable = next(wanted, (ErrorCode.SCHEDULER_REJECTED, False))
    return TaskError(code, f"the job {job_id}: {words}", retryable)


# slurmctld's words for why it will not act on a job: https://github.com/SchedMD/slurm/blob/master/src/common/slurm_errno.c
REFUSALS: dict[str, type[FirecrestError]] = {
    "Invalid job id specified": NotFound,
    "Access/permission denied": PermissionDenied,
    "Invalid user id": PermissionDenied,
    "Job has already finished": Conflict,
    "Job is pending execution": Conflict,
    "Job is no longer pending execution": Conflict,
}


def refusal(said: str) -> FirecrestError:
    """The error that slurmctld's words mean, in these words."""
    meant = (kind for sign, kind in REFUSALS.items() if sign in said)
    return next(meant, SchedulerRejected)(said)
