"""qstat and qselect: the live queue, the history that the server keeps, and the search for a job by its key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from firecrest_gql.command import Load, Result, SchedulerCommand
from firecrest_gql.model.jobs import Job, JobFilter
from firecrest_gql.schedulers.filtering import begin, matches
from firecrest_gql.schedulers.pbs.document import Attributes, below, section, text
from firecrest_gql.schedulers.pbs.failures import FINISHED, UNKNOWN_ID, failure, said_by
from firecrest_gql.schedulers.pbs.jobs import KEY_VARIABLE, live_job

# Times are printed, and read, in the zone of the program. -t: the tasks of arrays too.
QSTAT = ("env", "TZ=UTC", "qstat", "-f", "-t", "-F", "json")
# -E asks for all ids at once: asked one by one, some releases print but the first, or broken JSON
# (https://github.com/openpbs/openpbs/issues/2672, https://github.com/openpbs/openpbs/pull/585).
TOGETHER = "-E"
WITH_HISTORY = "-x"

# qstat prints no JSON where it is asked for a user's jobs (https://github.com/openpbs/openpbs/pull/2675).
SELECTED = (
    'history=$1; shift; ids=$(qselect "$@") || exit; test -n "$ids" || exit 0; set -f; '
    f"exec {' '.join(QSTAT[2:])} {TOGETHER} $history $ids"
)
LEFT_OUT = (UNKNOWN_ID, FINISHED)
NO_HISTORY = ("not configured to maintain job history", "job_history_enable is set to false")


def selected(*criteria: str, history: bool) -> list[str]:
    """qstat for the jobs that qselect finds."""
    return ["env", "TZ=UTC", "sh", "-c", SELECTED, "firecrest-jobs", WITH_HISTORY if history else "", *criteria]


def programs(argv: Sequence[str]) -> int:
    """qselect goes before qstat where the jobs are not named."""
    return 2 if SELECTED in argv else 1


def jobs_of(result: Result, system: str) -> Iterator[Job]:
    """The jobs that qstat told of; raises where it failed for more than ids that it does not know."""
    said = said_by(result)
    known = any(sign in said for sign in (*LEFT_OUT, *NO_HISTORY))
    if result.exit_status != 0 and not known:
        raise failure(result.exit_status, said, "qstat")
    for job_id, attributes in section(result.stdout, "Jobs").items():
        yield live_job(job_id, attributes, system)


@dataclass(frozen=True, slots=True)
class Queue(SchedulerCommand[list[Job]]):
    """The jobs that have not ended, as far as the server shows them to this user."""

    system: str
    username: str
    job_filter: JobFilter

    @property
    def argv(self) -> list[str]:
        """These ids, these users' jobs, or all of the server: everything else is ours to choose."""
        if self.job_filter.job_ids:
            return [*QSTAT, TOGETHER, *self.job_filter.job_ids]
        users = _users(self.job_filter, self.username)
        return [*QSTAT] if users is None else selected("-u", ",".join(users), history=False)

    @property
    def loads(self) -> Mapping[Load, int]:
        """One program or two."""
        return {Load.SCHEDULER: programs(self.argv)}

    def parse(self, result: Result) -> list[Job]:
        """The jobs that the filter means."""
        found = () if self.job_filter.job_ids == () else jobs_of(result, self.system)
        return [job for job in found if means(self.job_filter, job, self.username)]


@dataclass(frozen=True, slots=True)
class History(SchedulerCommand[list[Job]]):
    """The jobs that have ended, as long as the server keeps them; none where it keeps no history."""

    system: str
    username: str
    job_filter: JobFilter

    @property
    def argv(self) -> list[str]:
        """These ids, or what qselect finds."""
        ids = self.job_filter.job_ids
        return [*QSTAT, TOGETHER, WITH_HISTORY, *ids] if ids else selected("-H", *self._criteria(), history=True)

    @property
    def loads(self) -> Mapping[Load, int]:
        """One program or two."""
        return {Load.SCHEDULER: programs(self.argv)}

    def parse(self, result: Result) -> list[Job]:
        """The jobs that the filter means."""
        found = () if self.job_filter.job_ids == () else jobs_of(result, self.system)
        return [job for job in found if means(self.job_filter, job, self.username)]

    def _criteria(self) -> Iterator[str]:
        if users := _users(self.job_filter, self.username):
            yield from ("-u", ",".join(users))
        since = begin(self.job_filter, datetime.now(UTC))
        if since is not None:
            yield f"-tm.ge.{since.astimezone(UTC):%Y%m%d%H%M.%S}"


@dataclass(frozen=True, slots=True)
class Find(SchedulerCommand[str | None]):
    """The id of the user's job that carries the key; of an array, the array's."""

    key: str
    username: str
    history: bool = False

    @property
    def argv(self) -> list[str]:
        """The user's jobs, and of those that have ended too where the history is searched."""
        ended = (WITH_HISTORY,) if self.history else ()
        return selected(*ended, "-u", self.username, history=self.history)

    @property
    def loads(self) -> Mapping[Load, int]:
        """qselect and qstat."""
        return {Load.SCHEDULER: 2}

    def parse(self, result: Result) -> str | None:
        """The first that carries it, an array before its tasks."""
        list(jobs_of(result, ""))
        found = section(result.stdout, "Jobs")
        carrying = (job_id for job_id, attributes in found.items() if self._carries(attributes))
        return min(carrying, key=lambda job_id: (not job_id.partition("]")[0].endswith("["), job_id), default=None)

    def _carries(self, attributes: Attributes) -> bool:
        return text(below(attributes, "Variable_List"), KEY_VARIABLE) == self.key


def means(job_filter: JobFilter, job: Job, username: str) -> bool:
    """Whether the filter means the job; by ids the server has decided whose may be seen."""
    users = _users(job_filter, username)
    return (users is None or job.user in users) and matches(job, job_filter)


def _users(job_filter: JobFilter, username: str) -> Sequence[str] | None:
    if job_filter.users is not None:
        return job_filter.users
    return None if job_filter.all_users or job_filter.job_ids else (username,)
