"""One row of squeue as a job."""

from datetime import UTC, datetime

from firecrest_gql.model.jobs import FINAL_JOB_STATES, Job, JobState
from firecrest_gql.schedulers.slurm.comment import own_comment
from firecrest_gql.schedulers.slurm.outputs import Identity, output_path
from firecrest_gql.schedulers.slurm.states import job_state
from firecrest_gql.schedulers.slurm.values import gpus, memory, number, seconds, text, time, wait_status

# https://slurm.schedmd.com/squeue.html#OPT_Format
FIELDS = (
    *("JobArrayID", "JobID", "ArrayJobID", "ArrayTaskID", "Name", "UserName", "State", "Reason", "exit_code"),
    *("Account", "Partition", "QOS", "PriorityLong", "SubmitTime", "StartTime", "EndTime", "TimeUsed", "TimeLimit"),
    *("NumNodes", "NumCPUs", "tres-alloc", "NodeList", "BatchHost"),
    *("WorkDir", "STDIN", "STDOUT", "STDERR", "Dependency", "Comment"),
)
# Their StartTime is the scheduler's guess.
WAITING = frozenset({JobState.PENDING, JobState.HELD, JobState.REQUEUED})


def live_job(row: dict[str, str], system: str) -> Job:
    """What squeue tells of a job, in the contract's terms."""
    state = job_state(row["State"], row["Reason"])
    final, waiting = state in FINAL_JOB_STATES, state in WAITING
    begin, nodes = time(row["StartTime"]), text(row["NodeList"])
    started = begin if nodes else None  # of a job cancelled before, Slurm tells the time of that
    code, signal = wait_status(row["exit_code"]) if final and started else (None, None)
    identity = _identity(row)
    return Job(
        system=system,
        job_id=row["JobArrayID"],
        name=row["Name"],
        user=row["UserName"],
        state=state,
        raw_state=row["State"],
        reason=text(row["Reason"]),
        exit_code=code,
        signal=signal,
        observed_at=datetime.now(UTC),
        account=text(row["Account"]),
        partition=text(row["Partition"]),
        qos=text(row["QOS"]),
        priority=number(row["PriorityLong"]),
        submitted_at=time(row["SubmitTime"]),
        estimated_start_at=begin if waiting else None,
        started_at=None if waiting else started,
        ended_at=time(row["EndTime"]) if final else None,  # while it runs, when its time will be over
        elapsed_seconds=seconds(row["TimeUsed"]),
        time_limit_seconds=seconds(row["TimeLimit"]),
        node_count=number(row["NumNodes"]),
        cpu_count=number(row["NumCPUs"]),
        gpu_count=gpus(row["tres-alloc"]),
        memory=memory(row["tres-alloc"]),
        node_list=nodes,
        working_directory=text(row["WorkDir"]),
        stdin_path=output_path(row["STDIN"], identity),
        stdout_path=output_path(row["STDOUT"], identity),
        stderr_path=output_path(row["STDERR"], identity),
        array_job_id=None if identity.task_id is None else identity.array_id,
        array_task_id=identity.task_id,
        dependency=text(row["Dependency"]),
        comment=own_comment(row["Comment"]),
    )


def _identity(row: dict[str, str]) -> Identity:
    return Identity(
        raw_id=row["JobID"],
        array_id=row["ArrayJobID"],
        task_id=text(row["ArrayTaskID"]),
        name=row["Name"],
        user=row["UserName"],
        node=text(row["BatchHost"]),
        directory=row["WorkDir"],
    )
