"""What a transfer's job came to, in words."""

from firecrest_gql.errors import ErrorCode, FirecrestError
from firecrest_gql.model.jobs import NOT_BEGUN, Job, JobState
from firecrest_gql.model.tasks import TaskError

ENDS = {
    JobState.COMPLETED: "has ended, and its folder below ~/.firecrest/transfers tells nothing of it",
    JobState.TIMEOUT: "ran into its time limit; ask for more by timeLimitSeconds",
    JobState.CANCELLED: "was cancelled on the system, or the job that it waited for has not succeeded",
    JobState.OUT_OF_MEMORY: "took more memory than it was given",
    JobState.NODE_FAIL: "was lost with its node",
    JobState.PREEMPTED: "had to make room for a job of higher priority",
}
MAY_HELP = frozenset({JobState.TIMEOUT, JobState.NODE_FAIL, JobState.BOOT_FAIL, JobState.PREEMPTED})


def waiting(job: Job | None) -> str:
    """What a transfer waits for."""
    if job is None:
        return "Waits for the scheduler to know its job."
    if job.state not in NOT_BEGUN:
        return f"The job {job.job_id} is at work."
    reason = f": {job.reason}" if job.reason else ""
    return f"Waits for the job {job.job_id} to begin{reason}."


def job_error(job_id: str, job: Job | None) -> TaskError:
    """Why nothing came of a job that has left no word itself."""
    if job is None:
        return TaskError(
            ErrorCode.JOB_FAILED, f"the scheduler no longer knows the job {job_id}, which has left no word", True
        )
    told = ENDS.get(job.state, f"ended as {job.state}")
    status = "" if job.exit_code is None else f" (exit code {job.exit_code})"
    return TaskError(ErrorCode.JOB_FAILED, f"the job {job_id} {told}{status}", job.state in MAY_HELP)


def task_error(error: FirecrestError) -> TaskError:
    """The same error, as a task keeps it."""
    return TaskError(error.code, error.message, error.retryable)
