"""scontrol: hold, release and requeue jobs, and change pending ones."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from firecrest_gql.command import Load, Result, SchedulerCommand
from firecrest_gql.errors import Conflict, NotFound, SystemUnavailable
from firecrest_gql.model.jobs import JobAct, JobChange
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.dialect import Outcomes
from firecrest_gql.schedulers.slurm.failures import NOT_FOUND as NO_PROGRAM
from firecrest_gql.schedulers.slurm.failures import failure, refusal, words_of
from firecrest_gql.schedulers.slurm.known import known_ids, look_first, unknown
from firecrest_gql.schedulers.slurm.queue import SQUEUE, UNKNOWN_ID, bare_id, plain_id
from firecrest_gql.schedulers.slurm.records import token

# https://slurm.schedmd.com/scontrol.html: of each job in one line, of an array's tasks in another form.
COMPLAINT = re.compile(r"^(?P<words>\S.*) for job (?P<id>\d\S*)$|^(?P<tasks>\d\S*): (?P<why>.+)$", re.MULTILINE)
DONE = "No error"


@dataclass(frozen=True, slots=True)
class Act(SchedulerCommand[Outcomes]):
    """One command for all jobs; of an array it is well where it was done to one of its tasks at least."""

    act: JobAct
    job_ids: tuple[str, ...]
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """The ids and the format for squeue, the rest for scontrol."""
        return look_first(self.job_ids, self.mark, "scontrol", self.act.lower(), *map(plain_id, self.job_ids))

    @property
    def loads(self) -> Mapping[Load, int]:
        """squeue and scontrol."""
        return {Load.SCHEDULER: 2}

    def parse(self, result: Result) -> Outcomes:
        """What the queue does not know is NOT_FOUND; what scontrol complains of is told in its words."""
        complaints = [*_complaints(result.stderr.decode("utf-8", "replace"))]
        known = known_ids(result, self.mark, "scontrol", complained=bool(complaints))
        return {job_id: _error(job_id, known, complaints) for job_id in self.job_ids}


def _complaints(said: str) -> Iterator[tuple[str, str]]:
    for match in COMPLAINT.finditer(said):
        yield match["id"] or match["tasks"], match["words"] or match["why"]


def _error(job_id: str, known: set[str], complaints: list[tuple[str, str]]) -> TaskError | None:
    if job_id not in known and bare_id(job_id) not in known:
        return unknown(job_id)
    plain = _plain(job_id)
    said = [words for about, words in complaints if _plain(about) == plain or about.startswith(f"{plain}_")]
    if not said or DONE in said:
        return None
    error = refusal(f"the job {job_id}: {said[0]}")
    return TaskError(error.code, error.message, False)


def _plain(job_id: str) -> str:
    """scontrol writes `7_3-4` of what was asked for as `7_[3-4%1]`."""
    return re.sub(r"%\d+|[\[\]]", "", job_id)


# A running job's name and limit could be changed too, but the contract promises pending ones. So either the id is that
# of a row that is pending, such as an array's waiting rest, or every row that it means is.
UPDATE = (
    f'rows=$({" ".join(SQUEUE)} --states=all --jobs="$1" --format="%i %T") || exit; asked=$2; shift 2; '
    'if printf "%s\\n" "$rows" | grep -qxF "$asked PENDING" || ! printf "%s\\n" "$rows" | grep -qv " PENDING\\$"; '
    'then exec scontrol update "$@"; fi; printf "%s" "$rows"; exit 3'
)
BEGUN = 3
WAITS = " PENDING"


@dataclass(frozen=True, slots=True)
class Update(SchedulerCommand[None]):
    """Change a job, or an array, of which nothing has begun; or the waiting rest of an array, by its own id."""

    job_id: str
    change: JobChange

    @property
    def argv(self) -> list[str]:
        """The ids for squeue, then what scontrol takes."""
        ids = (bare_id(self.job_id), self.job_id, f"JobId={plain_id(self.job_id)}")
        return ["sh", "-c", UPDATE, "firecrest-update", *ids, *self._changes()]

    @property
    def loads(self) -> Mapping[Load, int]:
        """squeue and scontrol."""
        return {Load.SCHEDULER: 2}

    def parse(self, result: Result) -> None:
        """Raises `NotFound`, `Conflict` with the state of a job that has begun, or scontrol's words."""
        if result.exit_status == 0:
            return
        rows = result.stdout.decode("utf-8", "replace").splitlines()
        if result.exit_status == BEGUN and rows:
            raise _begun(self.job_id, rows)
        if result.exit_status == BEGUN or UNKNOWN_ID.encode() in result.stderr:
            raise NotFound(unknown(self.job_id).message)
        problem = failure(result, "scontrol")
        silent = isinstance(problem, SystemUnavailable) or result.exit_status == NO_PROGRAM or not result.stderr
        raise problem if silent else refusal(f"the job {self.job_id}: {words_of(result)}")

    def _changes(self) -> Iterator[str]:
        if self.change.name is not None:
            yield f"JobName={self.change.name}"
        if self.change.partition is not None:
            yield f"Partition={self.change.partition}"
        if self.change.time_limit_seconds is not None:
            minutes, seconds = divmod(self.change.time_limit_seconds, 60)
            yield f"TimeLimit={minutes}:{seconds:02}"


def _begun(job_id: str, rows: list[str]) -> Conflict:
    """What of the job has begun, and the id of what still waits."""
    rests, begun = ([row for row in rows if row.endswith(WAITS) is waits] for waits in (True, False))
    about = "" if rests == [] else f"; what waits is {rests[0].removesuffix(WAITS)[:300]}"
    told = " is ".join((begun or rows)[0].split(" "))
    return Conflict(f"the job {job_id} cannot be changed: {told}, and only a pending job can be changed{about}")
