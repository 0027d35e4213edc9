"""Removes what is staged and has had its time: the store's own rules know days, and nothing of our records."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from firecrest_gql.errors import FirecrestError
from firecrest_gql.model.transfers import Transfer
from firecrest_gql.storage.s3 import Lying
from firecrest_gql.tasks import keys
from firecrest_gql.tasks.connection import redis_answers
from firecrest_gql.tasks.store import TaskStore
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.stage import Stage

INTERVAL_SECONDS = 60  # between two looks, of whichever worker
MOST = 5_000  # objects that one look is for; the next goes on behind them
LISTED = 1_000  # uploads that a store lists at a time
GRACE = timedelta(days=1)  # beyond the retention, for what no transfer is about any more
OURS = re.compile(r".*/[0-9a-f]{32}/(transfer_[a-z0-9]+)")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sweep:
    """Looks at what the bucket has under our prefix; one worker at a time does."""

    stage: Stage
    records: TransferRecords
    tasks: TaskStore
    redis: Redis

    async def run(self) -> None:
        """Look once in each interval, until cancelled; what is away now is asked at the next."""
        while True:
            try:
                if await self._elected():
                    await self.once(datetime.now(UTC))
            except FirecrestError as error:
                logger.warning("what is staged could not be swept: %s", error.message)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def once(self, now: datetime, *, most: int = MOST) -> int:
        """Remove what is due now, of so many objects and of all uploads; how many were removed."""
        cursor, store = keys.swept(self.stage.settings.prefix), self.stage.store
        with redis_answers():
            after = (await self.redis.get(cursor) or b"").decode()
        objects = await store.objects(after=after, first=most)
        removed = await self._removed(objects, now)
        async for uploads in store.uploads(page=min(most, LISTED)):
            removed += await self._removed(uploads, now)
        with redis_answers():
            await self.redis.set(cursor, objects[-1].key if len(objects) == most else "")
        if removed:
            logger.info("swept %d staged objects and uploads whose time was over", removed)
        return removed

    async def _removed(self, found: Sequence[Lying], now: datetime) -> int:
        due = await self._due(found, now)
        for each in due:
            await self.stage.store.remove(each)
        return len(due)

    async def _elected(self) -> bool:
        with redis_answers():
            name = keys.sweep(self.stage.settings.prefix)
            return bool(await self.redis.set(name, 1, nx=True, ex=INTERVAL_SECONDS - 1))

    async def _due(self, found: Sequence[Lying], now: datetime) -> list[Lying]:
        named = [(each, match[1]) for each in found if (match := OURS.fullmatch(each.key))]
        transfers = await self.records.load_all([name for _, name in named])
        ours = zip((each for each, _ in named), transfers, strict=True)
        return [each for each, transfer in ours if await self._is_due(each, transfer, now)]

    async def _is_due(self, lying: Lying, transfer: Transfer | None, now: datetime) -> bool:
        if transfer is not None and transfer.expires_at is not None:
            return transfer.expires_at <= now
        if now - lying.since <= timedelta(seconds=self.stage.settings.retention_seconds) + GRACE:
            return False
        task = None if transfer is None else await self.tasks.load(transfer.task_id)
        return task is None or task.final
