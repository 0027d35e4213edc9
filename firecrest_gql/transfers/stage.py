"""The object store as transfers use it: where each is staged, and for how long its URLs are good."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from firecrest_gql.errors import ErrorCode, NotFound, StorageUnavailable, Unsupported
from firecrest_gql.model.tasks import Task, TaskError
from firecrest_gql.model.transfers import Transfer, TransferKind
from firecrest_gql.settings import StorageSettings, SystemSettings
from firecrest_gql.storage.parts import Parts
from firecrest_gql.storage.s3 import ObjectStore, Staged, StoredPart, staging_key
from firecrest_gql.transfers.accepting import name_of
from firecrest_gql.transfers.job import age
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.staged import EVERY_PART, configuration

WORTHLESS = frozenset({ErrorCode.CHECKSUM_MISMATCH, ErrorCode.CONFLICT})
"""After these what a job has sent is not what its user wants."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a transfer has at the object store."""

    store: ObjectStore
    records: TransferRecords

    @property
    def settings(self) -> StorageSettings:
        """The store's block of the settings."""
        return self.store.settings

    async def begin(self, transfer: Transfer) -> Transfer:
        """The transfer with its multipart upload, which is made only once."""
        if transfer.upload_id is not None:
            return transfer
        begun = await self.store.begin(self._key(transfer))
        found = await self.records.adopt(transfer.id, upload_id=begun.upload_id)
        if found.upload_id != begun.upload_id:
            await self.store.abort(begun)
        return found

    def staged(self, transfer: Transfer) -> Staged:
        """Its key and upload."""
        return Staged(self._key(transfer), transfer.upload_id or "")

    def parts(self, transfer: Transfer) -> Parts:
        """Its file in parts."""
        total = transfer.size if transfer.estimate is None else transfer.estimate
        return Parts(total or 0, transfer.part_size or self.settings.part_size)

    async def arrived(self, transfer: Transfer) -> dict[int, StoredPart] | None:
        """The parts that have arrived whole, by number; None where the store has made the object of them."""
        staged = self.staged(transfer)
        try:
            return whole(self.parts(transfer), await self.store.parts(staged))
        except NotFound:
            if await self.store.size(staged.key) != transfer.size:
                raise
            return None

    async def has(self, transfer: Transfer) -> bool:
        """Whether there is still what has been staged: the object, or the upload and whatever parts have come."""
        if transfer.upload_id is None:
            return False
        try:
            if transfer.staged_at is None and transfer.kind is TransferKind.UPLOAD:
                await self.arrived(transfer)
            elif transfer.staged_at is None:
                await self.store.parts(self.staged(transfer))
            else:
                await self.store.size(self._key(transfer))
        except NotFound:
            return False
        return True

    async def discard(self, transfer: Transfer) -> None:
        """Nothing of it is staged any more."""
        if transfer.upload_id is not None:
            await self.store.discard(self.staged(transfer))
            await self.records.change(transfer.id, expires_at=datetime.now(UTC))

    async def keep(self, transfer: Transfer, error: TaskError) -> None:
        """After a failure: what `resumeTransfer` can go on from stays for a while, anything else goes at once."""
        if error.code in WORTHLESS or not await self._has_parts(transfer):
            await self.give_up(transfer)
        else:
            await self.records.adopt(transfer.id, expires_at=self.expiry())

    async def _has_parts(self, transfer: Transfer) -> bool:
        try:
            return transfer.upload_id is not None and bool(await self.store.parts(self.staged(transfer)))
        except NotFound:
            return False
        except StorageUnavailable:
            return True

    async def give_up(self, transfer: Transfer) -> None:
        """As `discard`; where the store is away the sweep removes it later."""
        await self.records.change(transfer.id, expires_at=datetime.now(UTC))
        try:
            await self.discard(transfer)
        except StorageUnavailable as error:
            logger.warning("what %s has staged is left to the sweep: %s", transfer.id, error.message)

    async def give_up_of(self, task: Task) -> None:
        """The same for what the transfer has staged that the task was on, if it was on one."""
        transfer = await self.records.get(name_of(task), task.subject)
        if transfer is not None and transfer.upload_id is not None:
            await self.give_up(transfer)

    async def to_fetch(self, transfer: Transfer, system: SystemSettings) -> bytes:
        """What a job needs to know to fetch the object."""
        address = system.transfers.store_url
        url = await self.store.sign_get(self._key(transfer), address=address)
        return configuration(system.transfers, [(EVERY_PART, url)])

    async def to_send(
        self, transfer: Transfer, system: SystemSettings, sizes: Iterable[tuple[int, int | None]]
    ) -> bytes:
        """What a job needs to know to send these parts; of those without a size the store takes any."""
        staged, address = self.staged(transfer), system.transfers.store_url
        urls = []
        for number, size in sizes:
            urls.append((str(number), await self.store.sign_part(staged, number, size, address=address)))
        return configuration(system.transfers, urls)

    def urls_are_old(self, transfer: Transfer) -> bool:
        """Whether a job's URLs are to be renewed: early enough for what begins with them now."""
        return transfer.signed_at is not None and age(transfer.signed_at) > self.settings.url_seconds / 2

    @property
    def longest_pause(self) -> float:
        """Seconds between two looks at a job, at most: its URLs must not grow old unseen."""
        return self.settings.url_seconds / 4

    def url_expiry(self) -> datetime:
        """When a URL that is signed now ends."""
        return datetime.now(UTC) + timedelta(seconds=self.settings.url_seconds)

    def expiry(self) -> datetime:
        """When what is staged now goes."""
        return datetime.now(UTC) + timedelta(seconds=self.settings.retention_seconds)

    def _key(self, transfer: Transfer) -> str:
        return staging_key(self.settings.prefix, transfer.subject, transfer.id)


def required(stage: Stage | None) -> Stage:
    """The stage; `Unsupported` where this service has no object store."""
    if stage is None:
        raise Unsupported(
            "this service has no object store: uploads and downloads are at most limits.maxInlineFileSize"
        )
    return stage


def manifest(parts: Parts, stored: dict[int, StoredPart]) -> bytes:
    """A line for each part: number, offset, bytes and MD5."""
    lines = (
        f"{number} {parts.offset(number)} {parts.size(number)} {stored[number].md5}\n" for number in sorted(stored)
    )
    return "".join(lines).encode()


def whole(parts: Parts, stored: Mapping[int, StoredPart]) -> dict[int, StoredPart]:
    """Those that have arrived with the size that they are to have."""
    return {
        number: part for number, part in stored.items() if number <= parts.count and part.size == parts.size(number)
    }
