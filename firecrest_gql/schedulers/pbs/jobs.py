"""One job of qstat: PBS Reference Guide, "Job Attributes"."""

from datetime import UTC, datetime

from firecrest_gql.model.jobs import FINAL_JOB_STATES, NOT_BEGUN, Job, JobUsage
from firecrest_gql.schedulers.pbs.document import Attributes, below, text
from firecrest_gql.schedulers.pbs.identity import array_id, array_task
from firecrest_gql.schedulers.pbs.outputs import output_paths
from firecrest_gql.schedulers.pbs.states import job_state, killed
from firecrest_gql.schedulers.pbs.values import epoch, exit_pair, hosts, number, seconds, size, time, unescaped

KEY_VARIABLE = "FIRECREST_KEY"


def live_job(job_id: str, attributes: Attributes, system: str) -> Job:
    """What qstat tells of a job, in the contract's terms."""
    state = job_state(attributes)
    final, begun = state in FINAL_JOB_STATES, state not in NOT_BEGUN
    asked, used = below(attributes, "Resource_List"), below(attributes, "resources_used")
    variables = below(attributes, "Variable_List")
    status = number(text(attributes, "Exit_status")) if final else None
    code, signal = exit_pair(status)
    stdout, stderr = output_paths(job_id, attributes)
    return Job(
        system=system,
        job_id=job_id,
        name=text(attributes, "Job_Name") or "",
        user=owner(attributes),
        state=state,
        raw_state=text(attributes, "job_state"),
        reason=killed(status) or text(attributes, "comment"),
        observed_at=datetime.now(UTC),
        exit_code=code,
        signal=signal,
        account=text(attributes, "Account_Name"),
        partition=text(attributes, "queue"),
        priority=number(text(attributes, "Priority")),
        submitted_at=time(text(attributes, "ctime")),
        estimated_start_at=None if begun else time(text(below(attributes, "estimated"), "start_time")),
        started_at=time(text(attributes, "stime")) if begun else None,
        ended_at=_ended(attributes) if final else None,
        elapsed_seconds=seconds(text(used, "walltime")),
        time_limit_seconds=seconds(text(asked, "walltime")),
        node_count=number(text(asked, "nodect")),
        cpu_count=number(text(asked, "ncpus")),
        gpu_count=number(text(asked, "ngpus")),
        memory=size(text(asked, "mem")),
        node_list=",".join(hosts(text(attributes, "exec_host"))) or None,
        working_directory=unescaped(text(variables, "PBS_O_WORKDIR")),
        stdout_path=stdout,
        stderr_path=stderr,
        array_job_id=array_id(job_id),
        array_task_id=array_task(job_id) or text(attributes, "array_indices_submitted"),
        dependency=text(attributes, "depend"),
        usage=_usage(used),
    )


def owner(attributes: Attributes) -> str:
    """The user out of `user@host`."""
    return (text(attributes, "Job_Owner") or "").partition("@")[0]


def _usage(used: Attributes) -> JobUsage | None:
    """What the job has used so far; PBS knows no steps."""
    if not used:
        return None
    return JobUsage(max_memory=size(text(used, "mem")), cpu_seconds=seconds(text(used, "cput")))


def _ended(attributes: Attributes) -> datetime | None:
    """The obituary's time, which older releases do not keep."""
    kept = time(text(attributes, "obittime")) or epoch(text(attributes, "history_timestamp"))
    return kept or time(text(attributes, "mtime"))
