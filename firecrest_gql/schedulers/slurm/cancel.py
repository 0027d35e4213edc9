"""scancel, after a look at the queue: scancel says nothing of a job that it does not know."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from firecrest_gql.command import Load, Result, SchedulerCommand
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.dialect import Outcomes
from firecrest_gql.schedulers.slurm.failures import cancel_error
from firecrest_gql.schedulers.slurm.known import known_ids, look_first, unknown
from firecrest_gql.schedulers.slurm.queue import bare_id, plain_id
from firecrest_gql.schedulers.slurm.records import token

COMPLAINT = re.compile(r"scancel: error: Kill job error on job id (\S+): (.*)")


@dataclass(frozen=True, slots=True)
class Cancel(SchedulerCommand[Outcomes]):
    """Cancel jobs, or send a signal to their scripts and steps; to cancel an ended one is no error."""

    job_ids: tuple[str, ...]
    signal: str | None = None
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """The ids and the format for squeue, the rest for scancel."""
        signal = () if self.signal is None else ("--full", f"--signal={self.signal}")
        return look_first(self.job_ids, self.mark, "scancel", *signal, "--", *map(plain_id, self.job_ids))

    @property
    def loads(self) -> Mapping[Load, int]:
        """squeue and scancel."""
        return {Load.SCHEDULER: 2}

    def parse(self, result: Result) -> Outcomes:
        """What the queue does not know is NOT_FOUND; what scancel complains of is told in its words."""
        complaints = COMPLAINT.findall(result.stderr.decode("utf-8", "replace"))
        known = known_ids(result, self.mark, "scancel", complained=bool(complaints))
        return {job_id: self._error(job_id, known, complaints) for job_id in self.job_ids}

    def _error(self, job_id: str, known: set[str], complaints: list[tuple[str, str]]) -> TaskError | None:
        if job_id not in known and bare_id(job_id) not in known:
            return unknown(job_id)
        words = next(self._words(job_id, complaints), None)
        return None if words is None else cancel_error(job_id, words, ended_is_well=self.signal is None)

    def _words(self, job_id: str, complaints: list[tuple[str, str]]) -> Iterator[str]:
        """An array's complaint may be one of its tasks'."""
        for complained, words in complaints:
            if complained in (plain_id(job_id), bare_id(job_id)) or complained.startswith(f"{bare_id(job_id)}_"):
                yield words
