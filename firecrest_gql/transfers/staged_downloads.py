"""Downloads through the object store: a job brings a file, or an archive, there, and the client gets a URL."""

from dataclasses import asdict
from datetime import UTC, datetime
from posixpath import basename
from urllib.parse import quote

from firecrest_gql.errors import TooLarge, Unsupported
from firecrest_gql.files.road import FileRoad, held_to
from firecrest_gql.files.service import Files
from firecrest_gql.model.files import raw
from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.model.transfers import DownloadWish, Transfer, TransferKind
from firecrest_gql.transfers.accepting import Accepted, Accepting, Wanted
from firecrest_gql.transfers.job import ANY_FOLDER, Ways
from firecrest_gql.transfers.packing import SUFFIXES, packed, plan_of, programs_of
from firecrest_gql.transfers.service import Asking
from firecrest_gql.transfers.stage import Stage, required
from firecrest_gql.transfers.staged import Send
from firecrest_gql.transfers.staging_checks import CanSend
from firecrest_gql.transfers.terms import check_terms


class StagedDownloads:
    """What a viewer fetches from a system through the object store; `Unsupported` where there is none."""

    def __init__(self, road: FileRoad, files: Files, ways: Ways, accepting: Accepting, stage: Stage | None) -> None:
        self._road = road
        self._files = files
        self._ways = ways
        self._accepting = accepting
        self._stage = stage

    async def start(self, asking: Asking, wish: DownloadWish) -> Accepted:
        """Refuse what cannot work, and have a job bring it to the store."""
        stage, system = required(self._stage), asking.system
        check_terms(asking.terms)
        if wish.compression is not None and wish.compression not in SUFFIXES:
            raise Unsupported(f"compression: {wish.compression} archives are not made here")
        path = await self._files.resolve(system, asking.caller, wish.path)
        self._ways.to(system).spec(asking.terms, held_to(system, Send(path, stage.settings.part_size)), ANY_FOLDER)
        asked = {"wish": {**asdict(wish), "path": path}, "terms": asdict(asking.terms)}
        wanted = Wanted(asking.principal, system, TaskKind.DOWNLOAD, asked, asking.request_id, asking.idempotency_key)
        if known := await self._accepting.known(wanted):
            return known
        source = await self._road.run(system, asking.caller, CanSend(path, programs_of(wish.compression)))
        packing = packed(source, wish.compression)
        if packing != wish.compression:  # a directory
            await self._road.run(system, asking.caller, CanSend(path, programs_of(packing)))
        largest = stage.settings.max_upload_size
        plan = plan_of(source, packing, stage.settings.part_size, largest)
        if (source.size or 0) > largest:
            raise TooLarge(f"{path!r} has {source.size} bytes: more than limits.maxUploadSize can be staged")
        size = source.size if packing is None else None
        return await self._accepting.make(
            wanted, source_path=raw(path), size=size, packing=packing, estimate=plan.total, part_size=plan.part_size
        )

    async def url(self, transfer: Transfer) -> str | None:
        """Where the client gets it, signed now; None until it is staged, and once that has gone."""
        if transfer.kind is not TransferKind.DOWNLOAD or transfer.staged_at is None or transfer.expires_at is None:
            return None
        left = (transfer.expires_at - datetime.now(UTC)).total_seconds()
        if left < 1:
            return None
        stage = required(self._stage)
        seconds = min(stage.settings.url_seconds, int(left))
        return await stage.store.sign_get(stage.staged(transfer).key, file_name=_file_name(transfer), seconds=seconds)


def _file_name(transfer: Transfer) -> str:
    """The parameter of RFC 6266 that names the file, in the encoding of RFC 8187."""
    path = transfer.source_path or ""
    suffix = SUFFIXES[transfer.packing] if transfer.packing is not None else ""
    return f"filename*=UTF-8''{quote(basename(path) + suffix, safe='')}"
