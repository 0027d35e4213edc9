"""What the site's configuration says of how long a job is remembered with its comment."""

import re
from dataclasses import dataclass

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.schedulers.dialect import Recall
from firecrest_gql.schedulers.slurm.failures import require_success
from firecrest_gql.schedulers.slurm.values import number

ADVICE = "accounting keeps no comments of jobs: set AccountingStoreFlags=job_comment in slurm.conf"
LINE = re.compile(r"^(\w+)\s*=[ \t]*(.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Recollection(SchedulerCommand[Recall]):
    """slurmctld's configuration."""

    @property
    def argv(self) -> list[str]:
        """As every user may read it."""
        return ["scontrol", "show", "config"]

    def parse(self, result: Result) -> Recall:
        """MinJobAge is `300 sec`, and 0 for jobs that are never purged; 20.11 has a word of its own for the comment."""
        require_success(result, "scontrol")
        values = dict(LINE.findall(result.stdout.decode("utf-8", "replace")))
        seconds = number(values.get("MinJobAge", "").partition(" ")[0])
        return Recall(None if seconds == 0 else seconds or 0, _keeps_comments(values), ADVICE)


def _keeps_comments(values: dict[str, str]) -> bool:
    if not values.get("AccountingStorageType", "").endswith("/slurmdbd"):
        return False
    flags = values.get("AccountingStoreFlags", "").lower().split(",")
    return "job_comment" in flags or values.get("AccountingStoreJobComment") == "Yes"
