"""What a request or a socket carries with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.archives import Archives
from firecrest_gql.files.changes import Changes
from firecrest_gql.files.directories import Directories
from firecrest_gql.files.downloads import Downloads
from firecrest_gql.files.service import Files
from firecrest_gql.jobs.compute import Compute
from firecrest_gql.jobs.listings import Listings
from firecrest_gql.jobs.output import JobOutput
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.tails import Tails
from firecrest_gql.jobs.watch import JobWatch
from firecrest_gql.model.identity import Caller, Principal
from firecrest_gql.settings import Settings
from firecrest_gql.status.book import HealthBook
from firecrest_gql.tasks.feed import Feed
from firecrest_gql.tasks.queue import WorkQueue
from firecrest_gql.tasks.store import TaskStore
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.resuming import Resuming
from firecrest_gql.transfers.service import Transfers
from firecrest_gql.transfers.stage import Stage
from firecrest_gql.transfers.staged_copies import StagedCopies
from firecrest_gql.transfers.staged_downloads import StagedDownloads
from firecrest_gql.transfers.staged_uploads import StagedUploads
from resolvers.allowance import Allowance
from resolvers.loaders import Loaders


@dataclass(frozen=True, slots=True)
class Services:
    """The rules and the ports, built once by the composition root."""

    settings: Settings
    files: Files
    changes: Changes
    archives: Archives
    downloads: Downloads
    directories: Directories
    jobs: Jobs
    compute: Compute
    watch: JobWatch
    output: JobOutput
    transfers: Transfers
    staged_copies: StagedCopies
    staged_uploads: StagedUploads
    staged_downloads: StagedDownloads
    resuming: Resuming
    stage: Stage | None
    records: TransferRecords
    listings: Listings
    tails: Tails
    store: TaskStore
    queue: WorkQueue
    feed: Feed
    health: HealthBook


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something of the answer, at this place of it, is missing or not whole."""

    place: tuple[str | int, ...]
    error: FirecrestError


def go_on() -> None:
    """Nothing: who serves the operation bounds its time in another way."""


@dataclass(frozen=True)
class Context:
    """The caller, the request's id, and the services; loaders live as long as the request.

    `lasts` is called where the operation turns out to be a subscription, whose time is not that of one answer;
    `origin` is where the client has found this server.
    """

    principal: Principal
    request_id: str
    services: Services
    lasts: Callable[[], None] = go_on
    origin: str = ""

    @property
    def caller(self) -> Caller:
        """On whose behalf remote commands of this request run."""
        return self.principal.caller(self.request_id)

    @cached_property
    def allowance(self) -> Allowance:
        """What the answer to this request may still carry."""
        return Allowance(self.services.settings.limits.max_answer_size)

    @cached_property
    def faults(self) -> list[Fault]:
        """What is missing from an answer that stands all the same."""
        return []

    @cached_property
    def loaders(self) -> Loaders:
        """The request's batches."""
        return Loaders(self.services.files, self.services.jobs, self.caller, self.allowance)
