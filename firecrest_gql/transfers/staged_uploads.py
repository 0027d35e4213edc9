"""Uploads through the object store: the client sends the parts there, and a job brings the whole file to its place."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from itertools import islice

from firecrest_gql.errors import Conflict, InvalidInput, TooLarge
from firecrest_gql.files.road import FileRoad, held_to
from firecrest_gql.files.service import Files, check_mode
from firecrest_gql.model.files import raw
from firecrest_gql.model.tasks import Task, TaskKind
from firecrest_gql.model.transfers import Part, Transfer, TransferKind, UploadWish
from firecrest_gql.storage.parts import Parts
from firecrest_gql.storage.s3 import StoredPart
from firecrest_gql.transfers.accepting import Accepted, Accepting, Wanted
from firecrest_gql.transfers.job import ANY_FOLDER, Ways
from firecrest_gql.transfers.quota import require_quota
from firecrest_gql.transfers.service import Asking
from firecrest_gql.transfers.stage import Stage, required
from firecrest_gql.transfers.staged import PROGRAMS, Fetch
from firecrest_gql.transfers.staging_checks import CanReceive
from firecrest_gql.transfers.terms import check_terms

SHA256 = re.compile(r"[0-9a-f]{64}")


class StagedUploads:
    """What a viewer brings to a system through the object store; `Unsupported` from any method where there is none."""

    def __init__(
        self,
        road: FileRoad,
        files: Files,
        ways: Ways,
        accepting: Accepting,
        stage: Stage | None,
        wake: Callable[[Task], Awaitable[None]],
    ) -> None:
        self._road = road
        self._files = files
        self._ways = ways
        self._accepting = accepting
        self._stage = stage
        self._wake = wake

    async def start(self, asking: Asking, wish: UploadWish) -> Accepted:
        """Refuse what cannot work, and make the place for its parts."""
        stage, system = required(self._stage), asking.system
        check_wish(wish, stage.settings.max_upload_size)
        check_terms(asking.terms)
        target = await self._files.resolve_changeable(system, asking.caller, wish.path)
        command = fetch(wish, target)
        self._ways.to(system).spec(asking.terms, held_to(system, command), ANY_FOLDER)
        asked = {"wish": {**asdict(wish), "path": target}, "terms": asdict(asking.terms)}
        wanted = Wanted(asking.principal, system, TaskKind.UPLOAD, asked, asking.request_id, asking.idempotency_key)
        accepted = await self._accepting.known(wanted)
        if accepted is None:
            await stage.store.answers()  # else a task would wait for parts that nobody can send
            check = CanReceive(target, wish.size, wish.overwrite, PROGRAMS)
            await self._road.run(system, asking.caller, check)
            await require_quota(self._files, system, asking.caller, target, wish.size)
            part_size = Parts.of(wish.size, stage.settings.part_size).part_size
            accepted = await self._accepting.make(
                wanted, target_path=raw(target), size=wish.size, sha256=wish.sha256, part_size=part_size
            )
        if accepted.task.final:
            return accepted
        return Accepted(await stage.begin(accepted.transfer), accepted.task)

    async def parts(
        self, transfer: Transfer, numbers: Iterable[int] | None, *, missing_only: bool, first: int, after: int | None
    ) -> list[Part] | None:
        """Where to PUT parts, their URLs signed now; None where the store waits for none."""
        if transfer.kind is not TransferKind.UPLOAD or transfer.staged_at is not None:
            return None
        stage = required(self._stage)
        transfer = await stage.begin(transfer)
        plan = stage.parts(transfer)
        stored = await stage.arrived(transfer)
        if stored is None:
            return None
        wanted = range(1, plan.count + 1) if numbers is None else _within(numbers, plan.count)
        left = (each for each in wanted if each > (after or 0) and not (missing_only and each in stored))
        return [await self._part(stage, transfer, plan, each, stored) for each in islice(left, first)]

    async def complete(self, transfer: Transfer, task: Task, etags: dict[int, str] | None) -> None:
        """Have the server look at once whether all parts are there; `InvalidInput` where they are not."""
        if transfer.kind is not TransferKind.UPLOAD:
            raise InvalidInput(f"transferId: {transfer.id} is no upload")
        if transfer.staged_at is None:
            if task.final:
                raise Conflict(f"the upload {transfer.id} has ended as {task.status}: resumeTransfer takes it up again")
            await self._check_parts(required(self._stage), transfer, etags)
        if not task.final:
            await self._wake(task)

    async def _check_parts(self, stage: Stage, transfer: Transfer, etags: dict[int, str] | None) -> None:
        plan, stored = stage.parts(transfer), await stage.arrived(transfer)
        if stored is None:
            return
        for number, etag in (etags or {}).items():
            if not 1 <= number <= plan.count or (number in stored and stored[number].md5 != etag.strip('"')):
                raise InvalidInput(f"parts: what has arrived as part {number} has another etag")
        if missing := [number for number in range(1, plan.count + 1) if number not in stored]:
            shown = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
            raise InvalidInput(f"parts: {len(missing)} of {plan.count} have not arrived: {shown}")

    async def _part(
        self, stage: Stage, transfer: Transfer, plan: Parts, number: int, stored: dict[int, StoredPart]
    ) -> Part:
        size, found = plan.size(number), stored.get(number)
        expiry = stage.url_expiry()
        url = await stage.store.sign_part(stage.staged(transfer), number, size)
        return Part(number, url, expiry, plan.offset(number), size, None if found is None else f'"{found.md5}"')


def fetch(wish: UploadWish, target: str) -> Fetch:
    """What brings the staged file to its place."""
    return Fetch(target, wish.size, wish.mode, wish.overwrite, wish.sha256)


def check_wish(wish: UploadWish, largest: int) -> None:
    """Raise for what no system takes, naming the argument."""
    if wish.size < 0:
        raise InvalidInput(f"size: at least 0, is {wish.size}")
    if wish.size > largest:
        raise TooLarge(f"size: {wish.size} bytes are more than limits.maxUploadSize, which is {largest}")
    if wish.sha256 is not None and not SHA256.fullmatch(wish.sha256):
        raise InvalidInput("sha256: 64 hexadecimal digits in lower case")
    check_mode(wish.mode)


def _within(numbers: Iterable[int], count: int) -> list[int]:
    wanted = sorted(set(numbers))
    if wrong := [each for each in wanted if not 1 <= each <= count]:
        raise InvalidInput(f"numbers: parts are numbered from 1 to {count}; there is no {wrong[0]}")
    return wanted
