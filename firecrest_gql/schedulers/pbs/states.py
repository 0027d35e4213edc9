"""PBS's job states and exit statuses: PBS Reference Guide, "Job States", and PBS User's Guide, "Job Exit Status".

Substates and PBS's own exit statuses: https://github.com/openpbs/openpbs/blob/master/src/include/job.h.
"""

from firecrest_gql.model.jobs import JobState
from firecrest_gql.schedulers.pbs.document import Attributes, text
from firecrest_gql.schedulers.pbs.values import number

STATES = {
    "B": JobState.RUNNING,  # an array of which something has begun
    "E": JobState.COMPLETING,
    "H": JobState.HELD,
    "Q": JobState.PENDING,
    "R": JobState.RUNNING,
    "S": JobState.SUSPENDED,
    "T": JobState.PENDING,  # on its way to another place
    "U": JobState.SUSPENDED,  # somebody works at the workstation
    "W": JobState.PENDING,  # its time has not come
}
FINISHED = frozenset({"F", "X"})  # X: a subjob
STARTING = frozenset({41, 71, 72})  # set to MOM to run, provisioning, waiting for sister MOMs
HELD_BY_DEPENDENCY = 22
TERMINATED, RAN, FAILED = 91, 92, 93
ENDS = {TERMINATED: JobState.CANCELLED, RAN: JobState.COMPLETED, FAILED: JobState.FAILED}

# A negative Exit_status is PBS's own word, not the script's.
KILLED: dict[int, tuple[JobState, str]] = {
    -1: (JobState.FAILED, "execution failed before the files were staged in"),
    -2: (JobState.FAILED, "execution failed after the files were staged in"),
    -4: (JobState.NODE_FAIL, "aborted when MOM started"),
    -10: (JobState.FAILED, "the user or group is not valid on the node"),
    -20: (JobState.NODE_FAIL, "the connection to the first node was lost"),
    -24: (JobState.FAILED, "more CPUs used than asked for (burst)"),
    -25: (JobState.FAILED, "more CPUs used than asked for (sum)"),
    -26: (JobState.OUT_OF_MEMORY, "more virtual memory used than asked for"),
    -27: (JobState.OUT_OF_MEMORY, "more memory used than asked for"),
    -28: (JobState.TIMEOUT, "more CPU time used than asked for"),
    -29: (JobState.TIMEOUT, "the time limit is over"),
}


def job_state(attributes: Attributes) -> JobState:
    """The state out of letter, substate, holds and exit status; UNKNOWN for a letter that nobody knows."""
    letter = text(attributes, "job_state") or ""
    substate = number(text(attributes, "substate"))
    if letter in FINISHED:
        return _end(letter, substate, number(text(attributes, "Exit_status")))
    if letter == "R" and substate in STARTING:
        return JobState.CONFIGURING
    held_by = set(text(attributes, "Hold_Types") or "") & {"u", "o", "p"}
    if letter == "H" and substate == HELD_BY_DEPENDENCY and not held_by:
        return JobState.PENDING
    return STATES.get(letter, JobState.UNKNOWN)


def _end(letter: str, substate: int | None, status: int | None) -> JobState:
    """How it ended. Older releases tell nothing but the letter of a subjob whose array goes on."""
    if substate == TERMINATED:
        return JobState.CANCELLED
    if status is not None and status != 0:
        return KILLED.get(status, (JobState.FAILED, ""))[0]
    if status == 0:
        return JobState.COMPLETED
    return ENDS.get(substate or 0, JobState.COMPLETED if letter == "X" else JobState.UNKNOWN)


def killed(status: int | None) -> str | None:
    """What PBS's own word says; None of a status that is the script's."""
    return KILLED[status][1] if status in KILLED else None
