"""The record of jobs by sacct: what the live queue has forgotten. It lags seconds behind."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from firecrest_gql.command import AccountingCommand, Result
from firecrest_gql.model.jobs import Job, JobFilter
from firecrest_gql.schedulers.filtering import begin, matches
from firecrest_gql.schedulers.slurm.comment import carries
from firecrest_gql.schedulers.slurm.failures import failure
from firecrest_gql.schedulers.slurm.queue import bare_id, chosen
from firecrest_gql.schedulers.slurm.record import FIELDS, recorded_jobs
from firecrest_gql.schedulers.slurm.records import records, token

# Options take local times: UTC is made local.
SACCT = ("env", "TZ=UTC", "SLURM_TIME_FORMAT=%s", "sacct", "--noheader", "--noconvert", "--parsable")

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
class Accounting(AccountingCommand[list[Job]]):
    """The jobs on record, as far as this user may see them; `usage`: with their steps."""

    system: str
    username: str
    job_filter: JobFilter
    usage: bool = False
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """Time, ids, users and plain conditions are sacct's matter; it would fail on an unknown QOS."""
        whole = () if self.usage else ("--allocations",)
        plain = chosen(self.job_filter, "name", "partition", "account")
        return sacct(FIELDS, self.mark, *whole, *self._users(), *self._jobs(), *self._times(), *plain)

    def parse(self, result: Result) -> list[Job]:
        """The jobs that the filter means."""
        found = recorded_jobs(rows(result, self.mark, FIELDS), self.system, self.usage)
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


@dataclass(frozen=True, slots=True)
class FindAccounted(AccountingCommand[str | None]):
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
        options = ("--allocations", f"--user={self.username}", f"--starttime={moment(self.since)}")
        return sacct(FIND_FIELDS, self.mark, *options)

    def parse(self, result: Result) -> str | None:
        """The first that carries it."""
        found = rows(result, self.mark, FIND_FIELDS)
        return next((row["JobID"].partition("_")[0] for row in found if carries(row["Comment"], self.key)), None)
