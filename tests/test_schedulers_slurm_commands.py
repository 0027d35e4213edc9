"""What the Slurm dialect runs, and what it makes of refusals and silence."""

from datetime import UTC, datetime

import pytest

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, ErrorCode, InvalidInput, SchedulerRejected, SystemUnavailable
from firecrest_gql.model.jobs import JobAct, JobChange, JobFilter, JobSpec
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.schedulers.slurm.cancel import Cancel

SLURM = Slurm()


def test_accounting_asks_for_the_interval_in_utc_and_for_nothing_else_by_id() -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    argv = [*SLURM.accounting(JobFilter(since=since, until=since), "fireuser", "here").argv]
    assert argv[:3] == ["env", "TZ=UTC", "SLURM_TIME_FORMAT=%s"]
    assert "--starttime=2026-01-02T03:04:05" in argv
    assert "--endtime=2026-01-02T03:04:05" in argv
    argv = [*SLURM.accounting(JobFilter(job_ids=("7_[3-9]", "8+1"), all_users=True), "fireuser", "here").argv]
    assert "--jobs=7,8+1" in argv
    assert "--allusers" in argv
    assert not [word for word in argv if word.startswith("--starttime")]


def test_a_site_without_accounting_has_no_records() -> None:
    command = SLURM.accounting(JobFilter(), "fireuser", "here")
    assert command.parse(Result(1, b"", b"Slurm accounting storage is disabled\n")) == []


SILENT = b"slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"
COMMANDS = (
    SLURM.queue(JobFilter(), "fireuser", "here"),
    SLURM.accounting(JobFilter(), "fireuser", "here"),
    SLURM.find("task_1", "fireuser", "here"),
    SLURM.submit(JobSpec(script="#!/bin/sh\n"), "task_1"),
    SLURM.cancel(["1"]),
    SLURM.act(JobAct.HOLD, ["1"]),
    SLURM.update("1", JobChange(name="x")),
    SLURM.partitions(),
    SLURM.nodes(),
    SLURM.reservations(),
    SLURM.scripts(["1"]),
    SLURM.projects("fireuser"),
    SLURM.version(),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_silent_controller_is_an_unavailable_system_and_worth_a_retry(command: object) -> None:
    with pytest.raises(SystemUnavailable) as caught:
        command.parse(Result(1, b"", SILENT))  # type: ignore[attr-defined]
    assert caught.value.retryable


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_missing_program_is_told_with_the_way_out(command: object) -> None:
    with pytest.raises(CommandFailed, match="PATH that the settings give"):
        command.parse(Result(127, b"", b"env: 'squeue': No such file or directory\n"))  # type: ignore[attr-defined]


def test_a_rejection_is_in_sbatchs_own_words() -> None:
    words = (
        b"sbatch: error: invalid partition specified: nosuch\n"
        b"sbatch: error: Batch job submission failed: Invalid partition name specified\n"
    )
    with pytest.raises(SchedulerRejected) as caught:
        SLURM.submit(JobSpec(script="x"), "task_1").parse(Result(1, b"", words))
    assert caught.value.message == (
        "invalid partition specified: nosuch Batch job submission failed: Invalid partition name specified"
    )


def test_the_id_stands_before_the_clusters_name() -> None:
    command = SLURM.submit(JobSpec(script="x"), "task_1")
    assert command.parse(Result(0, b"12;alps\n", b"a warning")) == "12"
    with pytest.raises(CommandFailed):
        command.parse(Result(0, b"", b""))


def test_every_option_is_one_word_whatever_its_value() -> None:
    spec = JobSpec(
        script="x", name="--wrap=id", partition="-x", time_limit_seconds=90, memory=1, gpu_count=2, node_count=3
    )
    argv = SLURM.submit(spec, "task_1").argv
    assert {"--job-name=--wrap=id", "--partition=-x", "--time=1:30", "--mem=1K", "--gpus=2", "--nodes=3"} <= set(argv)
    assert "--comment=firecrest:task_1" in argv
    assert not [word for word in argv if word.startswith("--export")], "it is the script's to say"


def test_the_values_of_variables_are_in_no_argument_list() -> None:
    command = SLURM.submit(JobSpec(script="#!/bin/sh\n", environment=(("PASSWORD", "secret\n\\"),)), "task_1")
    assert not [word for word in command.argv if "secret" in word]
    assert "--export=ALL" in command.argv
    assert command.stdin.data == b"PASSWORD=secret\\n\\\\\n\n#!/bin/sh\n"
    assert "secret" not in repr(command)


@pytest.mark.parametrize(
    "name", ["PATH", "LD_PRELOAD", "SBATCH_EXPORT", "SLURM_CONF", "IFS", "FIRECREST_LINE", "1A", "A-B", "A=B", "", "é"]
)
def test_variables_that_would_act_on_the_scheduler_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(InvalidInput, match="environment variable"):
        SLURM.submit(JobSpec(script="x", environment=((name, "1"),)), "task_1")


@pytest.mark.parametrize(
    "spec",
    [
        JobSpec(),
        JobSpec(script="x", script_path="/x"),
        JobSpec(script="x\0"),
        JobSpec(script="x", name="a\0"),
        JobSpec(script="x", arguments=("\0",)),
        JobSpec(script="x", environment=(("A", "\0"),)),
        JobSpec(script="x", name=""),
        JobSpec(script="x", time_limit_seconds=0),
    ],
    ids=str,
)
def test_what_can_never_be_submitted_is_refused(spec: JobSpec) -> None:
    with pytest.raises(InvalidInput):
        SLURM.submit(spec, "task_1")


@pytest.mark.parametrize("key", ["", "Task", "a-b", "a" * 41, "a\n", "a b"])
def test_a_key_is_a_word_that_every_scheduler_can_carry(key: str) -> None:
    with pytest.raises(InvalidInput):
        SLURM.submit(JobSpec(script="x"), key)
    with pytest.raises(InvalidInput):
        SLURM.find(key, "fireuser", "here")


def test_user_names_that_would_be_lists_or_options_are_refused() -> None:
    for name in ("a,b", "-x", "", "a b", "root\n"):
        with pytest.raises(InvalidInput):
            SLURM.queue(JobFilter(users=(name,)), "fireuser", "here")


@pytest.mark.parametrize("job_id", ["1", "123_4", "123_[5-9]", "123_[1,3,5-9%2]", "123+1"])
def test_ids_of_every_form_are_taken(job_id: str) -> None:
    SLURM.queue(JobFilter(job_ids=(job_id,)), "fireuser", "here")
    assert SLURM.cancel([job_id]).argv[-1] == job_id.replace("%2", "")  # which scancel does not read


def test_signals_are_names_or_numbers() -> None:
    assert "--signal=USR1" in SLURM.cancel(["1"], "SIGUSR1").argv
    assert "--signal=KILL" in SLURM.cancel(["1"], "9").argv
    for bad in ("", "NOSUCH", "TERM -x", "0", "99"):
        with pytest.raises(InvalidInput):
            SLURM.cancel(["1"], bad)


def test_each_cancelled_job_has_an_outcome_of_its_own() -> None:
    command = Cancel(("1", "2_3", "4", "99"), "USR1")
    seen = "".join(
        f"{array_task}{command.mark}{array}{command.mark}\n"
        for array_task, array in (("1", "1"), ("2_3", "2"), ("4", "4"))
    )
    complaints = (
        b"scancel: error: Kill job error on job id 1: Invalid job id specified\n"
        b"scancel: error: Kill job error on job id 4: Access/permission denied\n"
    )
    outcomes = command.parse(Result(1, seen.encode(), complaints))
    codes = {job_id: outcome and outcome.code for job_id, outcome in outcomes.items()}
    assert codes == {
        "1": ErrorCode.CONFLICT,
        "2_3": None,
        "4": ErrorCode.PERMISSION_DENIED,
        "99": ErrorCode.NOT_FOUND,
    }
