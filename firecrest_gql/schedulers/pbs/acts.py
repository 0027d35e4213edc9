"""qdel, qsig, qhold, qrls, qrerun, qalter and qmove."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firecrest_gql.command import Load, Result, SchedulerCommand
from firecrest_gql.errors import CommandFailed, Conflict, SchedulerRejected, SystemUnavailable
from firecrest_gql.model.jobs import JobAct, JobChange, JobState
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.dialect import Outcomes
from firecrest_gql.schedulers.pbs.failures import FINISHED, FINISHED_TASK, NO_PROGRAM, refusal, said_by
from firecrest_gql.schedulers.pbs.states import STATES

# One program for each job: of a finished one some say "Job has finished" and not which. A line: status, id, words.
EACH = (
    'set -f; ids=$1; shift; for id in $ids; do said=$("$@" "$id" 2>&1); status=$?; '
    'printf "%s %s %s\\n" "$status" "$id" "$(printf %s "$said" | tr "\\n" " ")"; done'
)
PROGRAMS = {JobAct.HOLD: ("qhold",), JobAct.RELEASE: ("qrls",), JobAct.REQUEUE: ("qrerun",)}


def each(job_ids: tuple[str, ...], *program: str) -> list[str]:
    """The program for one job after the other."""
    return ["sh", "-c", EACH, f"firecrest-{program[0]}", " ".join(job_ids), *program]


def told(result: Result) -> Mapping[str, tuple[int, str]]:
    """The status and the words about each job."""
    lines = result.stdout.decode("utf-8", "replace").splitlines()
    parts = (line.split(" ", 2) for line in lines if re.match(r"\d+ \S", line))
    return {job_id: (int(status), "".join(words)) for status, job_id, *words in parts}


def outcomes(result: Result, job_ids: tuple[str, ...], program: str, *, ended_is_well: bool = False) -> Outcomes:
    """One result of each job; raises where PBS did not answer at all."""
    answers = told(result)
    if missing := [job_id for job_id in job_ids if job_id not in answers]:
        raise CommandFailed(f"{program} has told nothing of {missing[0]}: {said_by(result)[-300:]}")
    return {job_id: _outcome(job_id, *answers[job_id], program, ended_is_well) for job_id in job_ids}


def _outcome(job_id: str, status: int, words: str, program: str, ended_is_well: bool) -> TaskError | None:
    if status == 0 or (ended_is_well and any(sign in words for sign in (FINISHED, FINISHED_TASK))):
        return None
    problem = refusal(status, words, program, f"the job {job_id}: ")
    if isinstance(problem, SystemUnavailable) or status == NO_PROGRAM:
        raise problem
    return TaskError(problem.code, problem.message, problem.retryable)


@dataclass(frozen=True, slots=True)
class Cancel(SchedulerCommand[Outcomes]):
    """Delete jobs, or send a signal to all processes of their sessions; to delete an ended one is no error."""

    job_ids: tuple[str, ...]
    signal: str | None = None

    @property
    def argv(self) -> list[str]:
        """qdel, or qsig, which knows a signal's name with and without SIG."""
        return each(self.job_ids, *self._program)

    @property
    def loads(self) -> Mapping[Load, int]:
        """A program for each job."""
        return {Load.SCHEDULER: len(self.job_ids)}

    def parse(self, result: Result) -> Outcomes:
        """A line for each job."""
        return outcomes(result, self.job_ids, self._program[0], ended_is_well=self.signal is None)

    @property
    def _program(self) -> tuple[str, ...]:
        return ("qdel",) if self.signal is None else ("qsig", "-s", self.signal)


@dataclass(frozen=True, slots=True)
class Act(SchedulerCommand[Outcomes]):
    """Hold and release; requeueing is for PBS's managers and operators."""

    act: JobAct
    job_ids: tuple[str, ...]

    @property
    def argv(self) -> list[str]:
        """The act's own program."""
        return each(self.job_ids, *PROGRAMS[self.act])

    @property
    def loads(self) -> Mapping[Load, int]:
        """A program for each job."""
        return {Load.SCHEDULER: len(self.job_ids)}

    def parse(self, result: Result) -> Outcomes:
        """A line for each job."""
        return outcomes(result, self.job_ids, PROGRAMS[self.act][0])


# A running job could be changed too, but the contract promises pending ones. The first job_state is qstat's own:
# names before it have no blanks.
UPDATE = (
    'look=$(qstat -f "$1") || exit; shift; state=${look#*job_state = }; state=${state%%[!A-Z]*}; '
    'case $state in [HQTW]) exec "$@";; esac; echo "$state"; exit 3'
)
BEGUN = 3


@dataclass(frozen=True, slots=True)
class Update(SchedulerCommand[None]):
    """Change a pending job by one program, which does all of it or nothing."""

    job_id: str
    change: JobChange

    @property
    def argv(self) -> list[str]:
        """The id for qstat, then what changes the job."""
        return ["sh", "-c", UPDATE, "firecrest-update", self.job_id, *self._program(), self.job_id]

    @property
    def loads(self) -> Mapping[Load, int]:
        """qstat, and what changes the job."""
        return {Load.SCHEDULER: 2}

    def parse(self, result: Result) -> None:
        """Raises `NotFound`, `Conflict` with the state of a job that has begun, or PBS's words."""
        if result.exit_status == 0:
            return
        letter = result.stdout.decode("utf-8", "replace").strip()
        if result.exit_status == BEGUN and letter:
            state = STATES.get(letter, JobState.UNKNOWN)
            raise Conflict(f"the job {self.job_id} is {state}: only a pending job can be changed")
        problem = refusal(result.exit_status, said_by(result), self._program_name, f"the job {self.job_id}: ")
        raise problem if said_by(result) else SchedulerRejected(problem.message)

    @property
    def _program_name(self) -> str:
        return "qalter" if self.change.partition is None else "qmove"

    def _program(self) -> Iterator[str]:
        if self.change.partition is not None:
            yield from ("qmove", self.change.partition)
            return
        yield "qalter"
        if self.change.name is not None:
            yield from ("-N", self.change.name)
        if self.change.time_limit_seconds is not None:
            yield from ("-l", f"walltime={self.change.time_limit_seconds}")
