"""What must not be done twice to a job: it is done once where nothing was done before, and else never again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from firecrest_gql.command import Command, Load, Remote
from firecrest_gql.demo.run import Demo
from firecrest_gql.errors import (
    CommandFailed,
    CommandTimeout,
    DelegationUnavailable,
    ErrorCode,
    FirecrestError,
    Overloaded,
    SystemUnavailable,
    Unreached,
)
from firecrest_gql.jobs.attempts import Attempts
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.work import JobWork
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.model.tasks import Task, TaskKind
from firecrest_gql.schedulers.dialect import Outcomes
from firecrest_gql.schedulers.direct import Direct
from firecrest_gql.schedulers.direct.control import Act, Cancel
from firecrest_gql.schedulers.direct.listing import Queue
from firecrest_gql.settings import SystemSettings
from firecrest_gql.tasks.store import TaskStore
from tests.client import Client
from tests.jobs_system import SYSTEM, ThisMachine, caller
from tests.test_jobs_acts import LONG, act, submitted
from tests.test_jobs_acts import running as until_running
from tests.test_jobs_attach import ATTACH
from tests.waiting import until

pytestmark = pytest.mark.redis

T = TypeVar("T")


@dataclass
class Failing(ThisMachine):
    """The machine, on whose way the next commands of a kind fail; None: the one whose turn it is does not."""

    failures: list[tuple[type[Remote], FirecrestError | None]] = field(default_factory=list)

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """Run it, unless it is its turn to fail."""
        if self.failures and isinstance(command, self.failures[0][0]) and (error := self.failures.pop(0)[1]):
            raise error
        return await ThisMachine.run(self, system, caller, command)


@pytest.fixture
def failing(machine: ThisMachine) -> Failing:
    return Failing(machine.homes)


@pytest.fixture
def work(failing: Failing, redis: Redis) -> JobWork:
    return JobWork(failing, {"local": SYSTEM}, {"direct": Direct()}, Attempts(redis), RecentJobs(redis))


async def task_of(redis: Redis, kind: TaskKind, **asked: Any) -> Task:
    """A task of fireuser's on the system, as a worker has it."""
    store = TaskStore(redis, retention_seconds=3600, event_retention=100)
    user = caller()
    return await store.create(
        kind=kind,
        system="local",
        subject=user.subject,
        username=user.username,
        request_id="r-1",
        input={"job_ids": ["1"], **asked},
        grant="sealed",
    )


@pytest.mark.parametrize("error", [Overloaded, DelegationUnavailable, Unreached])
async def test_after_an_attempt_that_has_surely_done_nothing_the_jobs_are_requeued(
    failing: Failing, work: JobWork, redis: Redis, error: type[FirecrestError]
) -> None:
    await failing.run(SYSTEM, caller(), Direct().submit(JobSpec(script=LONG), "task_1"))
    task = await task_of(redis, TaskKind.REQUEUE_JOBS)
    failing.failures = [(Act, error("not now"))]
    with pytest.raises(error):
        await work.act(task)
    [outcome] = (await work.act(task)).results
    assert outcome.error is None or outcome.error.code is ErrorCode.CONFLICT, "it has not begun yet"
    assert failing.count(Act) == 1


@pytest.mark.parametrize("error", [SystemUnavailable, CommandTimeout])
async def test_after_an_attempt_that_was_cut_off_the_signal_is_not_sent_again(
    failing: Failing, work: JobWork, redis: Redis, error: type[FirecrestError]
) -> None:
    task = await task_of(redis, TaskKind.CANCEL_JOBS, signal="USR1")
    failing.failures = [(Cancel, error("the connection was lost"))]
    with pytest.raises(error):
        await work.cancel(task)
    with pytest.raises(CommandFailed, match="USR1"):
        await work.cancel(task)
    assert failing.count(Cancel) == 0


async def test_while_the_queue_is_silent_nothing_has_begun(failing: Failing, work: JobWork, redis: Redis) -> None:
    task = await task_of(redis, TaskKind.CANCEL_JOBS, signal="USR1")
    failing.failures = [(Queue, CommandTimeout("silent")), (Queue, SystemUnavailable("silent"))]
    for _ in range(2):
        with pytest.raises(FirecrestError, match="silent"):
            await work.cancel(task)
    [outcome] = (await work.cancel(task)).results
    assert outcome.error is not None
    assert outcome.error.code is ErrorCode.NOT_FOUND


@dataclass(frozen=True)
class OneByOne(Cancel):
    """A program for each job."""

    @property
    def loads(self) -> Mapping[Load, int]:
        """As many as there are jobs."""
        return {Load.SCHEDULER: len(self.job_ids)}


class Slow(Direct):
    """A workload manager whose jobs are cancelled one by one."""

    def cancel(self, job_ids: Sequence[str], signal: str | None = None) -> Command[Outcomes]:
        """A program for each."""
        return OneByOne(tuple(job_ids), signal)


async def test_many_jobs_are_taken_in_parts_and_those_whose_turn_never_came_are_told(
    failing: Failing, redis: Redis
) -> None:
    scheduler = SYSTEM.scheduler.model_copy(update={"commands_per_second": 2})
    system = SYSTEM.model_copy(update={"scheduler": scheduler})
    work = JobWork(failing, {"local": system}, {"direct": Slow()}, Attempts(redis), RecentJobs(redis))
    task = await task_of(redis, TaskKind.CANCEL_JOBS, job_ids=["1", "2", "3", "4", "5"])
    failing.failures = [(OneByOne, None), (OneByOne, Overloaded("too much")), (OneByOne, None)]
    outcomes = {one.job_id: one.error and one.error.code for one in (await work.cancel(task)).results}
    told, untold = ErrorCode.NOT_FOUND, ErrorCode.OVERLOADED
    assert outcomes == {"1": told, "2": untold, "3": told, "4": told, "5": untold}
    failing.failures = [(OneByOne, Overloaded("too much"))]
    with pytest.raises(Overloaded):
        await work.cancel(task)


def controller(demo: Demo) -> AbstractAsyncContextManager[None]:
    """slurmctld does not answer."""
    assert demo.slurm is not None
    return silent(demo.slurm.freeze_controller, demo.slurm.resume_controller)


def sshd(demo: Demo) -> AbstractAsyncContextManager[None]:
    """sshd does not answer."""
    assert demo.slurm is not None
    return silent(demo.slurm.ssh.freeze, demo.slurm.ssh.resume)


@asynccontextmanager
async def silent(freeze: Callable[[], None], resume: Callable[[], None]) -> Any:
    freeze()
    try:
        yield
    finally:
        resume()


@asynccontextmanager
async def no_sshd(demo: Demo) -> Any:
    """Nobody listens at sshd's port."""
    assert demo.slurm is not None
    await demo.slurm.ssh.stop()
    try:
        yield
    finally:
        await demo.slurm.ssh.start()


TASK = """query($id: ID!) { task(id: $id) { status message result {
  ... on JobResults { results { error { message } } } ... on CommandOutput { stdoutText } } } }"""


@pytest.mark.slurm
@pytest.mark.parametrize("away", [controller, sshd, no_sshd])
async def test_what_is_asked_while_slurm_is_away_is_done_once_when_it_is_back(
    running: Demo, user: Client, away: Callable[[Demo], AbstractAsyncContextManager[None]]
) -> None:
    assert running.slurm is not None
    note = running.slurm.homes["fireuser"] / f"signals-{uuid4().hex}"
    trap = f"#!/bin/sh\n: >>{note}.runs\ntrap 'echo got >>{note}' USR1\n: >{note}.ready\nwhile :; do sleep 0.1; done\n"
    job_id = await submitted(user, trap)
    await until((note.parent / f"{note.name}.ready").exists)
    requeued = await submitted(user)
    await until_running(user, requeued)
    asked: list[tuple[str, dict[str, Any]]] = [
        (act("requeueJobs").replace("waitSeconds: 30", "waitSeconds: 0"), {"jobIds": [requeued]}),
        (act("cancelJobs").replace("waitSeconds: 30", "waitSeconds: 0"), {"jobIds": [job_id], "signal": "USR1"}),
        (
            ATTACH.replace("attachToJob(input", "answer: attachToJob(input"),
            {"jobId": job_id, "command": ["echo", "hello"]},
        ),
    ]
    tasks = []

    async def status(task: str) -> dict[str, Any]:
        found: dict[str, Any] = (await user.ask(TASK, id=task))["task"]
        return found

    def has(task: str, *statuses: str) -> Callable[[], Awaitable[bool]]:
        async def so() -> bool:
            found = await status(task)
            assert found["status"] != "FAILED", found
            return found["status"] in statuses and (found["message"] is not None or "SUCCEEDED" in statuses)

        return so

    async with away(running):
        for document, values in asked:
            wait = {"wait": 0} if "command" in values else {}
            said = await user.ask(document, input={"system": "slurm", **values}, **wait)
            tasks.append(said["answer"]["task"]["id"])
        for task in tasks:  # each was tried, and tells what it was told
            await until(has(task, "RUNNING"), seconds=120)
    for task in tasks:
        await until(has(task, "SUCCEEDED"), seconds=120)
    results = [(await status(task))["result"] for task in tasks]
    assert results[:2] == [{"results": [{"error": None}]}] * 2
    assert results[2] == {"stdoutText": "hello\n"}
    await until(lambda: note.exists() and note.read_text() == "got\n")
    await user.ask(act("cancelJobs"), input={"system": "slurm", "jobIds": [job_id, requeued]})
