"""Slurm's job states: https://slurm.schedmd.com/squeue.html#SECTION_JOB-STATE-CODES and sacct.html."""

from firecrest_gql.model.jobs import JobState

STATES = {
    "BOOT_FAIL": JobState.BOOT_FAIL,
    "CANCELLED": JobState.CANCELLED,
    "COMPLETED": JobState.COMPLETED,
    "COMPLETING": JobState.COMPLETING,
    "CONFIGURING": JobState.CONFIGURING,
    "DEADLINE": JobState.DEADLINE,
    "EXPEDITING": JobState.REQUEUED,  # from 25.11 on: back in the queue, before all others
    "FAILED": JobState.FAILED,
    "LAUNCH_FAILED": JobState.FAILED,
    "NODE_FAIL": JobState.NODE_FAIL,
    "OUT_OF_MEMORY": JobState.OUT_OF_MEMORY,
    "PENDING": JobState.PENDING,
    "POWER_UP_NODE": JobState.CONFIGURING,
    "PREEMPTED": JobState.PREEMPTED,
    "RECONFIG_FAIL": JobState.FAILED,
    "REQUEUED": JobState.REQUEUED,
    "REQUEUED_CRON": JobState.REQUEUED,  # 20.11
    "REQUEUE_FED": JobState.REQUEUED,
    "REQUEUE_HOLD": JobState.HELD,
    "RESIZING": JobState.RUNNING,
    "RESV_DEL_HOLD": JobState.HELD,
    "REVOKED": JobState.CANCELLED,
    "RUNNING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "SPECIAL_EXIT": JobState.HELD,
    "STAGE_OUT": JobState.COMPLETING,
    "STOPPED": JobState.SUSPENDED,
    "SUSPENDED": JobState.SUSPENDED,
    "TIMEOUT": JobState.TIMEOUT,
    "UPDATE_DB": JobState.COMPLETING,
}

# https://slurm.schedmd.com/job_reason_codes.html: a pending job that only a release lets go on.
HELD_REASONS = frozenset(
    {
        "JobHeldAdmin",
        "JobHeldUser",
        "JobHoldMaxRequeue",
        "job_requeued_in_held_state",
        "launch_failed_requeued_held",
    }
)
NO_PRIORITY = 0


def job_state(raw: str, reason: str | None, priority: int | None = None) -> JobState:
    """The state of `CANCELLED by 1000`, of a word cut as `OUT_OF_ME+`, and of a pending job that is held."""
    word = (raw.split() or [""])[0]
    state = STATES.get(word) or _uncut(word)
    return JobState.HELD if state is JobState.PENDING and _is_held(reason, priority) else state


def _is_held(reason: str | None, priority: int | None) -> bool:
    """Whether it is held: to hold a job is to set its priority to 0 (https://slurm.schedmd.com/scontrol.html, hold).

    A job that was split off an array has no reason until the scheduler comes by; of the tasks that it shows as one job
    squeue tells all reasons. 0 is the priority too of what can never run, such as BadConstraints (job_scheduler.c).
    """
    if reason is None:
        return priority == NO_PRIORITY
    return any(one in HELD_REASONS for one in reason.split(",")) and priority in (None, NO_PRIORITY)


def _uncut(word: str) -> JobState:
    if not word.endswith("+") or len(word) < 4:
        return JobState.UNKNOWN
    meant = {state for name, state in STATES.items() if name.startswith(word[:-1])}
    return meant.pop() if len(meant) == 1 else JobState.UNKNOWN
