"""What is staged goes when its time is over, whether or not anything still knows of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from firecrest_gql.model.tasks import TaskKind
from firecrest_gql.model.transfers import Transfer
from firecrest_gql.settings import StorageSettings
from firecrest_gql.storage.s3 import ObjectStore, Staged, StoredPart
from firecrest_gql.tasks.store import TaskStore
from firecrest_gql.transfers.accepting import new_transfer
from firecrest_gql.transfers.records import TransferRecords
from firecrest_gql.transfers.stage import Stage
from firecrest_gql.transfers.sweep import Sweep
from tests.staging import store_client

pytestmark = [pytest.mark.s3, pytest.mark.redis]
NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=9)


@dataclass(frozen=True)
class Staging:
    """A staging area of its own, and what sweeps it."""

    sweep: Sweep
    stage: Stage
    http: httpx.AsyncClient

    async def transfer(self, **values: object) -> Transfer:
        """A download that is recorded, and its task."""
        who = {"subject": "somebody", "username": "user", "request_id": "", "grant": ""}
        task = await self.sweep.tasks.create(kind=TaskKind.DOWNLOAD, system="local", input={}, **who)
        return await self.stage.begin(await self.sweep.records.ensure(new_transfer(task, **values)))

    async def staged(self, **values: object) -> Transfer:
        """The same with an object in the store."""
        made = await self.transfer(**values)
        await self.put(self.stage.staged(made))
        return made

    async def put(self, staged: Staged) -> None:
        """The whole object."""
        url = await self.stage.store.sign_part(staged, 1, 4)
        etag = (await self.http.put(url, content=b"data")).headers["etag"].strip('"')
        await self.stage.store.complete(staged, {1: StoredPart(1, 4, etag)})

    async def keys(self) -> list[str]:
        """Where something is left, as the last part of its key."""
        left = await self.stage.store.objects(after="", first=99)
        async for uploads in self.stage.store.uploads(page=99):
            left += uploads
        return [each.key.rpartition("/")[2] for each in left]


@pytest_asyncio.fixture
async def staging(object_store: StorageSettings, redis: Redis) -> AsyncIterator[Staging]:
    """Nobody works on its tasks."""
    storage = object_store.model_copy(update={"prefix": f"sweep-{uuid4().hex}"})
    async with ObjectStore.open(storage) as store, store_client() as http:
        records = TransferRecords(redis, retention_seconds=3600)
        stage = Stage(store, records)
        tasks = TaskStore(redis, retention_seconds=3600, event_retention=100)
        yield Staging(Sweep(stage, records, tasks, redis), stage, http)


async def test_what_has_expired_goes_and_what_has_not_stays(staging: Staging) -> None:
    over = await staging.staged(staged_at=NOW, expires_at=NOW - timedelta(seconds=1))
    kept = await staging.staged(staged_at=NOW, expires_at=NOW + timedelta(days=1))
    given_up = await staging.transfer(expires_at=NOW)
    at_work = await staging.transfer()
    assert sorted(await staging.keys()) == sorted(each.id for each in (over, kept, given_up, at_work))
    assert await staging.sweep.once(NOW) == 2
    assert sorted(await staging.keys()) == sorted([kept.id, at_work.id])
    assert await staging.sweep.once(LATER) == 1
    assert await staging.keys() == [at_work.id]  # a task that is not at its end has its own time


async def test_what_nobody_knows_goes_a_day_after_its_time(staging: Staging) -> None:
    known = await staging.staged()
    ours = staging.stage.staged(known)
    for key in (ours.key.replace("transfer_", "transfer_x"), f"{staging.stage.settings.prefix}/of-others"):
        await staging.put(await staging.stage.store.begin(key))
    await staging.stage.store.begin(ours.key.replace("transfer_", "transfer_y"))
    retention = timedelta(seconds=staging.stage.settings.retention_seconds)
    assert await staging.sweep.once(NOW + retention) == 0
    assert await staging.sweep.once(LATER) == 2
    assert sorted(await staging.keys()) == sorted(["of-others", known.id])
    await staging.sweep.tasks.cancel(known.task_id, known.subject)
    assert await staging.sweep.once(LATER) == 1
    assert await staging.keys() == ["of-others"]


async def test_one_look_is_for_so_many_and_the_next_goes_on(staging: Staging) -> None:
    at_work = [await make() for _ in range(2) for make in (staging.transfer, staging.staged)]
    for _ in range(3):
        await staging.staged(expires_at=NOW)
        await staging.transfer(expires_at=NOW)
    assert sum([await staging.sweep.once(NOW, most=2) for _ in range(8)]) == 6
    assert sorted(await staging.keys()) == sorted(each.id for each in at_work)
