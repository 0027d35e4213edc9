"""What Slurm of the releases from 20.11 to 25.11 prints, by recordings, manual pages and sources, each named."""

from pathlib import Path

import pytest

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, Conflict, ErrorCode, FirecrestError, NotFound, PermissionDenied
from firecrest_gql.model.cluster import ComputeNode
from firecrest_gql.model.jobs import FINAL_JOB_STATES, Job, JobFilter, JobSpec, JobState
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.schedulers.slurm.accounting import FIND_FIELDS, Accounting
from firecrest_gql.schedulers.slurm.cluster import FIELDS as PARTITION_FIELDS
from firecrest_gql.schedulers.slurm.failures import cancel_error, failure, refusal
from firecrest_gql.schedulers.slurm.inventory import FIELDS as NODE_FIELDS
from firecrest_gql.schedulers.slurm.inventory import Nodes
from firecrest_gql.schedulers.slurm.live import FIELDS as LIVE_FIELDS
from firecrest_gql.schedulers.slurm.record import FIELDS as RECORD_FIELDS
from firecrest_gql.schedulers.slurm.states import job_state
from firecrest_gql.schedulers.slurm.values import gpus, memory, seconds, text

SLURM = Slurm()
RECORDINGS = Path(__file__).parent / "recordings" / "slurm"

# job_state_string of https://github.com/SchedMD/slurm/blob/slurm-25.11/src/common/slurm_protocol_defs.c, and of
# the same file in the branches slurm-20.11, 21.08, 22.05, 23.02, 23.11, 24.05, 24.11 and 25.05.
EVERYWHERE = (
    *("PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED"),
    *("BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY", "COMPLETING", "STAGE_OUT", "CONFIGURING", "RESIZING", "REQUEUED"),
    *("REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "STOPPED", "REVOKED", "RESV_DEL_HOLD", "SIGNALING"),
)
IN_ONE_RELEASE = ("REQUEUED_CRON", "EXPEDITING")  # 20.11; 25.11

# What each program knows in all these releases: src/squeue/opts.c, src/sinfo/opts.c and src/sacct/sacct.c of the same
# branches, and the manual pages doc/man/man1/{squeue,sinfo,sacct}.1. A field that is new here has to be looked
# up there: one that 20.11 does not know needs another in its place.
SQUEUE = frozenset(
    {
        *("jobarrayid", "jobid", "arrayjobid", "arraytaskid", "name", "username", "state", "reason"),
        *("exit_code", "account", "partition", "qos", "prioritylong", "submittime", "starttime", "endtime"),
        *("timeused", "timelimit", "numnodes", "numcpus", "tres-alloc", "nodelist", "batchhost", "workdir"),
        *("stdin", "stdout", "stderr", "dependency", "comment"),
    }
)
SINFO = frozenset(
    {
        *("partitionname", "partition", "available", "nodes", "cpusstate", "time", "nodelist", "statelong"),
        *("memory", "allocmem", "features", "gres"),
    }
)
SACCT = frozenset(
    {
        *("jobid", "jobidraw", "jobname", "user", "state", "exitcode", "reason", "account", "partition"),
        *("qos", "priority", "submit", "start", "end", "elapsed", "elapsedraw", "timelimit", "timelimitraw"),
        *("nnodes", "allocnodes", "ncpus", "alloccpus", "alloctres", "reqtres", "reqmem", "nodelist"),
        *("workdir", "comment", "tresusageintot", "tresusageinmax", "tresusageinave", "tresusageouttot"),
        *("maxrss", "totalcpu", "cputimeraw", "ntasks", "averss"),
    }
)
SINCE_21_08 = {"StateComplete"}


def recorded(name: str) -> str:
    return (RECORDINGS / name).read_text()


@pytest.mark.parametrize("state", [*EVERYWHERE, *IN_ONE_RELEASE])
def test_the_state_of_every_release_is_known_whole_and_cut_to_ten_letters(state: str) -> None:
    assert job_state(state, None) is not JobState.UNKNOWN
    cut = state if len(state) <= 10 else f"{state[:9]}+"
    assert job_state(cut, None) in (job_state(state, None), JobState.UNKNOWN)


def test_a_requeued_job_is_not_final_whatever_the_release_calls_it() -> None:
    requeued = {"REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", *IN_ONE_RELEASE}
    assert not {job_state(state, None) for state in requeued} & FINAL_JOB_STATES


def test_every_field_that_we_ask_for_is_known_from_20_11_on_or_has_another_in_its_place() -> None:
    assert {name.lower() for name in LIVE_FIELDS} <= SQUEUE
    assert {name.lower() for name in {*PARTITION_FIELDS, *NODE_FIELDS} - SINCE_21_08} <= SINFO
    assert {name.lower() for name in (*RECORD_FIELDS, *FIND_FIELDS)} <= SACCT


def nodes(**values: str) -> list[ComputeNode]:
    """What the dialect reads where sinfo prints one node."""
    command = Nodes()
    row = {**dict.fromkeys(NODE_FIELDS, ""), "NodeList": "n1", "PartitionName": "p", **values}
    return command.parse(Result(0, ("".join(row[name] + command.mark for name in NODE_FIELDS) + "\n").encode(), b""))


@pytest.mark.parametrize(
    ("shown", "states"),
    [
        # https://github.com/aws/aws-parallelcluster-node/pull/350: of 20, and behind each what 21.08 says instead.
        ("DOWN*+CLOUD", ("DOWN", "CLOUD")),
        ("DOWN+CLOUD+NOT_RESPONDING", ("DOWN", "CLOUD", "NOT_RESPONDING")),
        ("MIXED#+CLOUD", ("MIXED", "CLOUD")),
        ("MIXED+CLOUD+NOT_RESPONDING+POWERING_UP", ("MIXED", "CLOUD", "NOT_RESPONDING", "POWERING_UP")),
        ("IDLE+CLOUD+POWER", ("IDLE", "CLOUD", "POWER")),
        # https://github.com/aws/aws-parallelcluster-node/pull/402
        ("IDLE+CLOUD+POWER_DOWN+POWERED_DOWN", ("IDLE", "CLOUD", "POWER_DOWN", "POWERED_DOWN")),
        # https://github.com/ROCm/spur/pull/755, of 25.11
        ("IDLE+MAINTENANCE+RESERVED", ("IDLE", "MAINTENANCE", "RESERVED")),
    ],
)
def test_a_nodes_states_are_words_without_signs(shown: str, states: tuple[str, ...]) -> None:
    assert nodes(StateComplete=shown.lower(), StateLong="idle")[0].states == states


def test_slurm_20_11_leaves_the_state_it_does_not_know_empty_and_tells_the_shorter_one() -> None:
    """_print_com_invalid of https://github.com/SchedMD/slurm/blob/slurm-20.11/src/sinfo/print.c"""
    assert nodes(StateComplete="", StateLong="drained*")[0].states == ("DRAINED",)


def accounted(**values: str) -> str:
    """sacct's row of these fields, the others empty."""
    plain = dict.fromkeys(RECORD_FIELDS, "")
    return "".join(value + "\x1f" for value in {**plain, "User": "me", **values}.values()) + "\n"


def read(*rows: str, usage: bool = False) -> list[Job]:
    command = Accounting("here", "me", JobFilter(job_ids=("239023", "239024", "348"), all_users=True), usage)
    return command.parse(Result(0, "".join(rows).replace("\x1f", command.mark).encode(), b""))


def test_a_completed_job_with_a_step_that_a_signal_ended() -> None:
    header, *lines = (line.split("|") for line in recorded("sacct-cancelled-steps.txt").splitlines())
    found = read(*(accounted(**dict(zip(header, line, strict=True)), Start="1") for line in lines), usage=True)
    assert [(job.job_id, job.state, job.exit_code) for job in found] == [
        ("239023", JobState.COMPLETED, 0),
        ("239024", JobState.COMPLETED, 0),
    ]
    steps = found[0].usage.steps if found[0].usage else ()
    assert [(step.state, step.signal) for step in steps if step.step_id.endswith("0")] == [(JobState.CANCELLED, 10)]
    assert len(steps) == 3


def test_a_job_cancelled_by_somebody_whose_limit_is_the_partitions() -> None:
    """https://github.com/troycomi/reportseff/issues/11"""
    told = {"JobID": "348", "JobIDRaw": "348", "State": "CANCELLED by 1001"}
    more = {"Timelimit": "Partition_Limit", "NNodes": "1", "Elapsed": "00:00:00"}
    [job] = read(accounted(**told, **{name: value for name, value in more.items() if name in RECORD_FIELDS}))
    assert (job.state, job.raw_state) == (JobState.CANCELLED, "CANCELLED by 1001")
    assert (job.time_limit_seconds, job.started_at, job.elapsed_seconds) == (None, None, 0)


def test_the_words_of_a_running_job() -> None:
    """https://github.com/tdegeus/GooseSLURM/issues/32"""
    assert (memory("cpu=1,mem=4G,node=1,billing=1"), gpus("cpu=1,mem=4G,node=1,billing=1")) == (4 * 2**30, None)
    assert (seconds("20:27:30"), seconds("2-00:00:00")) == (73_650, 172_800)
    assert [text(word) for word in ("None", "(null)", "N/A", "f006")] == [None, None, None, "f006"]


def test_reservations_on_one_line() -> None:
    found = SLURM.reservations().parse(Result(0, recorded("reservations.txt").encode(), b""))
    assert [(one.name, one.node_list, one.users, one.accounts) for one in found] == [
        ("root_3", "ALL", ("root",), ()),
        ("root_4", None, ("root",), ()),
        ("alan_6", "sun[000-003,007,010-013,017]", ("alan", "brenda"), ()),
        ("alan_9", "bgp[000x011,210x311]", ("-alan",), ("foo",)),
    ]


def test_a_site_without_accounting_keeps_no_comments_though_its_configuration_would() -> None:
    command = SLURM.recall()
    assert command is not None
    recall = command.parse(Result(0, recorded("config-20.11.txt").encode(), b""))
    assert not recall.accounted
    kept = recorded("config-20.11.txt").replace("accounting_storage/none", "accounting_storage/slurmdbd")
    assert command.parse(Result(0, kept.encode(), b"")).accounted


def test_an_estimate() -> None:
    """https://github.com/ARCHER2-HPC/archer2-docs/issues/350, where nobody had asked for seconds."""
    when, where = "2021-11-13T04:47:02", "nodes nid001294 in partition standard"
    printed = f"sbatch: Job 639625 to start at {when} using 256 processors on {where}\n"
    estimate = SLURM.estimate(JobSpec(script="#!/bin/sh\n")).parse(Result(0, b"", printed.encode()))
    assert (estimate.cpu_count, estimate.node_list, estimate.partition) == (256, "nid001294", "standard")


# In src/common/slurm_errno.c, src/api and src/common/slurm_persist_conn.c of the branches slurm-20.11 to slurm-25.11,
# word for word; and as users met them:
REJECTED = (
    # https://github.com/ArjunaCluster/ArjunaUsers/issues/17
    "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
    "sbatch: error: Batch job submission failed: Invalid partition name specified",
    "sbatch: error: Batch job submission failed: Requested node configuration is not available",
)
SILENT = (
    "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
    "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
    "squeue: error: Zero Bytes were transmitted or received",
    "sacct: error: Problem talking to the database: Connection refused",
    "slurm_load_jobs error: Slurm controller in standby mode",
    "slurm_update error: Protocol authentication error",
)
REFUSED: tuple[tuple[str, type[FirecrestError]], ...] = (
    ("Invalid job id specified", NotFound),
    ("Access/permission denied", PermissionDenied),
    ("Invalid user id", PermissionDenied),
    ("Job has already finished", Conflict),
    ("Job is pending execution", Conflict),
    ("Job is no longer pending execution", Conflict),
)


@pytest.mark.parametrize("words", REJECTED)
def test_a_rejection_is_in_sbatchs_words(words: str) -> None:
    with pytest.raises(FirecrestError) as caught:
        SLURM.submit(JobSpec(script="#!/bin/sh\n"), "task_1").parse(Result(1, b"", words.encode()))
    assert (caught.value.code, caught.value.message) == (
        ErrorCode.SCHEDULER_REJECTED,
        words.removeprefix("sbatch: error: "),
    )


@pytest.mark.parametrize("words", SILENT)
def test_silence_is_an_unavailable_system(words: str) -> None:
    assert failure(Result(1, b"", words.encode()), "squeue").code is ErrorCode.SYSTEM_UNAVAILABLE


@pytest.mark.parametrize(("words", "kind"), REFUSED)
def test_a_refusal_has_its_meaning(words: str, kind: type[FirecrestError]) -> None:
    assert isinstance(refusal(f"{words} for job 7"), kind)


@pytest.mark.parametrize("words", ["Invalid job id specified", "Job/step already completing or completed"])
def test_to_cancel_what_has_ended_is_no_error(words: str) -> None:
    assert cancel_error("7", words, ended_is_well=True) is None


def test_a_field_that_sacct_does_not_know_is_told_as_a_failure() -> None:
    """https://github.com/SchedMD/slurm/blob/slurm-25.05/src/sacct/options.c: with status 1, and nothing printed."""
    with pytest.raises(CommandFailed, match="Invalid field requested"):
        SLURM.accounting(JobFilter(), "me", "here").parse(
            Result(1, b"", b'sacct: error: Invalid field requested: "StdErr"\n')
        )
