"""The record of all transfers, in Redis: a document with a version for each, and a list of each user's."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from pydantic import TypeAdapter
from redis.asyncio import Redis

from firecrest_gql.errors import NotFound, TasksUnavailable
from firecrest_gql.model.page import Edge, Page
from firecrest_gql.model.tasks import Task
from firecrest_gql.model.transfers import Transfer, TransferFilter
from firecrest_gql.tasks import keys, listing
from firecrest_gql.tasks.connection import redis_answers

MAX_LISTED = 20_000  # transfers of one user; an older one is still found by its id
QUIET_SECONDS = 7 * 86_400  # a user's list outlives the user's last transfer by so long
ATTEMPTS = 20  # to be faster than everybody else who changes the same transfer

# KEYS: transfer, list of the user
# ARGV: the version that was read or '', document, seconds of the transfer, sort key, seconds of the list, most listed
# Answers: 'done' | 'known' (there is one, which stays as it is) | 'stale' (somebody was faster) | 'gone'
PUT = """
local version = redis.call('HGET', KEYS[1], 'version')
if ARGV[1] == '' then
    if version then return 'known' end
    version = 0
elseif not version then return 'gone'
elseif version ~= ARGV[1] then return 'stale' end
redis.call('HSET', KEYS[1], 'document', ARGV[2], 'version', tonumber(version) + 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[4])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[6]))
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 'done'
"""

_TRANSFER = TypeAdapter(Transfer)


def transfer_id(task: Task) -> str:
    """The id of the transfer that this task begins: so the two find each other whatever dies between making them."""
    return task.id.replace("task_", "transfer_", 1)


class TransferRecords:
    """Makes, changes and reads transfers; `TasksUnavailable` from any method where Redis does not answer."""

    def __init__(self, redis: Redis, *, retention_seconds: int) -> None:
        self._redis = redis
        self._retention_seconds = retention_seconds
        self._put = redis.register_script(PUT)

    async def ensure(self, transfer: Transfer) -> Transfer:
        """The transfer as it is kept: this one, unless there is one with its id."""
        await self._answer("", transfer)
        return await self.load(transfer.id)

    async def load(self, name: str) -> Transfer:
        """Anybody's transfer, for workers; `NotFound`."""
        _, found = await self._read(name)
        if found is None:
            raise NotFound(f"there is no transfer {name[:80]!r}, or no longer")
        return found

    async def get(self, name: str, subject: str) -> Transfer | None:
        """This user's transfer; None where there is none that the user may see."""
        _, found = await self._read(name)
        return found if found is not None and found.subject == subject else None

    async def change(self, name: str, **values: Any) -> Transfer:
        """The transfer with these values; `NotFound`. To repeat it does no harm."""
        return await self._altered(name, lambda _: values)

    async def adopt(self, name: str, **values: Any) -> Transfer:
        """The transfer with those of these values that nobody has set before; `NotFound`."""
        return await self._altered(
            name, lambda found: {key: each for key, each in values.items() if getattr(found, key) is None}
        )

    async def load_all(self, names: Sequence[str]) -> list[Transfer | None]:
        """Anybody's transfers with these ids, in order; None where there is none."""
        with redis_answers():
            return await self._load_all(names)

    async def keep_parts(self, name: str, manifest: bytes) -> None:
        """Keep the list of the parts that an object was made of, which the store forgets."""
        with redis_answers():
            await self._redis.set(keys.transfer_parts(name), manifest, ex=self._retention_seconds)

    async def parts(self, name: str) -> bytes | None:
        """The list that was kept."""
        with redis_answers():
            found: bytes | None = await self._redis.get(keys.transfer_parts(name))
        return found

    async def page(
        self, subject: str, wanted: TransferFilter, first: int, after: str | None, *, count: bool = False
    ) -> Page[Transfer]:
        """This user's transfers, newest first; `count` counts all of them where no condition is set."""
        index = keys.transfers(subject)
        with redis_answers():
            found, more = await listing.newest(
                self._redis, index, self._load_all, partial(_matches, wanted), first, after
            )
            total = await self._redis.zcard(index) if count and wanted == TransferFilter() else None
        edges = tuple(Edge(each, _sort_key(each)) for each in found)
        return Page(edges=edges, has_next_page=more, has_previous_page=after is not None, total_count=total)

    async def _altered(self, name: str, values: Callable[[Transfer], Mapping[str, Any]]) -> Transfer:
        for _ in range(ATTEMPTS):
            version, found = await self._read(name)
            if found is None:
                raise NotFound(f"there is no transfer {name[:80]!r}, or no longer")
            new = replace(found, **values(found))
            if new == found or await self._answer(version, new) == b"done":
                return new
        raise TasksUnavailable(f"Transfer {name} is being changed by too many at once; try again in a moment.")

    async def _read(self, name: str) -> tuple[str, Transfer | None]:
        with redis_answers():
            version, document = await cast("Any", self._redis.hmget(keys.transfer(name), ["version", "document"]))
        return (version or b"").decode(), None if document is None else _load(document)

    async def _load_all(self, names: Sequence[str]) -> list[Transfer | None]:
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.hget(keys.transfer(name), "document")
        return [None if found is None else _load(found) for found in await pipeline.execute()]

    async def _answer(self, version: str, new: Transfer) -> bytes:
        seconds = self._retention_seconds
        with redis_answers():
            answer = await self._put(
                keys=[keys.transfer(new.id), keys.transfers(new.subject)],
                args=[
                    version,
                    _dump(new),
                    seconds,
                    _sort_key(new),
                    seconds + QUIET_SECONDS,
                    MAX_LISTED,
                ],
            )
        return cast("bytes", answer)


def _dump(transfer: Transfer) -> str:
    """As JSON in ASCII, which has room for paths that are not UTF-8."""
    return json.dumps(_TRANSFER.dump_python(transfer, mode="json"))


def _load(document: bytes) -> Transfer:
    return _TRANSFER.validate_python(json.loads(document))


def _sort_key(transfer: Transfer) -> str:
    return listing.sort_key_of(transfer.created_at, transfer.id)


def _matches(wanted: TransferFilter, transfer: Transfer) -> bool:
    systems = (transfer.system, transfer.target_system)
    return (wanted.kinds is None or transfer.kind in wanted.kinds) and (
        wanted.system is None or wanted.system in systems
    )
