"""Jobs without a workload manager: what happens when anything is killed at any moment."""

import asyncio
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from firecrest_gql.command import Command
from firecrest_gql.errors import SchedulerRejected
from firecrest_gql.model.jobs import JobFilter, JobSpec, JobState
from tests.scheduler_commands import PATH, run_in
from tests.waiting import until
from tests.workstation import DIRECT, QUICK, SLEEPS, STRAY, Workstation


async def test_the_same_key_makes_one_job_however_often_and_at_once_it_is_submitted(workstation: Workstation) -> None:
    async with asyncio.TaskGroup() as group:
        submissions = [group.create_task(workstation.submit(SLEEPS, "task_same")) for _ in range(8)]
    ids = {submission.result() for submission in submissions}
    assert len(ids) == 1
    assert await workstation.submit(SLEEPS, "task_same") in ids
    assert [job.job_id for job in await workstation.jobs()] == [*ids]


async def test_ids_are_numbers_that_grow_and_no_two_jobs_share_one(workstation: Workstation) -> None:
    first = await workstation.submit(SLEEPS, "task_first")
    async with asyncio.TaskGroup() as group:
        submissions = [group.create_task(workstation.submit(SLEEPS, f"task_{number}")) for number in range(8)]
    ids = {int(submission.result()) for submission in submissions}
    assert len(ids) == 8
    assert min(ids) > int(first)
    assert {int(job.job_id) for job in await workstation.jobs()} == {int(first), *ids}


async def test_a_submission_killed_at_any_moment_leaves_a_whole_job_or_none(workstation: Workstation) -> None:
    script = "#!/bin/sh\n" + "# a line\n" * 10_000 + "echo whole\n"
    for number in range(30):
        key = f"task_{number}"
        await _killed(DIRECT.submit(JobSpec(script=script), key), workstation.home, after=number * 0.001)
        job_id = await workstation.submit(JobSpec(script=script), key)
        assert await run_in(DIRECT.find(key, "me", "here"), workstation.home) == job_id
    jobs = await workstation.jobs()
    assert len(jobs) == 30
    for job in jobs:
        ended = await workstation.reached(job.job_id, JobState.COMPLETED)
        assert Path(ended.stdout_path or "").read_text() == "whole\n"  # noqa: ASYNC240


async def _killed(command: Command[str], home: Path, after: float) -> None:
    """Start it in a process group of its own, and SIGKILL all of that."""
    assert isinstance(command.stdin.data, bytes)
    child = await asyncio.create_subprocess_exec(
        *command.argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={"PATH": PATH, "HOME": str(home)},
        start_new_session=True,
    )
    writing = asyncio.create_task(child.communicate(command.stdin.data))
    await asyncio.sleep(after)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    await writing


async def test_an_input_that_ends_early_makes_no_job_of_half_an_environment(workstation: Workstation) -> None:
    command = DIRECT.submit(replace(SLEEPS, environment=(("A", "1"),)), "task_cut")
    child = await asyncio.create_subprocess_exec(
        *command.argv, stdin=asyncio.subprocess.PIPE, env={"PATH": PATH, "HOME": str(workstation.home)}
    )
    await child.communicate(b"A=1")
    assert await workstation.jobs() == []


async def test_a_runner_that_is_killed_makes_its_job_a_node_failure_and_leaves_no_process(
    workstation: Workstation,
) -> None:
    job_id = await workstation.submit(SLEEPS, "task_lost")
    os.kill(workstation.runner(job_id), signal.SIGKILL)
    await until(lambda: workstation.processes() == [])
    [job] = await workstation.jobs(job_id)
    assert (job.state, job.final, "runner" in (job.reason or "")) == (JobState.NODE_FAIL, True, True)
    assert await workstation.cancel(job_id) == {job_id: None}


async def test_another_process_with_the_runners_number_is_not_taken_for_it(workstation: Workstation) -> None:
    job_id = await workstation.submit(SLEEPS, "task_recycled")
    state = workstation.jobs_folder / job_id / "state"
    running = state.read_text().split()
    await workstation.cancel(job_id)
    await workstation.reached(job_id, JobState.CANCELLED)
    for other in ([str(os.getpid()), *running[7:]], ["1", *running[7:]], [str(os.getpid()), _birth(), "another-boot"]):
        state.write_text(" ".join([*running[:6], *other]) + "\n")
        job = await workstation.reached(job_id, JobState.NODE_FAIL)
    assert "anew" in (job.reason or "")


@pytest.mark.parametrize("state", ["COMPLETING  179 -  REQUEUED", "RUNNING", "RUNNING a b c d e f g h", "RUNNING 1"])
async def test_a_state_that_was_spoilt_is_a_node_failure_and_holds_up_no_other_job(
    workstation: Workstation, state: str
) -> None:
    spoilt = await workstation.submit(SLEEPS, "task_spoilt")
    await workstation.cancel(spoilt)
    await workstation.reached(spoilt, JobState.CANCELLED)
    (workstation.jobs_folder / spoilt / "state").write_text(f"{state} \n")
    await workstation.reached(spoilt, JobState.NODE_FAIL)
    await workstation.reached(await workstation.submit(QUICK, "task_other"), JobState.COMPLETED)


def _birth() -> str:
    return Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]


async def test_a_job_ends_at_its_time_limit_and_a_stubborn_one_is_killed(workstation: Workstation) -> None:
    stubborn = JobSpec(script="#!/bin/sh\ntrap '' TERM\nsleep 600 & sleep 600; sleep 600\n", time_limit_seconds=1)
    job_id = await workstation.submit(stubborn, "task_long")
    job = await workstation.reached(job_id, JobState.TIMEOUT)
    assert (job.time_limit_seconds, job.signal) == (1, 9)
    await until(lambda: workstation.processes() == [])


async def test_a_job_that_ends_takes_along_what_it_started_whatever_that_has_left(workstation: Workstation) -> None:
    script = "#!/bin/sh\nsleep 600 &\nsetsid sleep 600 &\n(setsid setsid sh -c 'trap : TERM; sleep 600; sleep 600' &)\n"
    job_id = await workstation.submit(JobSpec(script=script + STRAY), "task_children")
    await workstation.reached(job_id, JobState.COMPLETED)
    assert (workstation.home / "stray").exists()
    await until(lambda: workstation.processes() == [])


async def test_cancelling_ends_what_has_left_session_and_environment(workstation: Workstation) -> None:
    job_id = await workstation.submit(JobSpec(script=f"#!/bin/sh\n{STRAY}sleep 600\n"), "task_stray")
    await until((workstation.home / "stray").exists)
    await workstation.cancel(job_id)
    await workstation.reached(job_id, JobState.CANCELLED)
    await until(lambda: workstation.processes() == [])


async def test_who_is_to_end_has_its_time_for_it_and_so_have_its_children(workstation: Workstation) -> None:
    child = "trap 'sleep 0.5; echo child put away; exit' TERM; echo ready; while :; do sleep 0.1; done"
    job_id = await workstation.submit(JobSpec(script=f'#!/bin/sh\nsh -c "{child}" &\nwait\n'), "task_grace")
    output = workstation.home / f"job-{job_id}.out"
    await until(lambda: output.read_text() == "ready\n")
    await workstation.cancel(job_id)
    assert (await workstation.reached(job_id, JobState.CANCELLED)).exit_code is None
    assert output.read_text().endswith("child put away\n")


async def test_a_script_can_trap_the_signals_that_a_background_shell_ignores(workstation: Workstation) -> None:
    script = "#!/bin/sh\ntrap 'echo interrupted; exit 0' INT\necho ready\nwhile :; do sleep 0.1; done\n"
    job_id = await workstation.submit(JobSpec(script=script), "task_interrupt")
    output = workstation.home / f"job-{job_id}.out"
    await until(lambda: output.read_text() == "ready\n")
    await run_in(DIRECT.cancel([job_id], "INT"), workstation.home)
    await workstation.reached(job_id, JobState.COMPLETED)
    assert output.read_text() == "ready\ninterrupted\n"


async def test_a_job_knows_its_id_and_keeps_the_umask_and_nothing_of_the_runners_variables(
    workstation: Workstation,
) -> None:
    script = "#!/bin/sh\necho $FIRECREST_JOB_ID $(umask)\nenv | grep -c '^j_'\n"
    spec = JobSpec(script=script, environment=(("j_task", "mine"),))
    job_id = await workstation.submit(spec, "task_environment")
    await workstation.reached(job_id, JobState.COMPLETED)
    assert (workstation.home / f"job-{job_id}.out").read_text() == f"{job_id} 0022\n1\n"
    assert not (workstation.home / ".firecrest/jobs" / job_id / "environment").exists()


async def test_the_state_is_its_owners_alone(workstation: Workstation) -> None:
    job_id = await workstation.submit(SLEEPS, "task_private")
    folder = workstation.home / ".firecrest/jobs"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in (folder / job_id).iterdir())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (JobSpec(script="#!/bin/sh\n", working_directory="/no/such"), "/no/such cannot be entered"),
        (JobSpec(script="#!/bin/sh\n", stdout_path="no/such/file"), "no/such/file cannot be written"),
        (JobSpec(script="#!/bin/sh\n", stdin_path="/no/input"), "/no/input cannot be read"),
    ],
)
async def test_what_cannot_run_is_rejected_and_leaves_nothing(
    workstation: Workstation, spec: JobSpec, words: str
) -> None:
    with pytest.raises(SchedulerRejected, match=words):
        await workstation.submit(spec, "task_bad")
    assert await workstation.jobs() == []
    assert {entry.name for entry in workstation.jobs_folder.iterdir()} <= {".keys", ".lock"}


async def test_a_missing_interpreter_fails_the_job_and_says_so_in_its_output(workstation: Workstation) -> None:
    job_id = await workstation.submit(JobSpec(script="#!/no/such/interpreter\n"), "task_interpreter")
    job = await workstation.reached(job_id, JobState.FAILED)
    assert job.exit_code == 127
    assert "No such file" in (workstation.home / f"job-{job_id}.out").read_text()


async def test_the_records_of_a_month_ago_are_forgotten_and_their_numbers_not_given_again(
    workstation: Workstation,
) -> None:
    old, kept = [await workstation.submit(QUICK, key) for key in ("task_old", "task_kept")]
    for job_id in (old, kept):
        await workstation.reached(job_id, JobState.COMPLETED)
    state = workstation.jobs_folder / old / "state"
    month_ago = time.time() - 31 * 86_400
    os.utime(state, (month_ago, month_ago))
    new = await workstation.submit(QUICK, "task_new")
    await until(lambda: not state.exists())
    assert [job.job_id for job in await workstation.jobs()] == [kept, new]
    assert not (workstation.home / ".firecrest/jobs/.keys/task_old").exists()


async def test_a_home_that_does_not_know_jobs_yet_has_none(workstation: Workstation) -> None:
    assert await workstation.jobs() == []
    assert (await run_in(DIRECT.cancel(["1"]), workstation.home))["1"] is not None


async def test_who_asks_for_somebody_elses_jobs_sees_none(workstation: Workstation) -> None:
    await workstation.submit(SLEEPS, "task_mine")
    others = JobFilter(users=("somebody",))
    assert await run_in(DIRECT.queue(others, "me", "here"), workstation.home) == []


async def test_it_runs_where_sh_is_bash_too(workstation: Workstation, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to(bash)
    environment = {"PATH": f"{tmp_path}/bin:{PATH}"}
    spec = JobSpec(script="#!/bin/sh\ntrap '' TERM\necho started\nsleep 600; sleep 600\n", name="a\nb\\")
    job_id = await run_in(DIRECT.submit(spec, "task_bash"), tmp_path, environment)
    await until(lambda: (tmp_path / f"job-{job_id}.out").read_text() == "started\n")
    await run_in(DIRECT.cancel([job_id]), tmp_path, environment)
    job = await workstation.reached(job_id, JobState.CANCELLED)
    assert (job.name, job.signal) == ("a\nb\\", 9)
