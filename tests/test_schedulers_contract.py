"""What every dialect promises, kept by the real thing: the same examples for each."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from firecrest_gql.command import Command
from firecrest_gql.errors import Conflict, ErrorCode, InvalidInput, NotFound, SchedulerRejected, Unsupported
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, JobState
from firecrest_gql.schedulers.dialect import ACT_NEEDS, Feature, Scheduler, merge
from firecrest_gql.schedulers.direct import Direct
from firecrest_gql.schedulers.pbs import Pbs
from firecrest_gql.schedulers.slurm import Slurm
from tests.pbs.install import install
from tests.scheduler_commands import PATH, run_in
from tests.slurm import RealSlurm
from tests.waiting import until

T = TypeVar("T")

NOT_FOUND, CONFLICT = ErrorCode.NOT_FOUND, ErrorCode.CONFLICT
LONG = JobSpec(script="#!/bin/sh\nsleep 600\n")

ODD_NAMES = (
    "a|b",
    "R&D 'x' (1)#2",
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
    environment: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, str] = ("987654", "987655")
    """The ids of no jobs."""

    async def run(self, command: Command[T]) -> T:
        if self.slurm is None:
            return await run_in(command, self.home, self.environment)
        return await self.slurm.run(command)

    async def submit(self, spec: JobSpec, key: str) -> str:
        return await self.run(self.dialect.submit(spec, key))

    async def found(self, key: str) -> str | None:
        """Out of the queue, or of accounting where that alone tells of ended jobs."""
        since = datetime.now(UTC) - timedelta(days=1)
        accounted = None if self.slurm else self.dialect.find_accounted(key, self.username, since)
        live = await self.run(self.dialect.find(key, self.username, "here"))
        return live if live or accounted is None else await self.run(accounted)

    async def jobs(self, wanted: JobFilter) -> list[Job]:
        """The queue's, and accounting's as above."""
        accounting = None if self.slurm else self.dialect.accounting(wanted, self.username, "here")
        live = await self.run(self.dialect.queue(wanted, self.username, "here"))
        recorded: list[Job] = [] if accounting is None else await self.run(accounting)
        return merge(live, recorded)

    def require(self, *features: Feature) -> None:
        """Skip what this workload manager does not claim to do."""
        if missing := set(features) - self.dialect.features:
            pytest.skip(f"{self.dialect.kind} does not support {', '.join(missing)}")

    async def job(self, job_id: str) -> Job:
        [found] = await self.jobs(JobFilter(job_ids=(job_id,)))
        return found

    async def reached(self, job_id: str, *states: JobState) -> Job:
        async def so() -> bool:
            found = await self.jobs(JobFilter(job_ids=(job_id,)))
            return [job.state for job in found if job.job_id == job_id and job.state in states] != []

        await until(so, what=f"the job {job_id} is {states}")
        return await self.job(job_id)


async def clock_moves() -> None:
    """Returns in another second than it was called in: times of schedulers have no fractions."""
    called = int(time.time())
    await until(lambda: int(time.time()) > called)


@pytest.fixture(params=["direct", "pbs", pytest.param("slurm", marks=pytest.mark.slurm)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "direct":
        yield Site(Direct(), tmp_path)
    elif request.param == "pbs":
        (tmp_path / "home").mkdir()
        folder = install(tmp_path / "pbs")
        environment = {"PATH": f"{folder.bin}{os.pathsep}{PATH}", "LOGNAME": "fireuser", "TZ": "Asia/Tokyo"}
        yield Site(Pbs(), tmp_path / "home", environment=environment, unknown=("987654.pbs", "987655.pbs"))
        folder.clear()
    else:
        real: RealSlurm = request.getfixturevalue("slurm")
        yield Site(Slurm(), real.system.homes["fireuser"], real)


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return f"task_{abs(hash(request.node.name)):x}"[:40]


async def test_a_job_runs_and_is_seen_in_every_state(site: Site, key: str) -> None:
    go = f"go-{key}"
    script = f"#!/bin/sh\necho hello\nuntil test -e {go}; do sleep 0.1; done\necho done\n"
    assert await site.found(key) is None
    begun = datetime.now(UTC) - timedelta(seconds=2)
    job_id = await site.submit(JobSpec(name="hello", script=script), key)
    assert await site.found(key) == job_id
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
    assert await site.found(key) == job_id


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
async def test_a_name_of_any_characters_comes_back_as_it_was_or_is_refused(site: Site, key: str, name: str) -> None:
    if site.dialect.kind == "pbs":
        with pytest.raises(InvalidInput, match="name"):
            await site.submit(JobSpec(name=name, script="#!/bin/sh\n"), key)
        return
    job_id = await site.submit(JobSpec(name=name, script="#!/bin/sh\n"), key)
    job = await site.reached(job_id, JobState.COMPLETED)
    assert (job.job_id, job.name) == (job_id, name)


async def test_arguments_variables_and_the_directory_reach_the_job_as_they_are(site: Site, key: str) -> None:
    folder = site.home / f"a 'folder' {key}"
    folder.mkdir()
    folder.chmod(0o777)
    values = {"COMMA": "1,PATH=/evil", "QUOTES": "'\"`$(id)", "LINES": "one\ntwo\n", "ODD": "\\n \udcff é", "EMPTY": ""}
    script = (
        '#!/bin/sh\ncd "${PBS_O_WORKDIR:-.}"; pwd; '
        'printf "<%s>" "$@" "$COMMA" "$QUOTES" "$LINES" "$ODD" "$EMPTY" "${LC_ALL-unset}" "$PATH"\n'
    )
    arguments = ("a b", "-x", "", "c\nd") if Feature.ARGUMENTS in site.dialect.features else ()
    pattern = "%j" if site.dialect.kind != "pbs" else "%%"
    spec = JobSpec(
        script=script,
        arguments=arguments,
        working_directory=str(folder),
        stdout_path=f"{folder}/out {pattern}.txt",
        environment=tuple(values.items()),
    )
    job_id = await site.submit(spec, key)
    job = await site.reached(job_id, JobState.COMPLETED, JobState.FAILED)
    assert job.stdout_path == f"{folder}/out {job_id if pattern == '%j' else '%'}.txt"
    words = [*arguments, *values.values(), "unset"]
    written = Path(job.stdout_path).read_bytes().decode("utf-8", "surrogateescape")  # noqa: ASYNC240
    assert written.startswith(f"{folder}\n" + "".join(f"<{word}>" for word in words))
    assert "/evil" not in written.rpartition("<")[2]


async def test_standard_error_goes_where_it_was_sent_and_else_with_the_output(site: Site, key: str) -> None:
    script = "#!/bin/sh\ncat; echo trouble >&2\n"
    (site.home / f"in-{key}").write_text("some input\n")
    stdin = f"{site.home}/in-{key}" if Feature.STDIN in site.dialect.features else None
    together = await site.submit(JobSpec(script=script, stdin_path=stdin), f"{key}a"[-40:])
    apart = await site.submit(JobSpec(script=script, stderr_path=f"{site.home}/x.err"), f"{key}b"[-40:])
    job = await site.reached(together, JobState.COMPLETED)
    if site.dialect.kind != "pbs":  # which has a file of its own for each
        assert job.stdout_path == job.stderr_path
        assert Path(job.stdout_path or "").read_text() == "some input\ntrouble\n"  # noqa: ASYNC240
    job = await site.reached(apart, JobState.COMPLETED)
    assert job.stderr_path == f"{site.home}/x.err"
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
    outcomes = await site.run(site.dialect.cancel([running, site.unknown[0], ended]))
    assert (outcomes[running], outcomes[ended]) == (None, None)
    missing = outcomes[site.unknown[0]]
    assert missing is not None
    assert missing.code is ErrorCode.NOT_FOUND
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
        assert site.dialect.act(act, [site.unknown[0]])
    else:
        with pytest.raises(Unsupported, match=f"{site.dialect.kind} .*{feature}"):
            site.dialect.act(act, [site.unknown[0]])


async def test_held_jobs_start_once_they_are_released_and_a_requeued_one_again(site: Site, key: str) -> None:
    site.require(Feature.HOLD, Feature.REQUEUE, Feature.DEPENDENCIES)
    blocker = await site.submit(LONG, f"{key}a"[-40:])
    waiting = await site.submit(replace(LONG, dependency=f"afterany:{blocker}"), f"{key}b"[-40:])
    await site.reached(blocker, JobState.RUNNING)
    held = await site.run(site.dialect.act(JobAct.HOLD, [waiting, site.unknown[0]]))
    codes = {job_id: error and error.code for job_id, error in held.items()}
    assert codes == {waiting: None, site.unknown[0]: NOT_FOUND}
    assert (await site.job(waiting)).state is JobState.HELD
    refused = (await site.run(site.dialect.act(JobAct.REQUEUE, [waiting])))[waiting]
    assert refused is not None
    assert refused.code is CONFLICT
    await site.run(site.dialect.cancel([blocker]))
    await site.reached(blocker, JobState.CANCELLED)
    assert (await site.job(waiting)).state is JobState.HELD
    assert await site.run(site.dialect.act(JobAct.RELEASE, [waiting])) == {waiting: None}
    begun = (await site.reached(waiting, JobState.RUNNING)).submitted_at
    assert begun is not None
    if site.dialect.kind != "pbs":  # whose jobs keep the time of their submission
        await clock_moves()
    assert await site.run(site.dialect.act(JobAct.REQUEUE, [waiting])) == {waiting: None}

    async def submitted_anew() -> bool:
        return ((await site.job(waiting)).submitted_at or begun) > begun or site.dialect.kind == "pbs"

    await until(submitted_anew)
    await site.reached(waiting, JobState.PENDING, JobState.RUNNING)
    assert await site.run(site.dialect.cancel([waiting])) == {waiting: None}
    await site.reached(waiting, JobState.CANCELLED)
    ended = (await site.run(site.dialect.act(JobAct.HOLD, [waiting])))[waiting]
    assert ended is not None
    assert ended.code is CONFLICT


async def test_a_pending_job_changes_as_asked_or_not_at_all_and_a_running_one_never(site: Site, key: str) -> None:
    site.require(Feature.UPDATE, Feature.DEPENDENCIES)
    running = await site.submit(LONG, f"{key}a"[-40:])
    waiting = await site.submit(JobSpec(script="#!/bin/sh\n", dependency=f"afterok:{running}"), f"{key}b"[-40:])
    await site.reached(running, JobState.RUNNING)
    names = ODD_NAMES[:4] if site.dialect.kind != "pbs" else ("a.b", "c-d")
    for name in names:
        await site.run(site.dialect.update(waiting, JobChange(name=name, time_limit_seconds=600)))
        job = await site.job(waiting)
        assert (job.name, job.time_limit_seconds) == (name, 600)
    other = JobChange(name="other" if site.dialect.kind != "pbs" else None, partition="nosuch")
    with pytest.raises(SchedulerRejected, match=r"Invalid partition|Unknown queue"):
        await site.run(site.dialect.update(waiting, other))
    assert (await site.job(waiting)).name == names[-1]
    with pytest.raises(Conflict, match="RUNNING"):
        await site.run(site.dialect.update(running, JobChange(name="other")))
    with pytest.raises(NotFound):
        await site.run(site.dialect.update(site.unknown[0], JobChange(name="other")))
    await site.run(site.dialect.cancel([running, waiting]))


async def test_an_array_of_which_a_task_runs_is_not_changed_as_a_whole(site: Site, key: str) -> None:
    site.require(Feature.UPDATE, Feature.ARRAYS)
    array = await site.submit(replace(LONG, array="1-3%1", time_limit_seconds=7200), key)
    running = array.replace("[]", "[1]") if site.dialect.kind == "pbs" else f"{array}_1"
    await site.reached(running, JobState.RUNNING)
    with pytest.raises(Conflict, match="RUNNING"):
        await site.run(site.dialect.update(array, JobChange(time_limit_seconds=60)))
    assert {job.time_limit_seconds for job in await site.jobs(JobFilter(job_ids=(array,)))} == {7200}
    await site.run(site.dialect.cancel([array]))


@pytest.mark.parametrize(
    ("kind", "script", "outcome"),
    [
        ("afterok", "exit 0", JobState.COMPLETED),
        ("afterok", "exit 1", JobState.CANCELLED),
        ("afternotok", "exit 1", JobState.COMPLETED),
        ("afternotok", "exit 0", JobState.CANCELLED),
        ("afterany", "exit 1", JobState.COMPLETED),
        ("after", "sleep 600", JobState.COMPLETED),
    ],
)
async def test_a_job_waits_for_another_and_what_can_never_begin_says_why(
    site: Site, key: str, kind: str, script: str, outcome: JobState
) -> None:
    site.require(Feature.DEPENDENCIES)
    go = f"go-{key}"
    gate = f"#!/bin/sh\nuntil test -e {go}; do sleep 0.1; done\n"
    first = await site.submit(JobSpec(script=f"{gate}{script}\n"), f"{key}a"[-40:])
    waiting = await site.submit(JobSpec(script="#!/bin/sh\n", dependency=f"{kind}:{first}"), f"{key}b"[-40:])
    if kind != "after":
        job = await site.job(waiting)
        assert (job.state, first in (job.dependency or ""), job.started_at) == (JobState.PENDING, True, None)
        (site.home / go).touch()
    if outcome is JobState.COMPLETED:
        assert (await site.reached(waiting, JobState.COMPLETED)).exit_code == 0
    else:

        async def hopeless() -> bool:
            job = await site.job(waiting)
            return "DependencyNeverSatisfied" in (job.reason or "") or (site.dialect.kind == "pbs" and job.final)

        await until(hopeless)  # Slurm keeps it pending where `kill_invalid_depend` is not set
        assert (await site.job(waiting)).state in (JobState.CANCELLED, JobState.PENDING)
    await site.run(site.dialect.cancel([first, waiting]))


async def test_an_array_runs_each_task_with_its_number_and_no_more_at_once_than_asked(site: Site, key: str) -> None:
    site.require(Feature.ARRAYS)
    if site.dialect.kind == "pbs":
        pytest.skip("pbs has other ids and output patterns for an array's tasks")
    go = f"go-{key}"
    number = "${SLURM_ARRAY_TASK_ID:-${PBS_ARRAY_INDEX:-$FIRECREST_ARRAY_TASK_ID}}"
    script = f"#!/bin/sh\necho task {number}\nuntil test -e {go}; do sleep 0.1; done\nexit {number}\n"
    array = await site.submit(JobSpec(script=script, array="0-2%2", stdout_path=f"{site.home}/%A-%a.out"), key)
    await site.reached(f"{array}_0", JobState.RUNNING)
    await site.reached(f"{array}_1", JobState.RUNNING)
    everything = await site.run(site.dialect.queue(JobFilter(job_ids=(array,)), site.username, "here"))
    assert sum(job.state is JobState.RUNNING for job in everything) == 2
    assert {job.array_job_id for job in everything} == {array}
    (site.home / go).touch()
    ended = [await site.reached(f"{array}_{task}", JobState.COMPLETED, JobState.FAILED) for task in range(3)]
    assert [(job.array_job_id, job.array_task_id, job.exit_code) for job in ended] == [
        (array, str(task), task) for task in range(3)
    ]
    assert [(site.home / f"{array}-{task}.out").read_text() for task in range(3)] == [
        f"task {task}\n" for task in range(3)
    ]
    assert {job.stdout_path for job in ended} == {f"{site.home}/{array}-{task}.out" for task in range(3)}


async def test_a_task_of_an_array_is_cancelled_alone_and_an_array_as_a_whole(site: Site, key: str) -> None:
    site.require(Feature.ARRAYS)
    if site.dialect.kind == "pbs":
        pytest.skip("pbs has other ids for an array's tasks")
    number = "${SLURM_ARRAY_TASK_ID:-${PBS_ARRAY_INDEX:-$FIRECREST_ARRAY_TASK_ID}}"
    array = await site.submit(JobSpec(script=f"#!/bin/sh\n: >ran-{key}-{number}\nsleep 600\n", array="1-4%2"), key)
    await site.reached(f"{array}_1", JobState.RUNNING)
    assert await site.run(site.dialect.cancel([f"{array}_1", f"{array}_4"])) == {f"{array}_1": None, f"{array}_4": None}
    await site.reached(f"{array}_1", JobState.CANCELLED)
    for task in (2, 3):
        await site.reached(f"{array}_{task}", JobState.RUNNING)
    assert await site.run(site.dialect.cancel([array])) == {array: None}
    for task in (2, 3):
        await site.reached(f"{array}_{task}", JobState.CANCELLED)
    assert not (site.home / f"ran-{key}-4").exists()


async def test_a_job_that_is_only_checked_is_not_there(site: Site, key: str) -> None:
    site.require(Feature.ESTIMATES)
    estimate = await site.run(site.dialect.estimate(JobSpec(name=key, script="#!/bin/sh\n")))
    assert estimate.estimated_start_at is not None
    assert estimate.partition
    with pytest.raises(SchedulerRejected):
        await site.run(site.dialect.estimate(JobSpec(script="echo no interpreter\n")))
    assert await site.run(site.dialect.queue(JobFilter(name=key), site.username, "here")) == []


async def test_a_script_is_told_as_it_was_submitted(site: Site, key: str) -> None:
    site.require(Feature.SCRIPTS)
    job_id = await site.submit(LONG, key)
    scripts = await site.run(site.dialect.scripts([job_id, site.unknown[0]]))
    assert scripts == {job_id: LONG.script, site.unknown[0]: None}
    await site.run(site.dialect.cancel([job_id]))


async def test_what_is_no_batch_script_is_rejected_in_the_schedulers_own_words(site: Site, key: str) -> None:
    if site.dialect.kind != "pbs":  # which takes the login shell for an interpreter
        with pytest.raises(SchedulerRejected, match="#!"):
            await site.submit(JobSpec(script="echo no interpreter\n"), key)
    with pytest.raises(SchedulerRejected, match=r"/no/such/script|script file:: No such file"):
        await site.submit(JobSpec(script_path="/no/such/script"), key)
    assert await site.found(key) is None


async def test_a_script_on_the_system_is_submitted_by_its_path(site: Site, key: str) -> None:
    file = site.home / f"a script; {key}.sh"
    file.write_text("#!/bin/sh\necho from a file: $1\n")
    arguments = ("x",) if Feature.ARGUMENTS in site.dialect.features else ()
    job_id = await site.submit(JobSpec(script_path=str(file), arguments=arguments), key)
    job = await site.reached(job_id, JobState.COMPLETED)
    assert Path(job.stdout_path or "").read_text() == " ".join(("from a file:", *arguments)) + "\n"  # noqa: ASYNC240


async def test_unknown_ids_are_left_out_and_impossible_ones_refused(site: Site, key: str) -> None:
    job_id = await site.submit(JobSpec(script="#!/bin/sh\n"), key)
    wanted = JobFilter(job_ids=(job_id, site.unknown[0], site.unknown[1]))
    assert [job.job_id for job in await site.jobs(wanted)] == [job_id]
    assert await site.run(site.dialect.queue(JobFilter(job_ids=(site.unknown[0],)), site.username, "here")) == []
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
        assert [job.job_id for job in await site.jobs(wanted)] == [one]
    for nothing in (
        JobFilter(name=f"{key}-one", states=(JobState.RUNNING,)),
        JobFilter(name=f"{key}-one", since=datetime.now(UTC) + timedelta(hours=1)),
        JobFilter(name=f"{key}-one", until=datetime.now(UTC) - timedelta(hours=1)),
        JobFilter(name=f"{key}-one", users=("somebody",)),
    ):
        assert await site.jobs(nothing) == []


async def test_there_is_a_version_and_one_default_partition(site: Site) -> None:
    assert await site.run(site.dialect.version())
    partitions = await site.run(site.dialect.partitions())
    assert len([partition for partition in partitions if partition.default]) == 1
    assert all(partition.state == "UP" for partition in partitions)
    assert all(partition.cpu_count for partition in partitions) or site.dialect.kind == "pbs"  # whose queues share
