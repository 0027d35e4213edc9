"""The accounts that a user's jobs are charged to, by sacctmgr, and their fair share, by sshare."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from firecrest_gql.command import AccountingCommand, Load, Result
from firecrest_gql.errors import Unsupported
from firecrest_gql.model.cluster import Project
from firecrest_gql.schedulers.slurm.failures import failure
from firecrest_gql.schedulers.slurm.records import token

# A slurmdbd may serve several clusters. sshare knows nothing where the priority is not multifactor.
PROGRAM = (
    'name=$(scontrol show config | sed -n "s/^ClusterName *= *//p"); '
    'sacctmgr --noheader --parsable2 show user name="$2" cluster="$name" withassoc format=DefaultAccount,Account '
    '|| exit; printf %s "$1"; '
    'sshare --noheader --parsable2 --Users --users="$2" --format=Account,FairShare 2>/dev/null; :'
)
# https://slurm.schedmd.com/accounting.html: the site keeps no accounts.
NO_ACCOUNTS = (b"not running a supported accounting_storage plugin", b"accounting storage is disabled")


@dataclass(frozen=True, slots=True)
class Projects(AccountingCommand[list[Project]]):
    """The user's associations on this cluster."""

    username: str
    mark: str = field(default_factory=token)

    @property
    def argv(self) -> list[str]:
        """The accounts, the mark, the shares."""
        return ["sh", "-c", PROGRAM, "firecrest-projects", self.mark, self.username]

    @property
    def loads(self) -> Mapping[Load, int]:
        """scontrol and sshare, which ask slurmctld, and sacctmgr."""
        return {Load.SCHEDULER: 2, Load.ACCOUNTING: 1}

    def parse(self, result: Result) -> list[Project]:
        """Each account once, however many partitions it is limited to."""
        if any(words in result.stderr.lower() for words in NO_ACCOUNTS):
            raise Unsupported("Slurm keeps no accounts on this system")
        if result.exit_status != 0:
            raise failure(result, "sacctmgr")
        accounts, _, shares = result.stdout.decode("utf-8", "replace").partition(self.mark)
        share = dict(_pairs(shares))
        found = {account: default for default, account in _pairs(accounts) if account}
        return [Project(name, name == default, _number(share.get(name, ""))) for name, default in found.items()]


def _pairs(told: str) -> list[tuple[str, str]]:
    lines = (line.strip().partition("|") for line in told.splitlines())
    return [(first, second) for first, bar, second in lines if bar]


def _number(raw: str) -> float | None:
    try:
        return float(raw)
    except ValueError:
        return None
