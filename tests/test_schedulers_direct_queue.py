"""The queue without a workload manager: races, deaths, bounds."""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from firecrest_gql.errors import SchedulerRejected
from firecrest_gql.model.jobs import JobAct, JobSpec, JobState
from tests.scheduler_commands import run_in
from tests.sizes import size
from tests.waiting import until
from tests.workstation import DIRECT, QUICK, SLEEPS, Workstation

ROUNDS = size(5, 100)
MARK = JobSpec(script="#!/bin/sh\n: >ran-$FIRECREST_JOB_ID\nexec sleep 600\n")


async def test_a_job_that_is_released_and_cancelled_at_once_ends_cancelled(workstation: Workstation) -> None:
    blocker = await workstation.submit(SLEEPS, "task_blocker")
    for number in range(ROUNDS):
        job_id = await workstation.submit(replace(SLEEPS, dependency=f"after:{blocker}"), f"task_{number}")
        await asyncio.gather(
            workstation.act(JobAct.HOLD, job_id),
            workstation.act(JobAct.RELEASE, job_id),
            workstation.cancel(job_id),
            workstation.jobs(),
        )
        await workstation.reached(job_id, JobState.CANCELLED)
    await workstation.cancel(blocker)
    await until(lambda: workstation.processes() == [])


async def test_a_job_cancelled_while_it_starts_ends_cancelled_and_never_as_a_failure(workstation: Workstation) -> None:
    blocker = await workstation.submit(SLEEPS, "task_blocker")
    waiting = [
        await workstation.submit(replace(SLEEPS, dependency=f"afterany:{blocker}"), f"task_{number}")
        for number in range(ROUNDS)
    ]
    await asyncio.gather(workstation.cancel(blocker), *(workstation.cancel(job_id) for job_id in waiting))
    for job_id in (blocker, *waiting):
        await workstation.reached(job_id, JobState.CANCELLED)
    await until(lambda: workstation.processes() == [])


async def test_a_job_requeued_and_cancelled_at_once_does_not_begin_again(workstation: Workstation) -> None:
    for number in range(ROUNDS):
        job_id = await workstation.submit(SLEEPS, f"task_{number}")
        await workstation.act(JobAct.REQUEUE, job_id)
        await workstation.cancel(job_id)
        await workstation.reached(job_id, JobState.CANCELLED)
    await until(lambda: workstation.processes() == [])


async def test_what_waited_for_a_killed_job_goes_on_by_itself(workstation: Workstation) -> None:
    lost = await workstation.submit(SLEEPS, "task_lost")
    after = await workstation.submit(replace(MARK, dependency=f"afterany:{lost}"), "task_after")
    vain = await workstation.submit(replace(MARK, dependency=f"afterok:{lost}"), "task_vain")
    os.kill(workstation.runner(lost), signal.SIGKILL)
    await until((workstation.home / f"ran-{after}").exists)  # nobody has looked at the queue
    assert await workstation.states() == {
        lost: JobState.NODE_FAIL,
        after: JobState.RUNNING,
        vain: JobState.CANCELLED,
    }


async def test_whoever_looks_mends_what_nobody_of_us_survived(workstation: Workstation) -> None:
    limited = await workstation.submit(replace(SLEEPS, time_limit_seconds=1), "task_limited")
    lost = await workstation.submit(SLEEPS, "task_lost")
    after = await workstation.submit(replace(MARK, dependency=f"afterany:{lost}"), "task_after")
    runners = {workstation.runner(job_id) for job_id in (lost, limited)}
    sleeps = {pid for pid in workstation.processes() if _argv(pid) == [b"sleep", b"600"]}
    for pid in set(workstation.processes()) - runners - sleeps:  # timers, and who stands by the runners
        _kill(pid)
    _kill(workstation.runner(lost))
    await workstation.reached(lost, JobState.NODE_FAIL)
    await workstation.reached(after, JobState.RUNNING)
    await workstation.reached(limited, JobState.TIMEOUT)


@pytest.mark.parametrize("delay", [0, 0.002, 0.005, 0.01, 0.02, 0.04])
async def test_acts_that_are_killed_half_way_leave_the_queue_usable(workstation: Workstation, delay: float) -> None:
    array = await workstation.submit(replace(QUICK, array="0-9%2", dependency=None), "task_array")
    for command in (DIRECT.act(JobAct.HOLD, [array]), DIRECT.act(JobAct.RELEASE, [array]), DIRECT.submit(QUICK, "t")):
        child = await asyncio.create_subprocess_exec(
            *command.argv, stdin=asyncio.subprocess.DEVNULL, env=_login(workstation), start_new_session=True
        )
        await asyncio.sleep(delay)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    await workstation.act(JobAct.RELEASE, array)
    for task in range(10):
        await workstation.reached(f"{array}_{task}", JobState.COMPLETED)


async def test_an_array_is_held_as_a_whole_but_for_what_runs_and_tasks_are_released_alone(
    workstation: Workstation,
) -> None:
    array = await workstation.submit(replace(SLEEPS, array="1-4%1"), "task_array")
    tasks = [f"{array}_{number}" for number in range(1, 5)]
    outcomes = await workstation.act(JobAct.HOLD, array, f"{array}_9")
    assert outcomes[array] is None
    assert outcomes[f"{array}_9"] is not None
    running, held = JobState.RUNNING, JobState.HELD
    assert [*(await workstation.states()).values()] == [running, held, held, held]
    await workstation.act(JobAct.RELEASE, tasks[2])
    await workstation.cancel(tasks[0])
    await workstation.reached(tasks[2], running)
    assert [*(await workstation.states()).values()][1:] == [held, running, held]
    assert (await workstation.jobs(tasks[1]))[0].reason == "JobHeldUser"
    await workstation.cancel(array)
    for task in tasks:
        await workstation.reached(task, JobState.CANCELLED)


async def test_variables_are_kept_until_nothing_of_a_job_can_begin_any_more(workstation: Workstation) -> None:
    spec = replace(SLEEPS, array="0-1", environment=(("SECRET", "hidden"),))
    array = await workstation.submit(spec, "task_secret")
    kept = workstation.jobs_folder / array / "environment"
    await workstation.cancel(f"{array}_0")
    await workstation.reached(f"{array}_0", JobState.CANCELLED)
    assert kept.exists()
    await workstation.cancel(f"{array}_1")
    await workstation.reached(f"{array}_1", JobState.CANCELLED)
    assert not kept.exists()


async def test_only_so_many_jobs_wait_and_run(workstation: Workstation) -> None:
    blocker = await workstation.submit(SLEEPS, "task_blocker")
    await workstation.submit(replace(QUICK, array="1-999", dependency=f"afterok:{blocker}"), "task_many")
    with pytest.raises(SchedulerRejected, match="at most 1000 jobs"):
        await workstation.submit(QUICK, "task_more")
    assert len(await workstation.jobs()) == 1000
    await workstation.cancel(blocker)
    await until(lambda: workstation.processes() == [])
    assert set((await workstation.states()).values()) == {JobState.CANCELLED}
    await workstation.submit(QUICK, "task_more")


async def test_a_job_waits_for_others_that_are_there(workstation: Workstation) -> None:
    with pytest.raises(SchedulerRejected, match="no job 7"):
        await workstation.submit(replace(QUICK, dependency="afterok:7"), "task_alone")
    assert await run_in(DIRECT.find("task_alone", "me", "here"), workstation.home) is None


def _argv(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    return []


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _login(workstation: Workstation) -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(workstation.home)}
