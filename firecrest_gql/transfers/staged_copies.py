"""Copies between systems, through the object store: both ends are looked at before anything begins."""

from dataclasses import asdict, replace

from firecrest_gql.errors import InvalidInput, TooLarge, Unsupported
from firecrest_gql.files.road import FileRoad, held_to
from firecrest_gql.files.service import Files
from firecrest_gql.model.files import Compression, raw
from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.model.transfers import CopyWish, Terms
from firecrest_gql.settings import SystemSettings
from firecrest_gql.transfers.accepting import Accepted, Accepting, Wanted
from firecrest_gql.transfers.job import ANY_FOLDER, Ways
from firecrest_gql.transfers.packing import plan_of, programs_of
from firecrest_gql.transfers.quota import require_quota
from firecrest_gql.transfers.service import Asking
from firecrest_gql.transfers.stage import Stage
from firecrest_gql.transfers.staged import PROGRAMS, Fetch, Send
from firecrest_gql.transfers.staging_checks import CanReceive, CanSend, Source
from firecrest_gql.transfers.terms import check_terms

NOT_KNOWN = Source(directory=True, size=None, entries=None)
"""What a job makes before the copy begins goes as an archive, which takes whatever it is."""


class StagedCopies:
    """What a viewer copies from one system to another; `Unsupported` where there is no object store."""

    def __init__(self, road: FileRoad, files: Files, ways: Ways, accepting: Accepting, stage: Stage | None) -> None:
        self._road = road
        self._files = files
        self._ways = ways
        self._accepting = accepting
        self._stage = stage

    async def start(self, asking: Asking, there: SystemSettings, wish: CopyWish) -> Accepted:
        """Refuse what cannot work, and have jobs on both systems bring it over."""
        stage = self._stage
        if stage is None:
            raise Unsupported("targetSystem: copies between systems go through an object store, which is not there")
        check_terms(asking.terms)
        wish = await self._resolved(asking, there, wish)
        terms, target_terms = terms_of(asking.terms, asking.system, there)
        self._check_jobs(asking.system, terms, there, target_terms, wish)
        asked = {"wish": asdict(wish), "terms": asdict(terms), "target_terms": asdict(target_terms)}
        wanted = Wanted(
            asking.principal, asking.system, TaskKind.COPY, asked, asking.request_id, asking.idempotency_key, there
        )
        if known := await self._accepting.known(wanted):
            return known
        source = await self._source(asking, wish)
        packing = Compression.NONE if source.directory or source.link else None
        await self._road.run(there, asking.caller, _can_receive(wish, source, packing))
        await require_quota(self._files, there, asking.caller, wish.target, source.size)
        if (source.size or 0) > stage.settings.max_upload_size:
            raise TooLarge(f"{wish.path!r} has {source.size} bytes: more than limits.maxUploadSize can be staged")
        plan = plan_of(source, packing, stage.settings.part_size, stage.settings.max_upload_size)
        return await self._accepting.make(
            wanted,
            source_path=raw(wish.path),
            target_path=raw(wish.target),
            size=source.size,
            packing=packing,
            estimate=plan.total,
            part_size=plan.part_size,
            mode=None if source.mode is None else _made_mode(source.mode),
        )

    async def _resolved(self, asking: Asking, there: SystemSettings, wish: CopyWish) -> CopyWish:
        path = await self._files.resolve(asking.system, asking.caller, wish.path)
        target = await self._files.resolve_changeable(there, asking.caller, wish.target, argument="target")
        if path == "/":
            raise InvalidInput("path: / itself is not copied")
        return replace(wish, path=path, target=target)

    def _check_jobs(
        self, here: SystemSettings, terms: Terms, there: SystemSettings, target_terms: Terms, wish: CopyWish
    ) -> None:
        self._ways.to(here).spec(terms, held_to(here, Send(wish.path, 1)), ANY_FOLDER)
        self._ways.to(there).spec(target_terms, held_to(there, Fetch(wish.target, 0, "0644")), ANY_FOLDER)

    async def _source(self, asking: Asking, wish: CopyWish) -> Source:
        if asking.terms.after_job is not None:
            return NOT_KNOWN
        links = "-L" if wish.dereference else "-P"
        source = await self._road.run(asking.system, asking.caller, CanSend(wish.path, PROGRAMS, links))
        if source.directory or source.link:
            programs = programs_of(Compression.NONE)
            await self._road.run(asking.system, asking.caller, CanSend(wish.path, programs, links))
        return source


def terms_of(terms: Terms, here: SystemSettings, there: SystemSettings) -> tuple[Terms, Terms]:
    """Those of the two jobs: the first waits for `after_job`, and the account is charged where there is a queue."""
    queued = there.transfers.queue is not None
    spared = queued and here.transfers.queue is None
    return (
        replace(terms, account=None) if spared else terms,
        replace(terms, account=terms.account if queued else None, after_job=None),
    )


def _can_receive(wish: CopyWish, source: Source, packing: Compression | None) -> CanReceive:
    tree = packing is not None
    programs = (*PROGRAMS, "tar") if tree else PROGRAMS
    return CanReceive(wish.target, source.size or 0, wish.overwrite, programs, tree)


def _made_mode(mode: str) -> str:
    """What a new file of this mode gets: cp(1) with the usual umask."""
    return f"{int(mode, 8) & 0o755:04o}"
