"""The record of jobs by sacct: what the live queue has forgotten. It lags seconds behind."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from firecrest_gql.command import Command, Result
from firecrest_gql.model.jobs import FINAL_JOB_STATES, Job, JobFilter
from firecrest_gql.schedulers.filtering import begin, matches
from firecrest_gql.schedulers.slurm.comment import carries, own_comment
from firecrest_gql.schedulers.slurm.failures import failure
from firecrest_gql.schedulers.slurm.queue import bare_id
from firecrest_gql.schedulers.slurm.records import records, token
from firecrest_gql.schedulers.slurm.states import job_state
from firecrest_gql.schedulers.slurm.values import exit_pair, gpus, memory, minutes, number, text, time

# Options take local times: UTC is made local. --allocations: jobs, not their steps.
SACCT = ("env", "TZ=UTC", "SLURM_TIME_FORMAT=%s", "sacct", "--noheader", "--allocations", "--noconvert", "--parsable")

# https://slurm.schedmd.com/sacct.html#SECTION_Job-Accounting-Fields; names and comments may have other quotes there.
FIELDS = (
    *("JobID", "JobName", "User", "State", "ExitCode", "Reason", "Account", "Partition", "QOS", "Priority"),
    *("Submit", "Start", "End", "ElapsedRaw", "TimelimitRaw", "AllocNodes", "AllocCPUS", "AllocTRES", "NodeList"),
    *("WorkDir", "Comment"),
)
FIND_FIELDS = ("JobID", "Comment")
# The site keeps no accounts; the interval lies in the future.
EMPTY = (b"accounting storage is disabled", b"is after end time")


def sacct(fields: tuple[str, ...], mark: str, *options: str) -> list[str]:
    """sacct for these fields in full width, each ending in the token."""
    return [*SACCT, f"--delimiter={mark}", *options, f"--format={','.join(fields)}"]


def rows(result: Result, mark: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """What sacct told."""
    if any(sign in result.stderr.lower() for sign in EMPTY):
        return []
    if result.exit_status != 0:
        raise failure(result, "sacct")
    return [*records(result.stdout, mark, fields)]


def moment(at: datetime) -> str:
    """A time as sacct reads it under TZ=UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True, slots=True)
class Accounting(Command[list[Job]]):
    """The jobs on record, as far as this user may see them."""

    system: str
    username: str
    job_filter: JobFilter
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """Time, ids and users are sacct's matter, the rest is ours."""
        return sacct(FIELDS, self.mark, *self._users(), *self._jobs(), *self._times())

    def parse(self, result: Result) -> list[Job]:
        """The jobs that the filter means."""
        found = (recorded_job(row, self.system) for row in rows(result, self.mark, FIELDS))
        users = self.job_filter.users
        return [job for job in found if (users is None or job.user in users) and matches(job, self.job_filter)]

    def _users(self) -> list[str]:
        if self.job_filter.users is not None:
            return [f"--user={','.join(self.job_filter.users)}"]
        return ["--allusers"] if self.job_filter.all_users else [f"--user={self.username}"]

    def _jobs(self) -> list[str]:
        ids = self.job_filter.job_ids
        return [] if ids is None else [f"--jobs={','.join(map(bare_id, ids))}"]

    def _times(self) -> list[str]:
        since, until = begin(self.job_filter, datetime.now(UTC)), self.job_filter.until
        start = [] if since is None else [f"--starttime={moment(since)}"]
        return start if until is None else [*start, f"--endtime={moment(until)}"]


def recorded_job(row: dict[str, str], system: str) -> Job:
    """What sacct tells of a job, in the contract's terms."""
    state = job_state(row["State"], row["Reason"])
    final = state in FINAL_JOB_STATES
    nodes = text(row["NodeList"])
    started = time(row["Start"]) if nodes else None  # of a job cancelled before, Slurm tells the time of that
    code, signal = exit_pair(row["ExitCode"]) if final and started else (None, None)
    array_id, _, task_id = row["JobID"].partition("_")
    return Job(
        system=system,
        job_id=row["JobID"],
        name=row["JobName"],
        user=row["User"],
        state=state,
        raw_state=row["State"],
        reason=text(row["Reason"]),
        exit_code=code,
        signal=signal,
        observed_at=datetime.now(UTC),
        account=text(row["Account"]),
        partition=text(row["Partition"]),
        qos=text(row["QOS"]),
        priority=number(row["Priority"]),
        submitted_at=time(row["Submit"]),
        started_at=started,
        ended_at=time(row["End"]) if final else None,
        elapsed_seconds=number(row["ElapsedRaw"]),
        time_limit_seconds=minutes(row["TimelimitRaw"]),
        node_count=number(row["AllocNodes"]),
        cpu_count=number(row["AllocCPUS"]),
        gpu_count=gpus(row["AllocTRES"]),
        memory=memory(row["AllocTRES"]),
        node_list=nodes,
        working_directory=text(row["WorkDir"]),
        array_job_id=array_id if task_id else None,
        array_task_id=task_id.strip("[]") or None,
        comment=own_comment(row["Comment"]),
    )


@dataclass(frozen=True, slots=True)
class FindAccounted(Command[str | None]):
    """The id of the user's job whose comment carries the key; of an array, the array's.

    Accounts keep comments only with AccountingStoreFlags=job_comment, and only of ended jobs.
    """

    key: str
    username: str
    since: datetime
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """All of the user's jobs since then, two fields of each."""
        options = (f"--user={self.username}", f"--starttime={moment(self.since)}")
        return sacct(FIND_FIELDS, self.mark, *options)

    def parse(self, result: Result) -> str | None:
        """The first that carries it."""
        found = rows(result, self.mark, FIND_FIELDS)
        return next((row["JobID"].partition("_")[0] for row in found if carries(row["Comment"], self.key)), None)
