"""srun inside the allocation of a job that runs."""

import math
import re
from dataclasses import dataclass

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.errors import Conflict, SystemUnavailable, Unreached
from firecrest_gql.model.tasks import CommandOutput
from firecrest_gql.schedulers.slurm.failures import NOT_FOUND, failure, refusal, words_of

KEPT = 64 * 1024
"""Bytes of each output that are told; what comes behind them is read and dropped, so that the command goes on."""

LIMIT_SECONDS = 300

# The first $1 bytes of the outputs of what follows, its standard input empty, and its exit status.
PROGRAM = (
    'unset LC_ALL; kept=$1; shift; exec 4>&1 5>&2; bound() { head -c "$kept"; cat >/dev/null; }; '
    'status=$({ { { "$@" </dev/null 3>&- 4>&- 5>&- 6>&-; echo $? >&3; } 2>&1 >&6 | bound >&5; } 6>&1 '
    "| bound >&4; } 3>&1); "
    'exit "$status"'
)
# Of src/api/allocate.c and step_launch.c: there is no step, so nothing has run.
NOT_BEGUN = re.compile(r"srun: error: (Unable to (?:create step|confirm allocation)|Slurm job \d+ has expired)")


@dataclass(frozen=True, slots=True)
class Attach(SchedulerCommand[CommandOutput]):
    """One task on the job's first node, beside what runs there already: https://slurm.schedmd.com/srun.html#OPT_overlap."""

    job_id: str
    command: tuple[str, ...]

    @property
    def argv(self) -> list[str]:
        """The step has a time limit of its own: it outlives a srun that is killed."""
        limit = f"--time={math.ceil(LIMIT_SECONDS / 60)}"
        step = ("srun", "--quiet", f"--jobid={self.job_id}", "--overlap", "--nodes=1", "--ntasks=1", limit)
        return ["sh", "-c", PROGRAM, "firecrest-attach", str(KEPT + 1), *step, "--", *self.command]

    @property
    def time_limit(self) -> float:
        """Seconds."""
        return LIMIT_SECONDS

    @property
    def lingers(self) -> bool:
        """srun asks slurmctld for a step, and then lives as long as the command."""
        return True

    def parse(self, result: Result) -> CommandOutput:
        """The command's own status; `Conflict` and others where srun began no step."""
        if NOT_BEGUN.match(result.stderr.decode("utf-8", "replace")) and not result.stdout:
            raise self._refused(result)
        if result.exit_status == NOT_FOUND and result.stderr.startswith(b"sh:"):
            raise failure(result, "srun")
        return CommandOutput(
            exit_status=result.exit_status,
            stdout_text=_told(result.stdout),
            stderr_text=_told(result.stderr),
            truncated=max(len(result.stdout), len(result.stderr)) > KEPT,
        )

    def _refused(self, result: Result) -> Exception:
        problem = failure(result, "srun")
        if isinstance(problem, SystemUnavailable):
            return Unreached(problem.message)
        words = words_of(result)
        return Conflict(f"the job {self.job_id} has ended") if "expired" in words else refusal(words)


def _told(output: bytes) -> str:
    return output[:KEPT].decode("utf-8", "replace")
