"""A submission that was cut off: what is looked for, what is believed, and when nothing is submitted again."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from firecrest_gql.command import Command, Result
from firecrest_gql.errors import CommandFailed
from firecrest_gql.jobs import submission
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.jobs.submission import Submission, key_of
from firecrest_gql.model.health import ComponentHealth, HealthStatus
from firecrest_gql.model.identity import Principal
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.dialect import Recall
from firecrest_gql.schedulers.direct.commands import Submit
from firecrest_gql.schedulers.direct.dialect import Direct
from firecrest_gql.settings import SystemSettings
from firecrest_gql.status.book import HealthBook
from firecrest_gql.status.probes import Probes
from firecrest_gql.tasks import keys
from tests.jobs_system import SYSTEM, ThisMachine

pytestmark = pytest.mark.redis

T = TypeVar("T")
SPEC = JobSpec(script="#!/bin/sh\nsleep 600\n")
ADVICE = "accounting keeps no comments"


@dataclass(frozen=True)
class Says(Command[T], Generic[T]):
    """A command with a known answer."""

    answer: T

    @property
    def argv(self) -> Sequence[str]:
        return ["true"]

    def parse(self, result: Result) -> T:
        return self.answer


@dataclass(frozen=True)
class Forgetful(Direct):
    """A scheduler that finds no job by its key, and says how far back it remembers."""

    memory: Recall

    def find(self, key: str, username: str, system: str) -> Command[str | None]:
        return Says(None)

    def recall(self) -> Command[Recall]:  # type: ignore[override]
        return Says(self.memory)


@dataclass(frozen=True)
class Cut:
    """A submission whose first attempt began some time ago, and of which nobody knows what became."""

    submission: Submission
    machine: ThisMachine
    redis: Redis

    async def again(self, seconds_ago: float) -> str:
        began = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        await self.redis.set(keys.begun(self.submission.mark), began.isoformat())
        return await self.submission.attempt(SPEC)


Cutting = Callable[[Recall], Cut]


@pytest.fixture
def cut(machine: ThisMachine, redis: Redis, viewer: Principal) -> Cutting:
    def made(memory: Recall) -> Cut:
        task_id = f"task_{uuid4().hex[:28]}"
        caller, now, known = viewer.caller("r-1"), datetime.now(UTC), Attempts(redis)
        made = Submission(machine, SYSTEM, caller, Forgetful(memory), known, key_of(task_id), now, task_id)
        return Cut(made, machine, redis)

    return made


@pytest.mark.parametrize(
    ("memory", "seconds_ago"),
    [(Recall(300, accounted=True), 10_000), (Recall(300, accounted=False), 60), (Recall(None, accounted=False), 9_999)],
)
async def test_a_job_that_is_nowhere_and_would_be_remembered_is_submitted(
    cut: Cutting, memory: Recall, seconds_ago: float
) -> None:
    one = cut(memory)
    assert await one.again(seconds_ago) == "1"
    assert one.machine.count(Submit) == 1


async def test_a_job_that_may_have_been_forgotten_is_not_submitted_again(cut: Cutting) -> None:
    one = cut(Recall(300, accounted=False, advice=ADVICE))
    with pytest.raises(CommandFailed, match=f"not known.*{ADVICE}"):
        await one.again(seconds_ago=290)
    assert one.machine.count(Submit) == 0


async def test_what_was_found_to_be_nothing_counts_no_more(cut: Cutting) -> None:
    one = cut(Recall(300, accounted=False))
    assert await one.again(seconds_ago=200) == "1"
    since = await one.submission.attempts.begin(one.submission.mark)
    assert since is not None
    assert datetime.now(UTC) - since < timedelta(seconds=100)


async def test_while_the_earlier_command_does_not_end_nothing_is_submitted(
    cut: Cutting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "GONE_SECONDS", 0.5)
    monkeypatch.setattr(submission, "SUBMIT_SECONDS", 0.5)
    one = cut(Recall(300, accounted=True))
    argv = [sys.executable, "-c", "import time; time.sleep(600)", one.submission.key]
    process = await asyncio.create_subprocess_exec(*argv)
    try:
        with pytest.raises(CommandFailed, match="does not end"):
            await one.again(seconds_ago=1)
    finally:
        process.kill()
        await process.wait()
    assert one.machine.count(Submit) == 0


async def test_where_the_command_cannot_be_seen_its_time_is_waited_for(
    cut: Cutting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "GONE_SECONDS", 0.5)
    one = cut(Recall(300, accounted=True))
    two_nodes = SYSTEM.model_copy(update={"login_nodes": SYSTEM.login_nodes * 2})
    one = replace(one, submission=replace(one.submission, system=two_nodes))
    assert await one.again(seconds_ago=1) == "1"


class Answering(ThisMachine):
    """The machine, whose sshd answers."""

    async def probe(self, system: SystemSettings) -> ComponentHealth:
        return ComponentHealth(name="ssh", status=HealthStatus.HEALTHY)


@pytest.mark.parametrize(
    ("memory", "status"),
    [
        (Recall(300, accounted=True, advice=ADVICE), HealthStatus.HEALTHY),
        (Recall(300, accounted=False, advice=ADVICE), HealthStatus.DEGRADED),
    ],
)
async def test_the_health_check_says_where_accounting_keeps_no_comments(
    tmp_path: Path, memory: Recall, status: HealthStatus
) -> None:
    system = SYSTEM.model_copy(update={"service_account": "firesvc", "file_systems": ()})
    book = HealthBook()
    probes = Probes(book, Answering(tmp_path), [system], {"direct": Forgetful(memory)}, {}, interval=60)
    await probes.check_system(system)
    [found] = [check for check in book.checks(system.name) if check.name == "accounting"]
    assert found.status is status
    assert found.message == (None if status is HealthStatus.HEALTHY else ADVICE)
    assert book.status(system.name) is status
