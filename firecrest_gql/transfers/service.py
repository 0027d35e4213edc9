"""Transfers inside systems, as users ask for them: parameters are checked before a certificate is made."""

from dataclasses import asdict, dataclass
from typing import Any

from firecrest_gql.errors import InvalidInput
from firecrest_gql.files.archives import Archives
from firecrest_gql.files.changes import check_apart
from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.road import FileRoad, held_to
from firecrest_gql.files.service import Files
from firecrest_gql.files.unpacking import Bounds
from firecrest_gql.files.writing import Remove
from firecrest_gql.model.files import Compression, raw
from firecrest_gql.model.identity import Caller, Principal
from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.model.transfers import Terms
from firecrest_gql.settings import SystemSettings
from firecrest_gql.transfers.accepting import Accepted, Accepting, Wanted
from firecrest_gql.transfers.acts import ACTS
from firecrest_gql.transfers.job import ANY_FOLDER, Ways
from firecrest_gql.transfers.quota import require_quota
from firecrest_gql.transfers.syncing import Sync
from firecrest_gql.transfers.terms import check_terms

ANY_ARCHIVE = Bounds(size=2**50, entries=2**31, ratio=2**16)
"""What a transfer unpacks is bounded by its user's quota and its job's time; these keep a shell's sums in 63 bits."""


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

    def __init__(self, road: FileRoad, files: Files, archives: Archives, ways: Ways, accepting: Accepting) -> None:
        self._road = road
        self._files = files
        self._archives = archives
        self._ways = ways
        self._accepting = accepting

    def uses_own_scheduler(self, system: SystemSettings) -> bool:
        """Whether transfers there are jobs of the system's own scheduler."""
        return self._ways.to(system).own_scheduler

    async def copy(self, asking: Asking, path: str, target: str, *, dereference: bool, overwrite: bool) -> Accepted:
        """Copy it, with everything in it."""
        place = await self._files.resolve(asking.system, asking.caller, path)
        beside = await self._target(asking, place, target)
        return await self._start(asking, TaskKind.COPY, Copy(place, beside, dereference, overwrite))

    async def move(self, asking: Asking, path: str, target: str, *, overwrite: bool) -> Accepted:
        """Move it; across file systems it goes once its copy is in place."""
        place = await self._files.resolve_changeable(asking.system, asking.caller, path)
        beside = await self._target(asking, place, target)
        return await self._start(asking, TaskKind.MOVE, Move(place, beside, overwrite))

    async def remove(self, asking: Asking, path: str, *, recursive: bool) -> Accepted:
        """Remove it; never / and never the home."""
        place = await self._files.resolve_changeable(asking.system, asking.caller, path)
        return await self._start(asking, TaskKind.REMOVE, Remove(place, recursive))

    async def sync(self, asking: Asking, path: str, target: str, *, delete: bool) -> Accepted:
        """Make one directory like another."""
        place = await self._files.resolve(asking.system, asking.caller, path)
        beside = await self._target(asking, place, target)
        if place.startswith(beside.rstrip("/") + "/"):
            raise InvalidInput(f"target: {beside!r} holds path itself")
        return await self._start(asking, TaskKind.SYNC, Sync(place, beside, delete))

    async def compress(
        self,
        asking: Asking,
        path: str,
        target: str,
        *,
        compression: Compression,
        match: str | None,
        dereference: bool,
        overwrite: bool,
    ) -> Accepted:
        """Make an archive of it."""
        command = await self._archives.packing(
            asking.system,
            asking.caller,
            path,
            target,
            compression=compression,
            match=match,
            dereference=dereference,
            overwrite=overwrite,
        )
        return await self._start(asking, TaskKind.COMPRESS, command)

    async def extract(
        self, asking: Asking, path: str, target: str, *, compression: Compression | None, overwrite: bool
    ) -> Accepted:
        """Take an archive apart, as large as it may be."""
        command = await self._archives.unpacking(
            asking.system, asking.caller, path, target, ANY_ARCHIVE, compression=compression, overwrite=overwrite
        )
        return await self._start(asking, TaskKind.EXTRACT, command)

    async def _target(self, asking: Asking, place: str, target: str) -> str:
        beside = await self._files.resolve_changeable(asking.system, asking.caller, target, argument="target")
        check_apart(place, beside)
        return beside

    async def _start(self, asking: Asking, kind: TaskKind, command: Any) -> Accepted:
        """Make the transfer; what waits for another job is checked by its own job alone."""
        system, terms = asking.system, asking.terms
        check_terms(terms)
        self._ways.to(system).spec(terms, held_to(system, command), ANY_FOLDER)
        asked = {"command": asdict(command), "terms": asdict(terms)}
        wanted = Wanted(asking.principal, system, kind, asked, asking.request_id, asking.idempotency_key)
        if known := await self._accepting.known(wanted):
            return known
        check = ACTS[kind].check(command)
        size = None if terms.after_job else await self._road.run(system, asking.caller, check)
        target: str | None = getattr(command, "target", None)
        if kind is TaskKind.COPY and target is not None:
            await require_quota(self._files, system, asking.caller, target, size)
        return await self._accepting.make(
            wanted, source_path=raw(command.path), target_path=target and raw(target), size=size
        )
