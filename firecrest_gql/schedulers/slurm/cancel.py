"""scancel, after a look at the queue: scancel says nothing of a job that it does not know."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import ErrorCode, SystemUnavailable
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.slurm.failures import NOT_FOUND, cancel_error, failure
from firecrest_gql.schedulers.slurm.queue import SQUEUE, bare_id, format_of
from firecrest_gql.schedulers.slurm.records import records, token

PROGRAM = f'{" ".join(SQUEUE)} --states=all --jobs="$1" --Format="$2"; shift 2; exec scancel "$@"'
FIELDS = ("JobArrayID", "ArrayJobID")
COMPLAINT = re.compile(r"scancel: error: Kill job error on job id (\S+): (.*)")


@dataclass(frozen=True, slots=True)
class Cancel(Command[Mapping[str, TaskError | None]]):
    """Cancel jobs, or send a signal to their scripts and steps; to cancel an ended one is no error."""

    job_ids: tuple[str, ...]
    signal: str | None = None
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """The ids and the format for squeue, the rest for scancel."""
        look = (",".join(map(bare_id, self.job_ids)), format_of(FIELDS, self.mark))
        signal = () if self.signal is None else ("--full", f"--signal={self.signal}")
        return ["sh", "-c", PROGRAM, "firecrest-cancel", *look, *signal, "--", *self.job_ids]

    def parse(self, result: Result) -> Mapping[str, TaskError | None]:
        """What the queue does not know is NOT_FOUND; what scancel complains of is told in its words."""
        problem = failure(result, "scancel")
        if isinstance(problem, SystemUnavailable) or result.exit_status == NOT_FOUND:
            raise problem
        known = {value for row in records(result.stdout, self.mark, FIELDS) for value in row.values()}
        complaints = COMPLAINT.findall(result.stderr.decode("utf-8", "replace"))
        if result.exit_status != 0 and known and not complaints:
            raise problem
        return {job_id: self._error(job_id, known, complaints) for job_id in self.job_ids}

    def _error(self, job_id: str, known: set[str], complaints: list[tuple[str, str]]) -> TaskError | None:
        if job_id not in known and bare_id(job_id) not in known:
            return TaskError(ErrorCode.NOT_FOUND, f"the queue has no job {job_id} of yours, or no longer", False)
        words = next(self._words(job_id, complaints), None)
        return None if words is None else cancel_error(job_id, words, ended_is_well=self.signal is None)

    def _words(self, job_id: str, complaints: list[tuple[str, str]]) -> Iterator[str]:
        """An array's complaint may be one of its tasks'."""
        for complained, words in complaints:
            if complained in (job_id, bare_id(job_id)) or complained.startswith(f"{bare_id(job_id)}_"):
                yield words
