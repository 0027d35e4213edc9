"""Cancel, hold, release and requeue jobs, and change waiting ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.errors import Conflict, ErrorCode, NotFound
from firecrest_gql.model.jobs import JobAct, JobChange
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.dialect import Outcomes
from firecrest_gql.schedulers.direct.failures import require_success
from firecrest_gql.schedulers.direct.programs import ACT, UPDATE
from firecrest_gql.schedulers.specification import escaped

NEEDED = {
    JobAct.HOLD: "only a pending job can be held",
    JobAct.RELEASE: "only a held job can be released",
    JobAct.REQUEUE: "only a running job can be requeued, none that is pending or has ended",
}


@dataclass(frozen=True, slots=True)
class Cancel(SchedulerCommand[Outcomes]):
    """End jobs (SIGTERM, SIGKILL after 5 s), or send their processes a signal."""

    job_ids: tuple[str, ...]
    signal: str | None = None

    @property
    def argv(self) -> list[str]:
        """The program, the signal or an empty word, the ids."""
        return ["sh", "-c", ACT, "firecrest-cancel", "cancel", self.signal or "", *self.job_ids]

    def parse(self, result: Result) -> Outcomes:
        """To cancel what has ended is well; a signal needs a running job."""
        told = _told(result, self.job_ids)
        if self.signal is None:
            told = {job_id: word if word == "unknown" else "done" for job_id, word in told.items()}
        return _outcomes(told, "no signal can reach it")


@dataclass(frozen=True, slots=True)
class Act(SchedulerCommand[Outcomes]):
    """Hold, release or requeue; of an array it is well where it was done to one of its tasks at least."""

    act: JobAct
    job_ids: tuple[str, ...]

    @property
    def argv(self) -> list[str]:
        """The program, what to do, no signal, the ids."""
        return ["sh", "-c", ACT, "firecrest-act", self.act.lower(), "", *self.job_ids]

    def parse(self, result: Result) -> Outcomes:
        """A line for each id."""
        return _outcomes(_told(result, self.job_ids), NEEDED[self.act])


@dataclass(frozen=True, slots=True)
class Update(SchedulerCommand[None]):
    """Change a job, or an array, of which nothing has begun."""

    job_id: str
    change: JobChange

    @property
    def argv(self) -> list[str]:
        """The program, the id, and what is to change; an empty word changes nothing."""
        name, limit = escaped(self.change.name or ""), str(self.change.time_limit_seconds or "")
        return ["sh", "-c", UPDATE, "firecrest-update", self.job_id, name, limit]

    def parse(self, result: Result) -> None:
        """Raises `NotFound`, and `Conflict` with the state of what has begun."""
        require_success(result, "the change")
        word = result.stdout.decode().strip()
        if word == "unknown":
            raise NotFound(_unknown(self.job_id))
        if word != "done":
            raise Conflict(f"the job {self.job_id} is {word}: only a pending job can be changed")


def _told(result: Result, job_ids: Sequence[str]) -> dict[str, str]:
    require_success(result, "the change")
    told = dict(line.split(" ", 1) for line in result.stdout.decode().splitlines())
    return {job_id: told.get(job_id, "unknown") for job_id in job_ids}


def _outcomes(told: dict[str, str], why: str) -> Outcomes:
    return {job_id: _error(job_id, word, why) for job_id, word in told.items()}


def _error(job_id: str, word: str, why: str) -> TaskError | None:
    if word == "done":
        return None
    if word == "unknown":
        return TaskError(ErrorCode.NOT_FOUND, _unknown(job_id), False)
    return TaskError(ErrorCode.CONFLICT, f"the job {job_id} is {word}: {why}", False)


def _unknown(job_id: str) -> str:
    return f"there is no job {job_id} of this user"
