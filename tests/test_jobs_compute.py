"""Submitting and cancelling: what is refused at once, and one job whatever dies on the way."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from firecrest_gql.errors import (
    CommandFailed,
    ErrorCode,
    FirecrestError,
    InvalidInput,
    NotFound,
    SchedulerRejected,
    SystemUnavailable,
    Unsupported,
)
from firecrest_gql.jobs.attempts import Attempts, StillRuns
from firecrest_gql.jobs.check import check_options, check_spec
from firecrest_gql.jobs.compute import Compute
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.spec import from_input, to_input
from firecrest_gql.jobs.work import JobWork
from firecrest_gql.model.identity import Grant, Principal
from firecrest_gql.model.jobs import JobFilter, JobSpec, JobState
from firecrest_gql.model.tasks import JobRef, Task, TaskKind
from firecrest_gql.schedulers.direct.commands import Submit
from firecrest_gql.schedulers.direct.dialect import Direct
from firecrest_gql.tasks.store import TaskStore
from tests.jobs_system import SYSTEM, Sealing, ThisMachine, caller
from tests.redis import RealValkey
from tests.waiting import until

pytestmark = pytest.mark.redis

HELLO = "#!/bin/sh\necho hello\n"
LONG = "#!/bin/sh\nsleep 600\n"


@pytest.fixture
def tasks(redis: Redis) -> TaskStore:
    return TaskStore(redis, retention_seconds=3600, event_retention=100)


@pytest.fixture
def queued() -> list[str]:
    return []


@pytest.fixture
def compute(tasks: TaskStore, queued: list[str]) -> Compute:
    async def enqueue(task: Task) -> None:
        queued.append(task.id)

    return Compute(Sealing(), tasks, enqueue, {"direct": Direct()})


@pytest.fixture
def work(machine: ThisMachine, redis: Redis) -> JobWork:
    return JobWork(machine, {"local": SYSTEM}, {"direct": Direct()}, Attempts(redis), RecentJobs(redis))


async def submitted(compute: Compute, tasks: TaskStore, viewer: Principal, **spec: Any) -> Task:
    """The task of this job, as a worker loads it."""
    task = await compute.start_submit(viewer, SYSTEM, JobSpec(**spec), "r-1")
    loaded = await tasks.load(task.id)
    assert loaded
    return loaded


async def ids(machine: ThisMachine, redis: Redis, viewer: Principal) -> list[str]:
    """All jobs that the system has of this user."""
    jobs = Jobs(machine, {"direct": Direct()}, RecentJobs(redis))
    return [job.job_id for job in await jobs.all_jobs(viewer.caller("r-1"), SYSTEM, JobFilter())]


@pytest.mark.parametrize(
    ("spec", "argument"),
    [
        ({}, "script"),
        ({"script": HELLO, "script_path": "/x"}, "script"),
        ({"script": ""}, "script"),
        ({"script": "#!/bin/sh\n\0"}, "script"),
        ({"script": "x" * (4 * 2**20 + 1)}, "script"),
        ({"script_path": "relative"}, "scriptPath"),
        ({"script": HELLO, "stdout_path": "/a\nb"}, "stdoutPath"),
        ({"script": HELLO, "working_directory": "~other/x"}, "workingDirectory"),
        ({"script": HELLO, "name": "two\nlines"}, "name"),
        ({"script": HELLO, "name": ""}, "name"),
        ({"script": HELLO, "name": "\ud800"}, "name"),
        ({"script": HELLO, "environment": (("A B", "1"),)}, "environment"),
        ({"script": HELLO, "environment": (("A", "1"), ("A", "2"))}, "environment"),
        ({"script": HELLO, "environment": (("A", "\0"),)}, "environment"),
        ({"script": HELLO, "environment": (("A", "x" * 2**18),)}, "environment"),
        ({"script": HELLO, "arguments": ("x" * 2**15,)}, "arguments"),
        ({"script": HELLO, "time_limit_seconds": 0}, "timeLimitSeconds"),
        ({"script": HELLO, "memory": 2**60}, "memory"),
        ({"script": HELLO, "array": "1;2"}, "array"),
        ({"script": HELLO, "dependency": "afterok:1 --wrap"}, "dependency"),
    ],
)
def test_what_can_never_work_is_refused_naming_the_argument(spec: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_spec(JobSpec(**spec))
    assert argument in refused.value.message.split(":")[0]


@pytest.mark.parametrize("option", ["--exclusive", "--mail-type=END", "--mail-type", "--licenses=matlab:2"])
def test_an_option_is_allowed_by_its_name_or_by_a_pattern(option: str) -> None:
    check_options([option], ["--exclusive", "--mail-type", "--licenses=matlab*"])


@pytest.mark.parametrize("option", ["--exclusiv", "--licenses=ansys", "--licenses", "--hold", ""])
def test_any_other_option_is_refused_and_named(option: str) -> None:
    with pytest.raises(InvalidInput, match=f"options: '{option}'"):
        check_options([option], ["--exclusive", "--mail-type", "--licenses=matlab*"])


def test_a_specification_comes_back_from_a_task_as_it_went_in() -> None:
    spec = JobSpec(script_path="/a\udcff", arguments=("a", ""), environment=(("A", "x,B=y"),), node_count=1)
    assert from_input(to_input(spec)) == spec


async def test_a_submission_is_a_task_with_a_sealed_grant_and_without_a_token(
    compute: Compute, tasks: TaskStore, queued: list[str], viewer: Principal
) -> None:
    task = await submitted(compute, tasks, viewer, script=HELLO)
    assert (task.kind, task.system, task.grant) == (TaskKind.SUBMIT_JOB, "local", "sealed local task")
    assert queued == [task.id]


async def test_the_same_key_makes_one_task(compute: Compute, viewer: Principal) -> None:
    first, second = [
        await compute.start_submit(viewer, SYSTEM, JobSpec(script=HELLO), f"r-{n}", "my key") for n in (1, 2)
    ]
    assert first.id == second.id


async def test_what_the_dialect_cannot_do_is_said_before_a_task_is_made(
    compute: Compute, queued: list[str], viewer: Principal
) -> None:
    with pytest.raises(Unsupported):
        await compute.start_submit(viewer, SYSTEM, JobSpec(script=HELLO, gpu_count=1), "r-1")
    with pytest.raises(InvalidInput):
        await compute.start_cancel(viewer, SYSTEM, ["1; rm"], None, "r-1")
    assert queued == []


async def test_a_first_attempt_submits_at_once(
    compute: Compute, tasks: TaskStore, work: JobWork, machine: ThisMachine, redis: Redis, viewer: Principal
) -> None:
    task = await submitted(compute, tasks, viewer, script=HELLO, name="it's R&D|日本")
    assert await work.submit(task) == JobRef("local", "1", "it's R&D|日本")
    assert [type(act) for act in machine.ran] == [Submit]
    assert machine.asked_by[0].proof == Grant("sealed local task")
    assert await ids(machine, redis, viewer) == ["1"]


async def test_a_tilde_is_the_users_home(
    compute: Compute, tasks: TaskStore, work: JobWork, machine: ThisMachine, viewer: Principal
) -> None:
    task = await submitted(compute, tasks, viewer, script=HELLO, working_directory="~", stdout_path="~/out %j")
    await work.submit(task)
    output = machine.home(viewer.username) / "out 1"
    await until(lambda: output.exists() and output.read_text() == "hello\n")


async def test_a_refusal_is_final_and_in_the_schedulers_words(
    compute: Compute, tasks: TaskStore, work: JobWork, viewer: Principal
) -> None:
    task = await submitted(compute, tasks, viewer, script="no script")
    with pytest.raises(SchedulerRejected, match="#!"):
        await work.submit(task)


async def test_a_second_attempt_finds_the_job_of_the_first(
    compute: Compute, tasks: TaskStore, work: JobWork, machine: ThisMachine, redis: Redis, viewer: Principal
) -> None:
    task = await submitted(compute, tasks, viewer, script=LONG)
    assert await work.submit(task) == await work.submit(task)
    assert machine.count(Submit) == 1
    assert await ids(machine, redis, viewer) == ["1"]


async def test_a_system_that_comes_back_gets_the_job_once(
    compute: Compute, tasks: TaskStore, work: JobWork, machine: ThisMachine, redis: Redis, viewer: Principal
) -> None:
    task = await submitted(compute, tasks, viewer, script=LONG)
    machine.down = True
    with pytest.raises(SystemUnavailable):
        await work.submit(task)
    machine.down = False
    assert await work.submit(task) == JobRef("local", "1")
    assert await ids(machine, redis, viewer) == ["1"]


@asynccontextmanager
async def worker(valkey: RealValkey, machine: ThisMachine, task: Task, hold: str) -> AsyncIterator[Any]:
    """A worker of its own process; its standard output."""
    argv = [sys.executable, "-m", "tests.jobs_worker", valkey.url, str(machine.homes), machine.path, hold]
    environment = os.environ | {"TASK": task.id}  # as an argument it would look like the submission itself
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, env=environment)
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_a_worker_killed_at_any_moment_of_a_submission_leaves_one_job(
    moment: str,
    valkey: RealValkey,
    compute: Compute,
    tasks: TaskStore,
    machine: ThisMachine,
    redis: Redis,
    viewer: Principal,
) -> None:
    task = await submitted(compute, tasks, viewer, script=LONG)
    held = machine.hold_program("setsid", viewer.username) if moment == "during" else None
    async with worker(valkey, machine, task, moment) as output:
        if held:
            await until(held.exists)
        else:
            assert await output.readline() == b"held\n"
    machine.let_go(viewer.username)
    async with worker(valkey, machine, task, "never") as output:
        assert (await output.readline()).decode().strip() == "1"
    assert await ids(machine, redis, viewer) == ["1"]


async def test_a_process_with_the_key_is_seen_while_it_runs(machine: ThisMachine) -> None:
    key = f"task_{uuid4().hex[:28]}"
    assert not await machine.run(SYSTEM, caller(), StillRuns(key))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)", key)
    assert await machine.run(SYSTEM, caller(), StillRuns(key))
    process.kill()
    await process.wait()
    assert not await machine.run(SYSTEM, caller(), StillRuns(key))


async def cancelled(compute: Compute, tasks: TaskStore, viewer: Principal, *job_ids: str, signal: str | None) -> Task:
    task = await compute.start_cancel(viewer, SYSTEM, job_ids, signal, "r-1")
    loaded = await tasks.load(task.id)
    assert loaded
    return loaded


async def test_each_job_to_cancel_has_an_outcome_of_its_own(
    compute: Compute, tasks: TaskStore, work: JobWork, machine: ThisMachine, redis: Redis, viewer: Principal
) -> None:
    await work.submit(await submitted(compute, tasks, viewer, script=LONG))
    outcomes = await work.cancel(await cancelled(compute, tasks, viewer, "1", "99", "1", signal=None))
    assert [(one.job_id, one.error and one.error.code) for one in outcomes.results] == [
        ("1", None),
        ("99", ErrorCode.NOT_FOUND),
    ]
    jobs = Jobs(machine, {"direct": Direct()}, RecentJobs(redis))

    async def ended() -> bool:
        return (await jobs.job(viewer.caller("r-1"), SYSTEM, "1")).state is JobState.CANCELLED

    await until(ended)


async def test_a_signal_is_not_sent_again_by_the_next_worker(
    compute: Compute, tasks: TaskStore, work: JobWork, machine: ThisMachine, viewer: Principal
) -> None:
    task = await cancelled(compute, tasks, viewer, "1", signal="USR1")
    await work.cancel(task)
    ran = len(machine.ran)
    with pytest.raises(CommandFailed, match="USR1"):
        await work.cancel(task)
    assert len(machine.ran) == ran


async def test_one_bad_id_does_not_spoil_the_others(
    compute: Compute, tasks: TaskStore, work: JobWork, machine: ThisMachine, redis: Redis, viewer: Principal
) -> None:
    await work.submit(await submitted(compute, tasks, viewer, script=HELLO))
    jobs = Jobs(machine, {"direct": Direct()}, RecentJobs(redis))
    before = len(machine.ran)
    bad, good, absent = await jobs.jobs_by_id(viewer.caller("r-1"), SYSTEM, ["; ls", "1", "77"])
    assert isinstance(bad, InvalidInput)
    assert not isinstance(good, FirecrestError)
    assert isinstance(absent, NotFound)
    assert len(machine.ran) == before + 1
