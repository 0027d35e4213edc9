"""What the server tells of itself: PBS Reference Guide, "Server Attributes"."""

from dataclasses import dataclass

from firecrest_gql.command import Result, SchedulerCommand
from firecrest_gql.errors import CommandFailed
from firecrest_gql.schedulers.dialect import Recall
from firecrest_gql.schedulers.pbs.document import section, text
from firecrest_gql.schedulers.pbs.failures import require_success
from firecrest_gql.schedulers.pbs.values import seconds

SERVER = ("qstat", "-B", "-f", "-F", "json")
KEPT_SECONDS = 7 * 24 * 3600
"""How long a key is kept."""
DEFAULT_DURATION = "336:00:00"
ADVICE = "the server keeps no history of jobs for 7 days: set job_history_enable and job_history_duration by qmgr"


def attribute(result: Result, name: str) -> str | None:
    """The server's attribute; raises where it does not answer."""
    require_success(result, "qstat")
    servers = section(result.stdout, "Server").values()
    return next((value for server in servers if (value := text(server, name))), None)


@dataclass(frozen=True, slots=True)
class Version(SchedulerCommand[str]):
    """The version that the server itself tells: `qstat --version` asks nobody."""

    @property
    def argv(self) -> list[str]:
        """The server's attributes."""
        return [*SERVER]

    def parse(self, result: Result) -> str:
        """The attribute pbs_version."""
        version = attribute(result, "pbs_version")
        if version is None:
            raise CommandFailed("qstat tells no pbs_version of the server")
        return version


@dataclass(frozen=True, slots=True)
class Recollection(SchedulerCommand[Recall]):
    """How long the server keeps jobs that have ended."""

    @property
    def argv(self) -> list[str]:
        """The server's attributes."""
        return [*SERVER]

    def parse(self, result: Result) -> Recall:
        """The queue forgets at once; the history is the server's, for two weeks unless it says otherwise."""
        if attribute(result, "job_history_enable") != "True":
            return Recall(0, False, ADVICE)
        kept = seconds(attribute(result, "job_history_duration") or DEFAULT_DURATION) or 0
        return Recall(kept, kept >= KEPT_SECONDS, ADVICE)
