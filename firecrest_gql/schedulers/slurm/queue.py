"""The live queue by squeue, and the search for a job by its key."""

import re
from dataclasses import dataclass, field

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.model.jobs import Job, JobFilter
from firecrest_gql.schedulers.filtering import matches
from firecrest_gql.schedulers.slurm.comment import carries
from firecrest_gql.schedulers.slurm.failures import failure
from firecrest_gql.schedulers.slurm.live import FIELDS, live_job
from firecrest_gql.schedulers.slurm.records import records, token

# Times as seconds since the epoch, for the cluster's time zone is not ours; long lists of an array's tasks uncut.
SQUEUE = ("env", "SLURM_TIME_FORMAT=%s", "SLURM_BITSTR_LEN=0", "squeue", "--noheader", "--all", "--noconvert")

FIND_FIELDS = ("ArrayJobID", "Comment")
UNKNOWN_ID = "Invalid job id specified"
UNKNOWN_USER = "Invalid user"


def squeue(fields: tuple[str, ...], mark: str, *options: str) -> list[str]:
    """squeue for these fields in full width, each ending in the token."""
    return [*SQUEUE, "--states=all", *options, f"--Format={format_of(fields, mark)}"]


def format_of(fields: tuple[str, ...], mark: str) -> str:
    """squeue's and sinfo's word for these fields: without a size each is whole."""
    return ",".join(f"{name}:{mark}" for name in fields)


def rows(result: Result, mark: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """What squeue told; nothing where it knows neither id nor user."""
    if result.exit_status != 0:
        if UNKNOWN_ID.encode() in result.stderr or UNKNOWN_USER.encode() in result.stderr:
            return []
        raise failure(result, "squeue")
    return [*records(result.stdout, mark, fields)]


@dataclass(frozen=True, slots=True)
class Queue(SchedulerCommand[list[Job]]):
    """The jobs that slurmctld holds, ended ones for MinJobAge seconds, and as far as this user may see them."""

    system: str
    username: str
    job_filter: JobFilter
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """Ids and one user are squeue's matter, as it would fail on any unknown among several, and plain conditions.

        Not the name, which may have changed: what squeue leaves out would be told as accounting still has it.
        """
        plain = chosen(self.job_filter, "partition", "account", "qos")
        return squeue(FIELDS, self.mark, *self._jobs(), *self._user(), *plain)

    def parse(self, result: Result) -> list[Job]:
        """The jobs that the filter means."""
        found = (live_job(row, self.system) for row in rows(result, self.mark, FIELDS))
        return [job for job in found if self._means(job) and matches(job, self.job_filter)]

    def _jobs(self) -> list[str]:
        ids = self.job_filter.job_ids
        return [] if ids is None else [f"--jobs={','.join(map(bare_id, ids))}"]

    def _user(self) -> list[str]:
        names = self.job_filter.users or (() if self.job_filter.all_users else (self.username,))
        return [f"--user={names[0]}"] if len(names) == 1 else []

    def _means(self, job: Job) -> bool:
        users = self.job_filter.users
        return users is None or job.user in users


# The programs take lists, so a value must not be read as several.
PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


def chosen(job_filter: JobFilter, *options: str) -> list[str]:
    """What of these conditions the program can apply by itself."""
    values = ((option, getattr(job_filter, option)) for option in options)
    return [f"--{option}={value}" for option, value in values if value is not None and PLAIN.fullmatch(value)]


def bare_id(job_id: str) -> str:
    """The id without a list of tasks, which squeue and sacct do not read: `7` for `7_[3-9]`."""
    return re.sub(r"_\[.*\]$", "", job_id)


def plain_id(job_id: str) -> str:
    """The id as scontrol and scancel read it: `7_[3-9]` for squeue's `7_[3-9%2]`, of which two may run at once."""
    return re.sub(r"%\d+(?=\]$)", "", job_id)


@dataclass(frozen=True, slots=True)
class Find(SchedulerCommand[str | None]):
    """The id of the user's job whose comment carries the key; of an array, the array's."""

    key: str
    username: str
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """All of the user's jobs, two fields of each."""
        return squeue(FIND_FIELDS, self.mark, f"--user={self.username}")

    def parse(self, result: Result) -> str | None:
        """The first that carries it."""
        found = rows(result, self.mark, FIND_FIELDS)
        return next((row["ArrayJobID"] for row in found if carries(row["Comment"], self.key)), None)
