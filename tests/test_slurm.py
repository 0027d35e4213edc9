"""What only a real Slurm shows: arrays, accounting, privacy, held jobs, a controller that is silent."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firecrest_gql.command import Command
from firecrest_gql.demo.slurm import USERS, running_slurm
from firecrest_gql.demo.slurm_daemons import prepare_database, run
from firecrest_gql.demo.slurm_folder import make_folders
from firecrest_gql.errors import Conflict, ErrorCode, SchedulerRejected, SystemUnavailable
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, JobState
from firecrest_gql.schedulers.slurm import Slurm
from tests.slurm import RealSlurm, real_slurm
from tests.waiting import until

pytestmark = pytest.mark.slurm

SLURM = Slurm()
SHORT = "#!/bin/sh\necho $SLURM_ARRAY_TASK_ID\n"
LONG = "#!/bin/sh\nsleep 600\n"


async def queue(slurm: RealSlurm, *ids: str, username: str = "fireuser", all_users: bool = False) -> list[Job]:
    wanted = JobFilter(job_ids=ids or None, all_users=all_users)
    return await slurm.run(SLURM.queue(wanted, username, "slurm"), username)


async def accounting(slurm: RealSlurm, *ids: str, username: str = "fireuser", all_users: bool = False) -> list[Job]:
    wanted = JobFilter(job_ids=ids or None, all_users=all_users)
    command = SLURM.accounting(wanted, username, "slurm")
    assert command is not None
    return await slurm.run(command, username)


async def submitted(slurm: RealSlurm, key: str, spec: JobSpec, username: str = "fireuser") -> str:
    return await slurm.run(SLURM.submit(spec, key), username)


async def all_ended(slurm: RealSlurm, job_id: str) -> list[Job]:
    async def so() -> bool:
        return all(job.final for job in await queue(slurm, job_id))

    await until(so)
    return await queue(slurm, job_id)


async def recorded(slurm: RealSlurm, job_id: str, count: int = 1) -> list[Job]:
    """The jobs in accounting, which comes a few seconds later."""

    async def so() -> bool:
        return len([job for job in await accounting(slurm, job_id) if job.final]) == count

    await until(so)
    return await accounting(slurm, job_id)


async def test_an_arrays_tasks_have_ids_outputs_and_ends_of_their_own(slurm: RealSlurm) -> None:
    array = await submitted(slurm, "task_array", JobSpec(name="tasks", script=SHORT, array="3-4,11"))
    tasks = sorted(await all_ended(slurm, array), key=lambda job: int(job.array_task_id or 0))
    assert [(job.job_id, job.array_job_id) for job in tasks] == [(f"{array}_{n}", array) for n in (3, 4, 11)]
    for job in tasks:
        assert Path(job.stdout_path or "").read_text() == f"{job.array_task_id}\n"  # noqa: ASYNC240
    assert await slurm.run(SLURM.find("task_array", "fireuser", "slurm")) == array
    assert [job.job_id for job in await queue(slurm, f"{array}_4")] == [f"{array}_4"]
    ended = await recorded(slurm, array, 3)
    assert {job.job_id for job in ended} == {f"{array}_{n}" for n in (3, 4, 11)}


async def test_the_waiting_rest_of_an_array_is_one_job_with_all_its_tasks_in_the_id(slurm: RealSlurm) -> None:
    listed = ",".join(str(number) for number in range(600) if number % 7 in (0, 2, 3))
    array = await submitted(slurm, "task_rest", JobSpec(script=LONG, array=f"{listed}%1"))

    async def begun() -> bool:
        return any(job.state is JobState.RUNNING for job in await queue(slurm, array))

    await until(begun)
    [rest] = [job for job in await queue(slurm, array) if job.state is JobState.PENDING]
    assert rest.job_id.startswith(f"{array}_[2-3,7,9-10,14")
    assert rest.job_id.endswith(",597-598%1]")
    assert await slurm.run(SLURM.cancel([f"{array}_598", f"{array}_[2-4]", array])) == {
        f"{array}_598": None,
        f"{array}_[2-4]": None,
        array: None,
    }
    assert {job.state for job in await all_ended(slurm, array)} == {JobState.CANCELLED}


async def test_the_waiting_rest_of_an_array_is_changed_by_its_own_id(slurm: RealSlurm) -> None:
    array = await submitted(slurm, "task_part", JobSpec(script=LONG, array="0-3%1", time_limit_seconds=7200))

    async def rests() -> list[str]:
        rows = await queue(slurm, array)
        begun = any(job.state is JobState.RUNNING for job in rows)
        return [job.job_id for job in rows if begun and job.state is JobState.PENDING]

    await until(rests)
    [rest] = await rests()
    await slurm.run(SLURM.update(rest, JobChange(time_limit_seconds=60)))
    assert {job.job_id: job.time_limit_seconds for job in await queue(slurm, array)} == {f"{array}_0": 7200, rest: 60}
    await slurm.run(SLURM.update(f"{array}_2", JobChange(name="one")))
    assert [job.name for job in await queue(slurm, f"{array}_2")] == ["one"]
    for wrong in (array, f"{array}_0", f"{array}_[0-3]"):
        with pytest.raises(Conflict, match=f"{array}_0 is RUNNING"):
            await slurm.run(SLURM.update(wrong, JobChange(time_limit_seconds=60)))
    [running] = await queue(slurm, f"{array}_0")
    assert running.time_limit_seconds == 7200
    await slurm.run(SLURM.cancel([array]))


async def test_the_waiting_rest_of_an_array_is_held_released_and_cancelled_by_the_id_that_is_told(
    slurm: RealSlurm,
) -> None:
    script = "#!/bin/sh\n#SBATCH --begin=now+1hour\n"
    array = await submitted(slurm, "task_told", JobSpec(script=script, array="0-3%2"))
    [rest] = [job.job_id for job in await queue(slurm, array)]
    assert rest.endswith("%2]")
    for act in (JobAct.HOLD, JobAct.RELEASE):
        assert await slurm.run(SLURM.act(act, [rest])) == {rest: None}
    assert await slurm.run(SLURM.cancel([rest])) == {rest: None}


async def test_what_was_held_stays_held_when_a_task_is_taken_out_of_it(slurm: RealSlurm) -> None:
    array = await submitted(slurm, "task_split", JobSpec(script="#!/bin/sh\n#SBATCH --hold\n", array="0-9"))
    for task in (7, 3, 5):
        assert await slurm.run(SLURM.cancel([f"{array}_{task}"])) == {f"{array}_{task}": None}
        for _ in range(3):
            states = {job.array_task_id: job.state for job in await queue(slurm, array) if not job.final}
            assert {*states.values()} == {JobState.HELD}, states
    await slurm.run(SLURM.act(JobAct.RELEASE, [f"{array}_9"]))
    assert [job.state for job in await queue(slurm, f"{array}_9")] != [JobState.HELD]
    await slurm.run(SLURM.cancel([array]))


async def test_accounting_tells_the_same_story_as_the_queue(slurm: RealSlurm) -> None:
    spec = JobSpec(name="a|b 'c'", script="#!/bin/sh\nexit 4\n", time_limit_seconds=90, memory=3 * 2**20)
    job_id = await submitted(slurm, "task_story", spec)
    [live] = await all_ended(slurm, job_id)
    [kept] = await recorded(slurm, job_id)
    same = ("job_id", "name", "user", "state", "exit_code", "signal", "partition", "submitted_at", "started_at")
    more = ("ended_at", "time_limit_seconds", "working_directory", "comment", "node_list", "cpu_count")
    for field in (*same, *more):
        assert getattr(live, field) == getattr(kept, field), field
    assert live.time_limit_seconds == 120  # Slurm counts in minutes
    assert live.submitted_at is not None
    assert abs(live.submitted_at - datetime.now(UTC)) < timedelta(minutes=5)
    since = datetime.now(UTC) - timedelta(hours=1)
    command = SLURM.find_accounted("task_story", "fireuser", since)
    assert command is not None
    assert await slurm.run(command) == job_id
    later = SLURM.find_accounted("task_story", "fireuser", datetime.now(UTC) + timedelta(hours=1))
    assert await slurm.run(later) is None


async def test_accounting_leaves_out_ids_that_it_does_not_know(slurm: RealSlurm) -> None:
    job_id = await submitted(slurm, "task_known", JobSpec(script=SHORT))
    await recorded(slurm, job_id)
    assert [job.job_id for job in await accounting(slurm, "987654", job_id, "987655_[1-2]")] == [job_id]
    assert await accounting(slurm, "987654") == []


async def test_users_see_their_own_jobs_and_the_service_account_sees_all(slurm: RealSlurm) -> None:
    own = await submitted(slurm, "task_own", JobSpec(script=SHORT))
    other = await submitted(slurm, "task_other", JobSpec(script=SHORT), "fireuser2")
    await all_ended(slurm, own)
    await recorded(slurm, own)
    for ask in (queue, accounting):
        assert await ask(slurm, other, username="fireuser", all_users=True) == []
        seen = await ask(slurm, own, other, username="firesvc", all_users=True)
        assert {job.job_id for job in seen} >= {own}
    assert {own, other} <= {job.job_id for job in await queue(slurm, username="firesvc", all_users=True)}
    outcome = (await slurm.run(SLURM.cancel([other])))[other]
    assert outcome is not None
    assert outcome.code is ErrorCode.NOT_FOUND


async def test_a_job_that_waits_for_a_release_is_held_and_one_for_a_dependency_pending(slurm: RealSlurm) -> None:
    script = "#!/bin/sh\n#SBATCH --hold\n"
    held = await submitted(slurm, "task_held", JobSpec(script=script))
    after = await submitted(slurm, "task_after", JobSpec(script=SHORT, dependency=f"afterok:{held}"))
    [job] = await queue(slurm, held)
    assert (job.state, job.raw_state, job.reason) == (JobState.HELD, "PENDING", "JobHeldUser")
    [job] = await queue(slurm, after)
    assert job.state is JobState.PENDING
    assert held in (job.dependency or "")
    outcomes = await slurm.run(SLURM.cancel([held, after]))
    assert outcomes == {held: None, after: None}
    [job] = await all_ended(slurm, held)
    assert (job.state, job.exit_code, job.started_at) == (JobState.CANCELLED, None, None)


async def test_directives_in_the_script_hold_where_nothing_else_was_asked(slurm: RealSlurm) -> None:
    script = "#!/bin/sh\n#SBATCH --job-name=inside --output=inside-%j-%x.txt --partition=xfer\necho out\n"
    job_id = await submitted(slurm, "task_directives", JobSpec(script=script))
    [job] = await all_ended(slurm, job_id)
    assert (job.name, job.partition) == ("inside", "xfer")
    assert job.stdout_path == f"/home/fireuser/inside-{job_id}-inside.txt"
    assert Path(job.stdout_path).read_text() == "out\n"  # noqa: ASYNC240


@pytest.mark.parametrize(
    ("directive", "environment", "told"),
    [
        ("", (), "login=here job=\n"),
        ("#SBATCH --export=NONE\n", (), "login= job=\n"),
        ("#SBATCH --export=NONE\n", (("JOBS_OWN", "a,LOGIN=x"),), "login=here job=a,LOGIN=x\n"),
    ],
)
async def test_the_logins_variables_are_the_jobs_unless_its_script_wants_none(
    slurm: RealSlurm, directive: str, environment: tuple[tuple[str, str], ...], told: str
) -> None:
    script = f'#!/bin/sh\n{directive}echo "login=$LOGIN job=$JOBS_OWN"\n'
    command = SLURM.submit(JobSpec(script=script, environment=environment), "task_export")
    job_id = await slurm.run(command, environment={**slurm.system.environment, "LOGIN": "here"})
    [job] = await all_ended(slurm, job_id)
    assert Path(job.stdout_path or "").read_text() == told  # noqa: ASYNC240


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (JobSpec(script=SHORT, partition="nosuch"), "Invalid partition"),
        (JobSpec(script=SHORT, constraint="nosuch"), "Invalid feature"),
        (JobSpec(script=SHORT, memory=2**50), "Memory specification"),
        (JobSpec(script=SHORT, array="9-1"), "Invalid job array"),
        (JobSpec(script="#!/bin/sh\r\n"), "DOS line breaks"),
    ],
    ids=str,
)
async def test_slurm_rejects_in_its_own_words(slurm: RealSlurm, spec: JobSpec, words: str) -> None:
    with pytest.raises(SchedulerRejected, match=words):
        await submitted(slurm, "task_rejected", spec)


async def test_partitions_and_version_are_the_clusters(slurm: RealSlurm) -> None:
    partitions = await slurm.run(SLURM.partitions())
    assert [(each.name, each.default, each.cpu_count, each.time_limit_seconds) for each in partitions] == [
        ("debug", True, 16, 86_400),
        ("xfer", False, 16, 21_600),
    ]
    assert (await slurm.run(SLURM.version()))[0].isdigit()


async def test_another_time_zone_of_the_cluster_changes_no_time(slurm: RealSlurm) -> None:
    job_id = await submitted(slurm, "task_zone", JobSpec(script=SHORT))
    [here] = await all_ended(slurm, job_id)
    await recorded(slurm, job_id)
    wanted = JobFilter(since=datetime.now(UTC) - timedelta(minutes=5))
    elsewhere = {**slurm.system.environment, "TZ": "Pacific/Kiritimati"}
    commands: list[Command[list[Job]] | None] = [
        SLURM.queue(wanted, "fireuser", "slurm"),
        SLURM.accounting(wanted, "fireuser", "slurm"),
    ]
    for command in commands:
        assert command is not None
        jobs = await slurm.run(command, environment=elsewhere)
        [there] = [job for job in jobs if job.job_id == job_id]
        assert (there.submitted_at, there.ended_at) == (here.submitted_at, here.ended_at)


async def test_a_frozen_controller_makes_the_system_unavailable_and_a_thawed_one_answers(tmp_path: Path) -> None:
    # A cluster of its own, whose clients give up soon.
    async with real_slurm(tmp_path, message_timeout=1) as slurm:
        slurm.system.freeze_controller()
        with pytest.raises(SystemUnavailable):
            await queue(slurm)
        slurm.system.resume_controller()
        assert await queue(slurm) == []


async def test_where_accounting_keeps_no_comments_the_dialect_says_so_and_finds_no_job_there(tmp_path: Path) -> None:
    async with real_slurm(tmp_path) as slurm:
        changed = ("sed", "-i", "s/job_comment,//", slurm.system.environment["SLURM_CONF"])
        await run(changed, slurm.system.environment)
        assert (await run(("scontrol", "reconfigure"), slurm.system.environment))[0] == 0
        assert not (await slurm.run(SLURM.recall())).accounted
        job_id = await submitted(slurm, "task_unkept", JobSpec(script=SHORT))
        await recorded(slurm, job_id)
        assert await slurm.run(SLURM.find("task_unkept", "fireuser", "slurm")) == job_id
        since = datetime.now(UTC) - timedelta(hours=1)
        assert await slurm.run(SLURM.find_accounted("task_unkept", "fireuser", since)) is None


async def test_the_end_takes_every_process_along_and_the_next_start_knows_the_jobs(tmp_path: Path) -> None:
    async with running_slurm(tmp_path, "ssh-ed25519 AAAA") as system:
        slurm = RealSlurm(system, None)
        job_id = await submitted(slurm, "task_end", JobSpec(script=LONG))
        await until(lambda: _running(slurm, job_id))
        mark = str(system.folder).encode()
        assert await asyncio.to_thread(_processes_with, mark)
    assert not await asyncio.to_thread(_processes_with, mark)
    async with running_slurm(tmp_path, "ssh-ed25519 AAAA") as system:
        slurm = RealSlurm(system, None)
        [job] = await recorded(slurm, job_id)
        assert job.state is JobState.CANCELLED
        assert await submitted(slurm, "task_next", JobSpec(script=SHORT)) > job_id
    shutil.rmtree(system.folder)
    assert set(USERS) < set(system.homes)


async def test_a_database_that_was_half_made_when_its_start_was_killed_is_made_anew(tmp_path: Path) -> None:
    folders = make_folders(tmp_path)
    try:
        for half in (folders.database, folders.database.with_suffix(".new")):
            half.mkdir(exist_ok=True)
            (half / "ibdata1").write_bytes(b"half")
        await prepare_database(folders)
        assert (folders.database / "mysql").is_dir()
    finally:
        shutil.rmtree(folders.top)


async def _running(slurm: RealSlurm, job_id: str) -> bool:
    return (await queue(slurm, job_id))[0].state is JobState.RUNNING


def _processes_with(mark: bytes) -> list[bytes]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment, line = ((process / name).read_bytes() for name in ("environ", "cmdline"))
        except OSError:
            continue
        if mark in environment or mark in line:
            found.append(line)
    return found
