"""A look at the queue before an act: Slurm's programs tell in many ways, or not at all, that they know no such job."""

from collections.abc import Sequence

from firecrest_gql.command import Result
from firecrest_gql.errors import ErrorCode, SystemUnavailable
from firecrest_gql.model.tasks import TaskError
from firecrest_gql.schedulers.slurm.failures import NOT_FOUND, failure
from firecrest_gql.schedulers.slurm.queue import SQUEUE, bare_id, format_of
from firecrest_gql.schedulers.slurm.records import records

PROGRAM = f'{" ".join(SQUEUE)} --states=all --jobs="$1" --Format="$2"; shift 2; exec "$@"'
FIELDS = ("JobArrayID", "ArrayJobID")


def look_first(job_ids: Sequence[str], mark: str, program: str, *arguments: str) -> list[str]:
    """squeue for these jobs, then the program, whatever squeue said."""
    look = (",".join(map(bare_id, job_ids)), format_of(FIELDS, mark))
    return ["sh", "-c", PROGRAM, f"firecrest-{program}", *look, program, *arguments]


def known_ids(result: Result, mark: str, program: str, *, complained: bool) -> set[str]:
    """The ids of jobs, and of their arrays, that squeue showed; raises where the program did not do its work."""
    problem = failure(result, program)
    if isinstance(problem, SystemUnavailable) or result.exit_status == NOT_FOUND:
        raise problem
    known = {value for row in records(result.stdout, mark, FIELDS) for value in row.values()}
    if result.exit_status != 0 and known and not complained:
        raise problem
    return known


def unknown(job_id: str) -> TaskError:
    """The outcome of a job that squeue did not show to the caller."""
    return TaskError(ErrorCode.NOT_FOUND, f"the queue has no job {job_id} of yours, or no longer", False)
