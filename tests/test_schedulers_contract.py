"""What every dialect promises, kept by the real thing: the same examples for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from firecrest_gql.command import Command
from firecrest_gql.errors import Conflict, ErrorCode, InvalidInput, NotFound, SchedulerRejected, Unsupported
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, JobState
from firecrest_gql.schedulers.dialect import ACT_NEEDS, Feature, Scheduler
from firecrest_gql.schedulers.direct import Direct
from firecrest_gql.schedulers.slurm import Slurm
from tests.scheduler_commands import run_in, until
from tests.slurm import RealSlurm

T = TypeVar("T")

ODD_NAMES = (
    "a|b",
    "R&D 'x' \"y\"",
    "$(id) `id` \\n",
    "--wrap=x",
    "two\nlines",
    "é ü 漢",
    "%j %x",
    "tab\tend ",
    "\udcff\udcfe",
)


@dataclass(frozen=True)
class Site:
    """A workload manager, and a user of it."""

    dialect: Scheduler
    home: Path
    slurm: RealSlurm | None = None
    username: str = "fireuser"

    async def run(self, command: Command[T]) -> T:
        if self.slurm is None:
            return await run_in(command, self.home)
        return await self.slurm.run(command)

    async def submit(self, spec: JobSpec, key: str) -> str:
        return await self.run(self.dialect.submit(spec, key))

    async def job(self, job_id: str) -> Job:
        wanted = JobFilter(job_ids=(job_id,))
        [found] = await self.run(self.dialect.queue(wanted, self.username, "here"))
        return found

    async def reached(self, job_id: str, *states: JobState) -> Job:
        async def so() -> bool:
            return (await self.job(job_id)).state in states

        await until(so)
        return await self.job(job_id)


@pytest.fixture(params=["direct", pytest.param("slurm", marks=pytest.mark.slurm)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "direct":
        yield Site(Direct(), tmp_path)
    else:
        real: RealSlurm = request.getfixturevalue("slurm")
        yield Site(Slurm(), real.system.homes["fireuser"], real)


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return f"task_{abs(hash(request.node.name)):x}"[:40]


async def test_a_job_runs_and_is_seen_in_every_state(site: Site, key: str) -> None:
    go = f"go-{key}"
    script = f"#!/bin/sh\necho hello\nuntil test -e {go}; do sleep 0.1; done\necho done\n"
    assert await site.run(site.dialect.find(key, site.username, "here")) is None
    begun = datetime.now(UTC) - timedelta(seconds=2)
    job_id = await site.submit(JobSpec(name="hello", script=script), key)
    assert await site.run(site.dialect.find(key, site.username, "here")) == job_id
    job = await site.reached(job_id, JobState.RUNNING)
    assert (job.name, job.user, job.system, job.comment) == ("hello", site.username, "here", None)
    assert job.working_directory == str(site.home)
    assert job.submitted_at is not None
    assert job.started_at is not None
    assert begun <= job.submitted_at <= job.started_at <= job.observed_at
    assert (job.ended_at, job.exit_code) == (None, None)
    output = Path(job.stdout_path or "")

    async def greeted() -> bool:
        return output.read_text() == "hello\n"  # noqa: ASYNC240

    await until(greeted)
    (site.home / go).touch()
    job = await site.reached(job_id, JobState.COMPLETED)
    assert (job.exit_code, job.signal, job.final) == (0, None, True)
    assert job.ended_at is not None
    assert output.read_text() == "hello\ndone\n"  # noqa: ASYNC240
    assert await site.run(site.dialect.find(key, site.username, "here")) == job_id


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
async def test_a_name_of_any_characters_comes_back_as_it_was(site: Site, key: str, name: str) -> None:
    job_id = await site.submit(JobSpec(name=name, script="#!/bin/sh\n"), key)
    job = await site.reached(job_id, JobState.COMPLETED)
    assert (job.job_id, job.name) == (job_id, name)


async def test_arguments_variables_and_the_directory_reach_the_job_as_they_are(site: Site, key: str) -> None:
    folder = site.home / f"a 'folder' {key}"
    folder.mkdir()
    folder.chmod(0o777)
    values = {"COMMA": "1,PATH=/evil", "QUOTES": "'\"`$(id)", "LINES": "one\ntwo\n", "ODD": "\\n \udcff é", "EMPTY": ""}
    script = (
        '#!/bin/sh\npwd; printf "<%s>" "$@" "$COMMA" "$QUOTES" "$LINES" "$ODD" "$EMPTY" "${LC_ALL-unset}" "$PATH"\n'
    )
    spec = JobSpec(
        script=script,
        arguments=("a b", "-x", "", "c\nd"),
        working_directory=str(folder),
        stdout_path=f"{folder}/out %j.txt",
        environment=tuple(values.items()),
    )
    job_id = await site.submit(spec, key)
    job = await site.reached(job_id, JobState.COMPLETED, JobState.FAILED)
    assert job.stdout_path == f"{folder}/out {job_id}.txt"
    words = ["a b", "-x", "", "c\nd", *values.values(), "unset"]
    written = Path(job.stdout_path).read_bytes().decode("utf-8", "surrogateescape")  # noqa: ASYNC240
    assert written.startswith(f"{folder}\n" + "".join(f"<{word}>" for word in words))
    assert "/evil" not in written.rpartition("<")[2]


async def test_standard_error_goes_where_it_was_sent_and_else_with_the_output(site: Site, key: str) -> None:
    script = "#!/bin/sh\ncat; echo trouble >&2\n"
    (site.home / f"in-{key}").write_text("some input\n")
    together = await site.submit(JobSpec(script=script, stdin_path=f"{site.home}/in-{key}"), f"{key}a"[-40:])
    apart = await site.submit(JobSpec(script=script, stderr_path=f"{site.home}/%j.err"), f"{key}b"[-40:])
    job = await site.reached(together, JobState.COMPLETED)
    assert job.stdout_path == job.stderr_path
    assert Path(job.stdout_path or "").read_text() == "some input\ntrouble\n"  # noqa: ASYNC240
    job = await site.reached(apart, JobState.COMPLETED)
    assert job.stderr_path == f"{site.home}/{apart}.err"
    assert Path(job.stderr_path).read_text() == "trouble\n"  # noqa: ASYNC240


async def test_a_failed_job_tells_its_exit_code_and_a_killed_one_its_signal(site: Site, key: str) -> None:
    failed = await site.submit(JobSpec(script="#!/bin/sh\nexit 3\n"), f"{key}a"[-40:])
    killed = await site.submit(JobSpec(script="#!/bin/sh\nkill -9 $$\n"), f"{key}b"[-40:])
    job = await site.reached(failed, JobState.FAILED)
    assert (job.exit_code, job.signal) == (3, None)
    job = await site.reached(killed, JobState.FAILED)
    assert (job.exit_code, job.signal) == (None, 9)


async def test_cancelling_gives_a_result_for_each_id(site: Site, key: str) -> None:
    running = await site.submit(JobSpec(script="#!/bin/sh\nsleep 600\n"), f"{key}a"[-40:])
    ended = await site.submit(JobSpec(script="#!/bin/sh\n"), f"{key}b"[-40:])
    await site.reached(running, JobState.RUNNING)
    await site.reached(ended, JobState.COMPLETED)
    outcomes = await site.run(site.dialect.cancel([running, "987654", ended]))
    assert (outcomes[running], outcomes[ended]) == (None, None)
    assert outcomes["987654"] is not None
    assert outcomes["987654"].code is ErrorCode.NOT_FOUND
    job = await site.reached(running, JobState.CANCELLED)
    assert job.ended_at is not None
    assert (await site.job(ended)).state is JobState.COMPLETED


async def test_a_signal_reaches_the_script_and_its_children_and_ends_nothing_else(site: Site, key: str) -> None:
    script = "#!/bin/sh\ntrap 'echo got it; exit 5' USR1\necho ready\nwhile :; do sleep 0.1; done\n"
    job_id = await site.submit(JobSpec(script=script), key)
    output = Path((await site.reached(job_id, JobState.RUNNING)).stdout_path or "")

    async def ready() -> bool:
        return output.exists() and output.read_text() == "ready\n"  # noqa: ASYNC240

    await until(ready)
    assert await site.run(site.dialect.cancel([job_id], "USR1")) == {job_id: None}
    job = await site.reached(job_id, JobState.FAILED)
    assert job.exit_code == 5
    assert "got it" in output.read_text()  # noqa: ASYNC240
    outcome = (await site.run(site.dialect.cancel([job_id], "SIGUSR1")))[job_id]
    assert outcome is not None
    assert outcome.code is ErrorCode.CONFLICT


@pytest.mark.parametrize("act", JobAct)
def test_an_act_that_a_dialect_does_not_list_is_unsupported_naming_scheduler_and_feature(
    site: Site, act: JobAct
) -> None:
    feature = ACT_NEEDS[act]
    if feature in site.dialect.features:
        assert site.dialect.act(act, ["1"])
    else:
        with pytest.raises(Unsupported, match=f"{site.dialect.kind} .*{feature}"):
            site.dialect.act(act, ["1"])


async def test_held_jobs_start_once_they_are_released_and_a_requeued_one_again(site: Site, key: str) -> None:
    if not {Feature.HOLD, Feature.REQUEUE} <= site.dialect.features:
        pytest.skip(f"{site.dialect.kind} does not hold")
    blocker = await site.submit(JobSpec(script="#!/bin/sh\nsleep 600\n"), f"{key}a"[-40:])
    waiting = await site.submit(
        JobSpec(script="#!/bin/sh\nsleep 600\n", dependency=f"afterany:{blocker}"), f"{key}b"[-40:]
    )
    await site.reached(blocker, JobState.RUNNING)
    held = await site.run(site.dialect.act(JobAct.HOLD, [waiting, "987654"]))
    assert held[waiting] is None
    assert held["987654"] is not None
    assert held["987654"].code is ErrorCode.NOT_FOUND
    assert (await site.job(waiting)).state is JobState.HELD
    await site.run(site.dialect.cancel([blocker]))
    await site.reached(blocker, JobState.CANCELLED)
    assert (await site.job(waiting)).state is JobState.HELD
    assert await site.run(site.dialect.act(JobAct.RELEASE, [waiting])) == {waiting: None}
    begun = (await site.reached(waiting, JobState.RUNNING)).submitted_at
    assert await site.run(site.dialect.act(JobAct.REQUEUE, [waiting])) == {waiting: None}
    job = await site.reached(waiting, JobState.PENDING)
    assert job.submitted_at is not None
    assert begun is not None
    assert job.submitted_at > begun
    refused = (await site.run(site.dialect.act(JobAct.REQUEUE, [waiting])))[waiting]
    assert refused is not None
    assert (refused.code, "pending" in refused.message) == (ErrorCode.CONFLICT, True)
    assert await site.run(site.dialect.cancel([waiting])) == {waiting: None}
    await site.reached(waiting, JobState.CANCELLED)
    ended = (await site.run(site.dialect.act(JobAct.HOLD, [waiting])))[waiting]
    assert ended is not None
    assert ended.code is ErrorCode.CONFLICT


async def test_a_pending_job_changes_as_asked_or_not_at_all_and_a_running_one_never(site: Site, key: str) -> None:
    if Feature.UPDATE not in site.dialect.features:
        with pytest.raises(Unsupported, match=site.dialect.kind):
            site.dialect.update("1", JobChange(name="x"))
        return
    running = await site.submit(JobSpec(script="#!/bin/sh\nsleep 600\n"), f"{key}a"[-40:])
    waiting = await site.submit(JobSpec(script="#!/bin/sh\n", dependency=f"afterok:{running}"), f"{key}b"[-40:])
    await site.reached(running, JobState.RUNNING)
    for name in ODD_NAMES[:4]:
        await site.run(site.dialect.update(waiting, JobChange(name=name, time_limit_seconds=600)))
        job = await site.job(waiting)
        assert (job.name, job.time_limit_seconds) == (name, 600)
    with pytest.raises(SchedulerRejected, match="Invalid partition"):
        await site.run(site.dialect.update(waiting, JobChange(name="other", partition="nosuch")))
    assert (await site.job(waiting)).name == ODD_NAMES[3]
    with pytest.raises(Conflict, match="RUNNING"):
        await site.run(site.dialect.update(running, JobChange(name="other")))
    with pytest.raises(NotFound):
        await site.run(site.dialect.update("987654", JobChange(name="other")))
    await site.run(site.dialect.cancel([running, waiting]))


async def test_what_is_no_batch_script_is_rejected_in_the_schedulers_own_words(site: Site, key: str) -> None:
    with pytest.raises(SchedulerRejected, match="#!"):
        await site.submit(JobSpec(script="echo no interpreter\n"), key)
    with pytest.raises(SchedulerRejected, match="/no/such/script"):
        await site.submit(JobSpec(script_path="/no/such/script"), key)
    assert await site.run(site.dialect.find(key, site.username, "here")) is None


async def test_a_script_on_the_system_is_submitted_by_its_path(site: Site, key: str) -> None:
    file = site.home / f"a script; {key}.sh"
    file.write_text("#!/bin/sh\necho from a file: $1\n")
    job_id = await site.submit(JobSpec(script_path=str(file), arguments=("x",)), key)
    job = await site.reached(job_id, JobState.COMPLETED)
    assert Path(job.stdout_path or "").read_text() == "from a file: x\n"  # noqa: ASYNC240


async def test_unknown_ids_are_left_out_and_impossible_ones_refused(site: Site, key: str) -> None:
    job_id = await site.submit(JobSpec(script="#!/bin/sh\n"), key)
    wanted = JobFilter(job_ids=(job_id, "987654", "987655"))
    found = await site.run(site.dialect.queue(wanted, site.username, "here"))
    assert [job.job_id for job in found] == [job_id]
    assert await site.run(site.dialect.queue(JobFilter(job_ids=("987654",)), site.username, "here")) == []
    for bad in ("0", "-1", "1;id", "1 2", "$(id)", "1_[", "", "x", "1\n"):
        with pytest.raises(InvalidInput):
            site.dialect.queue(JobFilter(job_ids=(bad,)), site.username, "here")
        with pytest.raises(InvalidInput):
            site.dialect.cancel([bad])
        for act in JobAct:
            with pytest.raises((InvalidInput, Unsupported)):
                site.dialect.act(act, [bad])
        with pytest.raises((InvalidInput, Unsupported)):
            site.dialect.update(bad, JobChange(name="x"))


async def test_the_filter_chooses_among_the_jobs(site: Site, key: str) -> None:
    one = await site.submit(JobSpec(name=f"{key}-one", script="#!/bin/sh\n"), f"{key}a"[-40:])
    await site.submit(JobSpec(name=f"{key}-two", script="#!/bin/sh\nexit 1\n"), f"{key}b"[-40:])
    await site.reached(one, JobState.COMPLETED)
    for wanted in (
        JobFilter(name=f"{key}-one"),
        JobFilter(name=f"{key}-one", states=(JobState.COMPLETED,), since=datetime.now(UTC) - timedelta(hours=1)),
        JobFilter(name=f"{key}-one", users=(site.username, "somebody")),
    ):
        found = await site.run(site.dialect.queue(wanted, site.username, "here"))
        assert [job.job_id for job in found] == [one]
    for nothing in (
        JobFilter(name=f"{key}-one", states=(JobState.RUNNING,)),
        JobFilter(name=f"{key}-one", since=datetime.now(UTC) + timedelta(hours=1)),
        JobFilter(name=f"{key}-one", until=datetime.now(UTC) - timedelta(hours=1)),
        JobFilter(name=f"{key}-one", users=("somebody",)),
    ):
        assert await site.run(site.dialect.queue(nothing, site.username, "here")) == []


async def test_there_is_a_version_and_one_default_partition(site: Site) -> None:
    assert await site.run(site.dialect.version())
    partitions = await site.run(site.dialect.partitions())
    assert len([partition for partition in partitions if partition.default]) == 1
    assert all(partition.cpu_count and partition.state == "UP" for partition in partitions)
