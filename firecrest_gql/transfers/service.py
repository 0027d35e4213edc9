"""Transfers inside systems, as users ask for them: parameters are checked before a certificate is made."""

from dataclasses import asdict, dataclass

from firecrest_gql.files.changes import check_apart
from firecrest_gql.files.road import FileRoad, held_to
from firecrest_gql.files.service import Files
from firecrest_gql.model.files import raw
from firecrest_gql.model.identity import Caller, Principal
from firecrest_gql.model.transfers import Terms
from firecrest_gql.settings import SystemSettings
from firecrest_gql.transfers.accepting import Accepted, Accepting, Wanted
from firecrest_gql.transfers.acts import Act, CopyAct
from firecrest_gql.transfers.job import Ways
from firecrest_gql.transfers.terms import check_terms

ANY_FOLDER = "/"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a transfer, where, and on what terms."""

    principal: Principal
    system: SystemSettings
    request_id: str
    terms: Terms
    idempotency_key: str | None = None

    @property
    def caller(self) -> Caller:
        """As whom the checks run."""
        return self.principal.caller(self.request_id)


class Transfers:
    """What a viewer moves inside a system."""

    def __init__(self, road: FileRoad, files: Files, ways: Ways, accepting: Accepting) -> None:
        self._road = road
        self._files = files
        self._ways = ways
        self._accepting = accepting

    def uses_own_scheduler(self, system: SystemSettings) -> bool:
        """Whether transfers there are jobs of the system's own scheduler."""
        return self._ways.to(system).own_scheduler

    async def copy(self, asking: Asking, path: str, target: str, *, dereference: bool, overwrite: bool) -> Accepted:
        """Copy it, with everything in it."""
        place, beside = await self._both(asking, path, target)
        return await self._start(asking, CopyAct(place, beside, dereference, overwrite))

    async def _both(self, asking: Asking, path: str, target: str) -> tuple[str, str]:
        system, caller = asking.system, asking.caller
        place = await self._files.resolve(system, caller, path)
        beside = await self._files.resolve_changeable(system, caller, target, argument="target")
        check_apart(place, beside)
        return place, beside

    async def _start(self, asking: Asking, act: Act) -> Accepted:
        """Make the transfer; what waits for another job is checked by its own job alone."""
        system, terms = asking.system, asking.terms
        check_terms(terms)
        self._ways.to(system).spec(terms, held_to(system, act.command), ANY_FOLDER)
        asked = {"act": asdict(act), "terms": asdict(terms)}
        wanted = Wanted(asking.principal, system, act.kind, asked, asking.request_id, asking.idempotency_key)
        if known := await self._accepting.known(wanted):
            return known
        size = None if terms.after_job else await self._road.run(system, asking.caller, act.check)
        return await self._accepting.make(
            wanted,
            source_path=act.source_path and raw(act.source_path),
            target_path=act.target_path and raw(act.target_path),
            size=size,
        )
