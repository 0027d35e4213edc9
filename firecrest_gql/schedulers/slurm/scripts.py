"""The scripts of jobs: as long as slurmctld holds them by scontrol, then by sacct where accounting keeps them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from firecrest_gql.command import Load, Result, SchedulerCommand
from firecrest_gql.errors import SystemUnavailable
from firecrest_gql.schedulers.slurm.failures import failure
from firecrest_gql.schedulers.slurm.records import token

# Of each id its script, the mark, what scontrol said, the mark; behind them what sacct tells of all that are gone.
# One sacct for all of them, for it asks a database; a controller that is silent is not asked again.
PROGRAM = (
    "mark=$1; shift; gone=; "
    'for id do { said=$(scontrol write batch_script "${id%%[_+]*}" - 2>&1 >&3 3>&-); } 3>&1; '
    'case $said in "") ;; *"Invalid job id"*) gone=$gone,$id;; *"Invalid user id"*|*denied*) ;; '
    '*) printf "%s\\n" "$said" >&2; exit 1;; esac; printf "%s%s%s" "$mark" "$said" "$mark"; done; '
    'test -z "$gone" || sacct --batch-script --jobs="${gone#,}"'
)
UNKNOWN = "Invalid job id"
# https://slurm.schedmd.com/sacct.html#OPT_batch-script: it keeps scripts with AccountingStoreFlags=job_script.
HEADER = re.compile(r"^Batch Script for (\S+)\n-{80}\n", re.MULTILINE)
NOTHING = "NONE"


@dataclass(frozen=True, slots=True)
class Scripts(SchedulerCommand[Mapping[str, str | None]]):
    """Each script as it was submitted; None of a job without one, and where only its user may read it."""

    job_ids: tuple[str, ...]
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """Scripts are asked for once, however many tasks of an array are."""
        return ["sh", "-c", PROGRAM, "firecrest-scripts", self.mark, *self._asked()]

    @property
    def loads(self) -> Mapping[Load, int]:
        """scontrol for each, and one sacct for those that it does not know."""
        return {Load.SCHEDULER: len(self._asked()), Load.ACCOUNTING: 1}

    def parse(self, result: Result) -> Mapping[str, str | None]:
        """What sacct tells of several jobs is left out where a script may look like the line between two of them."""
        *parts, kept = result.stdout.decode("utf-8", "replace").split(self.mark)
        told = dict(zip(self._asked(), zip(parts[::2], parts[1::2], strict=False), strict=False))
        if len(told) < len(self._asked()):
            raise failure(result, "scontrol")
        gone = [job_id for job_id, (_, said) in told.items() if UNKNOWN in said]
        live = {_whole(job_id): told[job_id] for job_id in told if job_id not in gone}
        found = {whole: None if said else script for whole, (script, said) in live.items()}
        problem = failure(result, "sacct")
        if not isinstance(problem, SystemUnavailable):
            found |= _kept(kept, gone)
        elif not found:
            raise problem
        return {job_id: found[_whole(job_id)] for job_id in self.job_ids if _whole(job_id) in found}

    def _asked(self) -> list[str]:
        """One id of each job, array and heterogeneous job, whose script accounting keeps with its first component."""
        return [*{_whole(job_id): re.sub(r"\+.*", "+0", job_id) for job_id in self.job_ids}.values()]


def _whole(job_id: str) -> str:
    return re.split(r"[_+]", job_id)[0]


def _kept(told: str, gone: Sequence[str]) -> dict[str, str | None]:
    """The scripts that sacct tells; none of several where the division of its answer among them is in doubt."""
    none: dict[str, str | None] = {_whole(job_id): None for job_id in gone}
    if len(gone) == 1:
        header = HEADER.search(told)
        return none if header is None else {_whole(gone[0]): _script(told[header.end() :])}
    _, *pieces = HEADER.split(told)
    names = pieces[::2]
    if len(set(names)) < len(names) or not {*names} <= {*gone}:
        return {}
    return none | {_whole(name): _script(text) for name, text in zip(names, pieces[1::2], strict=True)}


def _script(text: str) -> str | None:
    """sacct ends each with a newline of its own."""
    script = text.removesuffix("\n")
    return None if script.strip() == NOTHING else script
