"""What Slurm's releases from 20.11 to 25.05 were seen to print, each with where that is published, read by our formats.

Only the separators are ours: each value stands as the source shows it, and what a source does not show is empty.
"""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.errors import FirecrestError
from firecrest_gql.model.cluster import ComputeNode, Reservation
from firecrest_gql.model.jobs import Job, JobFilter, JobState, Partition
from firecrest_gql.model.tasks import CommandOutput
from firecrest_gql.schedulers.slurm.accounting import Accounting
from firecrest_gql.schedulers.slurm.attach import Attach
from firecrest_gql.schedulers.slurm.cluster import FIELDS as PARTITION_FIELDS
from firecrest_gql.schedulers.slurm.cluster import Partitions
from firecrest_gql.schedulers.slurm.inventory import FIELDS as NODE_FIELDS
from firecrest_gql.schedulers.slurm.inventory import Nodes, Reservations
from firecrest_gql.schedulers.slurm.live import FIELDS as LIVE_FIELDS
from firecrest_gql.schedulers.slurm.projects import Projects
from firecrest_gql.schedulers.slurm.queue import Queue
from firecrest_gql.schedulers.slurm.record import FIELDS as RECORD_FIELDS
from firecrest_gql.schedulers.slurm.scripts import Scripts
from firecrest_gql.schedulers.slurm.states import job_state
from tests.sizes import size

MANY = settings(max_examples=size(25, 10_000))
VALUE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
WORDS = st.sampled_from(
    (
        "Unknown",
        "None",
        "(null)",
        "N/A",
        "UNLIMITED",
        "INVALID",
        "1-02:03:04",
        "00:00.064",
        "0:9",
        "4294967294",
        "-1",
        "",
    )
)
DIGITS = st.text("0123456789", min_size=10, max_size=30) | st.just("9" * 5000)
FIELD = VALUE | WORDS | DIGITS | st.builds("{}{}{}".format, DIGITS, st.sampled_from("-:.K="), DIGITS)


def queue(**row: str) -> Job:
    """What we read where squeue tells of one job."""
    command = Queue("here", "u", JobFilter(all_users=True, job_ids=(row["JobArrayID"],)))
    output = "".join(row.get(name, "") + command.mark for name in LIVE_FIELDS) + "\n"
    [job] = command.parse(Result(0, output.encode(), b""))
    return job


def record(*rows: dict[str, str]) -> Job:
    """What we read where sacct tells of one job and its steps."""
    command = Accounting("here", "u", JobFilter(all_users=True, job_ids=(rows[0]["JobID"],)), usage=True)
    lines = ("".join(row.get(name, "") + command.mark for name in RECORD_FIELDS) + "\n" for row in rows)
    [job] = command.parse(Result(0, "".join(lines).encode(), b""))
    return job


def test_an_array_that_could_not_be_launched_is_held() -> None:
    """https://github.com/burrmill/burrmill/issues/15 (October 2020)."""
    job = queue(JobArrayID="80520_36", ArrayJobID="80520", ArrayTaskID="36", State="PENDING", TimeUsed="0:00")
    assert job.state is JobState.PENDING
    held = queue(
        JobArrayID="80520_36",
        ArrayJobID="80520",
        ArrayTaskID="36",
        State="PENDING",
        Reason="launch_failed_requeued_held",
        PriorityLong="0",
        TimeUsed="0:00",
        TimeLimit="UNLIMITED",
        StartTime="Unknown",
        EndTime="Unknown",
        Dependency="(null)",
        NodeList="(null)",
        Account="(null)",
    )
    assert (held.state, held.priority, held.time_limit_seconds) == (JobState.HELD, 0, None)
    assert (held.array_job_id, held.array_task_id, held.account, held.node_list) == ("80520", "36", None, None)


def test_a_pending_jobs_reason_may_have_blanks_and_commas() -> None:
    """https://github.com/reframe-hpc/reframe/issues/2411 (February 2022)."""
    job = queue(
        JobArrayID="8724936",
        State="PENDING",
        TimeUsed="0:00",
        TimeLimit="5:00",
        NumNodes="1",
        PriorityLong="689130",
        Reason="ReqNodeNotAvail, UnavailableNodes:r34n5",
    )
    assert (job.reason, job.time_limit_seconds, job.priority) == (
        "ReqNodeNotAvail, UnavailableNodes:r34n5",
        300,
        689_130,
    )


def test_a_step_that_srun_ended_by_a_signal_leaves_its_job_completed() -> None:
    """https://github.com/martius-lab/cluster_utils/issues/87 (April 2024)."""
    job = record(
        {"JobID": "239023", "NodeList": "galvani-cn001", "State": "COMPLETED", "ExitCode": "0:0", "Start": "1"},
        {"JobID": "239023.batch", "NodeList": "galvani-cn001", "State": "COMPLETED", "ExitCode": "0:0", "Start": "1"},
        {"JobID": "239023.extern", "NodeList": "galvani-cn001", "State": "COMPLETED", "ExitCode": "0:0", "Start": "1"},
        {"JobID": "239023.0", "NodeList": "galvani-cn001", "State": "CANCELLED", "ExitCode": "0:10", "Start": "1"},
    )
    assert job.usage is not None
    assert (job.state, job.exit_code) == (JobState.COMPLETED, 0)
    assert [(step.step_id.partition(".")[2], step.signal) for step in job.usage.steps] == [
        ("batch", None),
        ("extern", None),
        ("0", 10),
    ]


def test_the_most_memory_is_that_of_the_largest_step() -> None:
    """https://github.com/troycomi/reportseff/issues/73 (August 2025)."""
    steps = {"batch": "6044K", "extern": "1330K", "0": "39503310K", "1": "39538757K", "2": "38352353K"}
    rows = ({"JobID": f"7.{name}", "MaxRSS": size_, "State": "COMPLETED"} for name, size_ in steps.items())
    job = record({"JobID": "7", "State": "COMPLETED"}, *rows)
    assert job.usage is not None
    assert job.usage.max_memory == 39_538_757 * 2**10


def test_the_processors_time_is_told_in_milliseconds() -> None:
    """https://github.com/nebius/soperator/pull/321 (January 2025)."""
    job = record(
        {"JobID": "20", "JobName": "sleep", "NCPUS": "2", "TotalCPU": "00:00.004", "State": "FAILED"},
        {"JobID": "20.0", "JobName": "sleep", "MaxRSS": "5872K", "TotalCPU": "00:00.004", "State": "FAILED"},
    )
    assert job.usage is not None
    assert (job.cpu_count, job.usage.cpu_seconds, job.usage.max_memory) == (2, 0.004, 5872 * 2**10)


def test_a_job_cancelled_at_its_start_has_a_cut_state() -> None:
    """https://github.com/lanl/BEE/issues/889 (July 2024)."""
    job = record({"JobID": "15926486", "State": "CANCELLED+", "Elapsed": "00:00:00", "NodeList": "cn213"})
    assert (job.state, job.raw_state, job.elapsed_seconds) == (JobState.CANCELLED, "CANCELLED+", 0)


@pytest.mark.parametrize("state", ["SOMETHING_NEW", "", "COMPLETED_BY_MAGIC", "42"])
def test_a_state_of_a_later_release_is_unknown_and_told_as_it_is(state: str) -> None:
    for job in (queue(JobArrayID="7", State=state), record({"JobID": "7", "State": state})):
        assert (job.state, job.raw_state, job.final) == (JobState.UNKNOWN, state, False)


@MANY
@given(st.fixed_dictionaries(dict.fromkeys(LIVE_FIELDS, FIELD)))
def test_squeue_may_print_anything(row: dict[str, str]) -> None:
    job = queue(**{**row, "JobArrayID": "7"})
    assert (job.raw_state, job.state) == (row["State"], job_state(row["State"], row["Reason"]))


@MANY
@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(RECORD_FIELDS, FIELD)), min_size=1, max_size=3),
    st.sampled_from(("7", "7_4", "7+1", "7_[1-3]")),
)
def test_sacct_may_print_anything(rows: list[dict[str, str]], job_id: str) -> None:
    first, *steps = rows
    job = record(
        {**first, "JobID": job_id},
        *({**step, "JobID": f"{job_id}.{number}"} for number, step in enumerate(steps)),
    )
    assert job.usage is not None
    assert [step.step_id for step in job.usage.steps] == [f"{job_id}.{number}" for number in range(len(steps))]


@MANY
@given(st.lists(st.lists(FIELD, min_size=len(NODE_FIELDS), max_size=len(NODE_FIELDS)), max_size=4))
@example([["\n", *[""] * (len(NODE_FIELDS) - 1)]] * 2)
def test_sinfo_may_print_anything(rows: list[list[str]]) -> None:
    nodes, partitions = Nodes(), Partitions()
    found: dict[tuple[str, ...], list[ComputeNode] | list[Partition]] = {}
    for command, fields in ((nodes, NODE_FIELDS), (partitions, PARTITION_FIELDS)):
        lines = ("".join(value + command.mark for value in row[: len(fields)]) + "\n" for row in rows)
        found[fields] = command.parse(Result(0, "".join(lines).encode(), b""))
    assert [one.name for one in found[PARTITION_FIELDS]] == [row[0] for row in rows]
    assert [one.name for one in found[NODE_FIELDS]] == [*dict.fromkeys(row[0] for row in rows)]


@MANY
@given(st.binary(max_size=400), st.binary(max_size=200), st.integers(0, 255))
def test_no_answer_breaks_the_readers_of_scripts_projects_reservations_and_outputs(
    stdout: bytes, stderr: bytes, status: int
) -> None:
    scripts = Scripts(("1", "2_3", "4+0"))
    marked = stdout.replace(b"0", scripts.mark.encode())
    for command, output in (
        (scripts, marked),
        (Projects("u"), stdout),
        (Reservations(), b"ReservationName=" + stdout),
        (Attach("1", ("id",)), stdout),
    ):
        try:
            found = command.parse(Result(status, output, stderr))
        except FirecrestError:
            continue
        assert isinstance(found, dict | list | CommandOutput | Reservation)


SCRIPT = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=60)
LINE = "-" * 80
DECEIVING = f"#!\n{{}}\nBatch Script for 2\n{LINE}\nno"


@MANY
@given(
    st.lists(SCRIPT | SCRIPT.map(lambda text: f"#!\n{text}\nBatch Script for 2\n{LINE}\nno"), min_size=1, max_size=4)
)
def test_a_script_comes_back_whole_or_is_asked_for_alone_whatever_it_holds(scripts: list[str]) -> None:
    ids = [str(number) for number in range(1, len(scripts) + 1)]
    command = Scripts(tuple(ids))
    told = "".join(f"{command.mark}Invalid job id specified{command.mark}" for _ in ids)
    kept = "".join(f"Batch Script for {job_id}\n{LINE}\n{text}\n" for job_id, text in zip(ids, scripts, strict=True))
    found = command.parse(Result(0, (told + kept).encode(), b""))
    for job_id, text in zip(ids, scripts, strict=True):
        assert job_id not in found or found[job_id] == (None if text.strip() == "NONE" else text)
