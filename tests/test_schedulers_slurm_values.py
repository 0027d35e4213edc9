"""Reading Slurm: its words for times, states, sizes and files, and fields that hold anything."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.model.jobs import Job, JobFilter, JobState
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.schedulers.slurm.accounting import Accounting
from firecrest_gql.schedulers.slurm.files import FIELDS as SHOWN_FIELDS
from firecrest_gql.schedulers.slurm.live import FIELDS
from firecrest_gql.schedulers.slurm.outputs import Identity, output_path
from firecrest_gql.schedulers.slurm.queue import Queue, bare_id
from firecrest_gql.schedulers.slurm.record import FIELDS as ACCOUNTING_FIELDS
from firecrest_gql.schedulers.slurm.records import records, token
from firecrest_gql.schedulers.slurm.states import STATES, job_state
from firecrest_gql.schedulers.slurm.values import cpu_seconds, exit_pair, memory, seconds, size, time, wait_status
from tests.sizes import size as sized

SLURM = Slurm()
HYPOTHESIS = settings(max_examples=sized(25, 10_000))
TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])

ROW = {
    "JobArrayID": "7",
    "JobID": "7",
    "ArrayJobID": "7",
    "ArrayTaskID": "N/A",
    "Name": "hello",
    "UserName": "fireuser",
    "State": "RUNNING",
    "Reason": "None",
    "exit_code": "0",
    "Account": "(null)",
    "Partition": "debug",
    "QOS": "normal",
    "PriorityLong": "4294901759",
    "SubmitTime": "1795369342",
    "StartTime": "1795369343",
    "EndTime": "1795455743",
    "TimeUsed": "1-00:00:59",
    "TimeLimit": "UNLIMITED",
    "NumNodes": "1",
    "NumCPUs": "2",
    "tres-alloc": "cpu=2,mem=1024M,node=1",
    "NodeList": "n1",
    "BatchHost": "n1",
    "WorkDir": "/home/fireuser",
    "STDIN": "/dev/null",
    "STDOUT": "/home/fireuser/slurm-7.out",
    "STDERR": "/home/fireuser/slurm-7.out",
    "Dependency": "(null)",
    "Comment": "task_1",
}


EVER = JobFilter(since=datetime.fromtimestamp(0, UTC))  # for what is told ended on one day, and today is another


def queue(*rows: dict[str, str], job_filter: JobFilter = EVER) -> list[Job]:
    """What the dialect reads where squeue prints these rows."""
    command = Queue("here", "fireuser", job_filter)
    text = "".join("".join(row[name] + command.mark for name in FIELDS) + "\n" for row in rows)
    return command.parse(Result(0, text.encode("utf-8", "surrogateescape"), b""))


def accounting(**changes: str) -> Job:
    """What the dialect reads where sacct prints one job."""
    plain = dict.fromkeys(ACCOUNTING_FIELDS, "")
    row = {**plain, "JobID": "7", "User": "fireuser", "State": "COMPLETED", "ExitCode": "0:0", **changes}
    command = Accounting("here", "fireuser", JobFilter(job_ids=("7",)))
    text = "".join(value + command.mark for value in row.values()) + "\n"
    [job] = command.parse(Result(0, text.encode(), b""))
    return job


@HYPOTHESIS
@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=())), min_size=3, max_size=3),
        max_size=5,
    )
)
def test_fields_come_back_whatever_they_hold(rows: list[list[str]]) -> None:
    fields = ("first", "second", "third")
    rows = [[str(number), *row[1:]] for number, row in enumerate(rows)]
    mark = token()
    output = "".join("".join(value + mark for value in row) + "\n" for row in rows)
    data = output.encode("utf-8", "surrogatepass")
    expected = [value.encode("utf-8", "surrogatepass") for row in rows for value in row]
    found = [value for record in records(data, mark, fields) for value in record.values()]
    assert [value.encode("utf-8", "surrogateescape") for value in found] == expected


@HYPOTHESIS
@given(st.binary(max_size=500))
def test_any_output_is_read_or_refused_but_breaks_nothing(output: bytes) -> None:
    queue_command, accounting_command = (
        Queue("here", "fireuser", JobFilter()),
        Accounting("here", "fireuser", JobFilter()),
    )
    assert queue_command.parse(Result(0, output, b"")) == []
    assert accounting_command.parse(Result(0, output, b"")) == []


@HYPOTHESIS
@given(st.fixed_dictionaries({name: st.text(TEXT, max_size=8) for name in FIELDS}))
def test_fields_of_any_content_make_a_job(row: dict[str, str]) -> None:
    whole = {**row, "JobArrayID": "7", "SubmitTime": "N/A", "EndTime": "N/A"}
    [job] = queue(whole, job_filter=JobFilter(job_ids=("7",)))
    assert (job.name, job.user) == (row["Name"], row["UserName"])


def test_a_token_begins_with_a_letter_for_squeue_takes_digits_for_a_width() -> None:
    assert all(token()[0].isalpha() for _ in range(100))
    assert token() != token()


def test_a_running_job_has_begun_and_has_no_end_although_squeue_prints_one() -> None:
    [job] = queue(ROW)
    assert job.state is JobState.RUNNING
    assert job.started_at == datetime.fromtimestamp(1795369343, UTC)
    assert (job.ended_at, job.exit_code, job.estimated_start_at) == (None, None, None)
    assert (job.elapsed_seconds, job.time_limit_seconds) == (86_459, None)
    assert (job.memory, job.cpu_count, job.priority) == (2**30, 2, 4_294_901_759)
    assert (job.account, job.dependency, job.reason, job.array_job_id) == (None, None, None, None)


def test_a_pending_jobs_start_is_an_estimate_and_its_exit_code_no_result() -> None:
    [job] = queue({**ROW, "State": "PENDING", "Reason": "BeginTime"})
    assert job.started_at is None
    assert job.estimated_start_at is not None
    assert (job.exit_code, job.reason) == (None, "BeginTime")


def test_an_ended_job_tells_its_end_and_its_exit() -> None:
    [job] = queue({**ROW, "State": "FAILED", "exit_code": "768"})
    assert (job.exit_code, job.signal) == (3, None)
    assert job.ended_at is not None


def test_an_arrays_tasks_and_their_waiting_rest_have_their_own_ids() -> None:
    task = {**ROW, "JobArrayID": "2_1", "JobID": "6", "ArrayJobID": "2", "ArrayTaskID": "1"}
    task["STDOUT"] = "/home/fireuser/slurm-6.out"
    rest = {**ROW, "JobArrayID": "2_[4-9%2]", "JobID": "2", "ArrayJobID": "2", "ArrayTaskID": "4-9%2"}
    rest["STDOUT"] = "/home/fireuser/slurm-2.out"
    one, others = queue(task, rest, job_filter=JobFilter(job_ids=("2",)))
    assert (one.job_id, one.array_job_id, one.array_task_id) == ("2_1", "2", "1")
    assert one.stdout_path == "/home/fireuser/slurm-2_1.out"
    assert (others.job_id, others.array_task_id, others.stdout_path) == ("2_[4-9%2]", "4-9%2", None)
    assert bare_id(others.job_id) == "2"


@pytest.mark.parametrize(
    ("shown", "task", "expected"),
    [
        ("/home/fireuser/slurm-7.out", "N/A", "/home/fireuser/slurm-7.out"),
        ("/home/fireuser/slurm-7.out", "4-9%2", "/home/fireuser/slurm-7_5.out"),
        ("/scratch/%A/%a-%x.txt", "4-9", "/scratch/7/5-a name.txt"),
        ("/scratch/%j-%N.txt", "N/A", "/scratch/7-n1.txt"),
        ("/dev/null", "4-9", "/dev/null"),
    ],
)
def test_the_files_of_a_job_are_known_from_how_squeue_showed_them(shown: str, task: str, expected: str) -> None:
    command = SLURM.shown("7")
    told = {**ROW, "ArrayTaskID": task, "STDOUT": shown}
    text = "".join(told[name] + command.mark for name in SHOWN_FIELDS) + "\n"  # type: ignore[attr-defined]
    kept = command.parse(Result(0, text.encode(), b""))
    assert kept is not None
    row = {"JobID": "7", "JobIDRaw": "7", "JobName": "a name", "NodeList": "n[1-3],m2"}
    one = accounting(**(row if task == "N/A" else {**row, "JobID": "7_5", "JobIDRaw": "12"}))
    assert SLURM.with_files(one, kept).stdout_path == expected


@pytest.mark.parametrize(
    ("raw", "reason", "state"),
    [
        ("CANCELLED by 1000", None, JobState.CANCELLED),
        ("OUT_OF_ME+", None, JobState.OUT_OF_MEMORY),
        ("CANCELLED+", None, JobState.CANCELLED),
        ("RE+", None, JobState.UNKNOWN),
        ("PENDING", "JobHeldUser", JobState.HELD),
        ("PENDING", "JobHeldAdmin", JobState.HELD),
        ("PENDING", "Priority", JobState.PENDING),
        ("RUNNING", "JobHeldUser", JobState.RUNNING),
        ("", None, JobState.UNKNOWN),
        ("SOMETHING_NEW", None, JobState.UNKNOWN),
    ],
)
def test_states_are_more_than_words(raw: str, reason: str | None, state: JobState) -> None:
    assert job_state(raw, reason) is state


@pytest.mark.parametrize(
    ("reason", "priority", "state"),
    [
        ("JobHeldUser", "0", JobState.HELD),
        ("JobHoldMaxRequeue", "0", JobState.HELD),
        ("None", "0", JobState.HELD),  # split off an array, and not looked at since
        ("JobHeldUser,JobArrayTaskLimit", "0", JobState.HELD),  # tasks of an array, shown as one
        ("JobHeldUser", "1", JobState.PENDING),  # released, and not looked at since
        ("BadConstraints", "0", JobState.PENDING),
        ("DependencyNeverSatisfied", "0", JobState.PENDING),
        ("None", "4294901759", JobState.PENDING),
        ("None", "", JobState.PENDING),
    ],
)
def test_a_pending_job_is_held_where_a_hold_took_its_priority(reason: str, priority: str, state: JobState) -> None:
    [job] = queue({**ROW, "State": "PENDING", "Reason": reason, "PriorityLong": priority})
    assert job.state is state


@pytest.mark.parametrize("name", STATES)
def test_a_state_cut_to_ten_letters_is_understood(name: str) -> None:
    cut = name if len(name) <= 10 else f"{name[:9]}+"
    assert job_state(cut, None) is STATES[name]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("0:59", 59),
        ("1:00", 60),
        ("1:02:03", 3723),
        ("1-02:03:04", 93_784),
        ("00:00.123", 0),
        *((word, None) for word in ("UNLIMITED", "Partition_Limit", "NOT_SET", "INVALID", "N/A", "", "1-2")),
    ],
)
def test_durations(raw: str, expected: int | None) -> None:
    assert seconds(raw) == expected


def test_processor_times_times_and_sizes() -> None:
    assert [cpu_seconds(raw) for raw in ("00:00.064", "1-00:00:01", "INVALID", "")] == [0.064, 86_401.0, None, None]
    assert [size(raw) for raw in ("5420K", "1.50G", "12", "", "?")] == [5420 * 2**10, 1536 * 2**20, 12, None, None]
    assert [time(raw) for raw in ("Unknown", "None", "N/A", "", "0")] == [None] * 5
    assert time("1") == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert memory("billing=1,cpu=1,mem=1536M,node=1") == 1536 * 2**20
    assert memory("cpu=1,mem=1.50G") == 1536 * 2**20
    assert memory("mem=3K") == 3072
    assert memory("cpu=1,gres/gpumem=3G") is None


def test_exit_codes_and_signals() -> None:
    assert [exit_pair(raw) for raw in ("3:0", "0:9", "0:0", "")] == [(3, None), (None, 9), (0, None), (None, None)]
    assert [wait_status(raw) for raw in ("768", "9", "0", "N/A")] == [(3, None), (None, 9), (0, None), (None, None)]


IDENTITY = Identity("28", "24", "3", "na", "fireuser", "vm.example.org", "/d")


@pytest.mark.parametrize(
    ("shown", "path"),
    [
        # Taken from files that Slurm 22.05 made.
        ("/d/A%%_%j_%5j_%A_%4A_%a_%3a_%b_%J_%5J_%N_%3N_%n_%2n", "/d/A%_28_00028_24_0024_3_003_%b_28_00028_vm_vm_0_00"),
        ("/d/%s_%2s_%t_%3t_%u_%x_%q_%3x.o", "/d/batch_batch_0_000_fireuser_na_%q_na.o"),
        ("/d/%0j-%12j", "/d/28-0000000028"),
        ("/d/D\\%j-%j", "/d/D%j-%j"),
        ("/d/E\\\\F-%j", "/d/E\\F-%j"),
        ("/d/slurm-28.out", "/d/slurm-24_3.out"),
        ("/dev/null", "/dev/null"),
        ("(null)", None),
    ],
)
def test_an_output_pattern_becomes_the_name_that_slurm_gives(shown: str, path: str | None) -> None:
    assert output_path(shown, IDENTITY) == path


def test_the_output_of_a_job_without_a_node_is_not_guessed() -> None:
    pending = Identity("28", "28", None, "na", "fireuser", None, "/d")
    assert output_path("/d/%N.out", pending) is None
    assert output_path("/d/%j-%a.out", pending) == "/d/28-4294967294.out"


def test_accounting_reads_the_same_job() -> None:
    job = accounting(JobName="a|b", State="CANCELLED by 1000", ExitCode="0:15", Start="20", End="30", NodeList="n1")
    assert (job.state, job.raw_state, job.signal, job.exit_code) == (
        JobState.CANCELLED,
        "CANCELLED by 1000",
        15,
        None,
    )
    assert job.ended_at == datetime.fromtimestamp(30, UTC)
    running = accounting(State="RUNNING", Start="20", End="Unknown", NodeList="None assigned", Timelimit="00:01:00")
    assert (running.ended_at, running.exit_code, running.node_list, running.time_limit_seconds) == (
        None,
        None,
        None,
        60,
    )


def test_a_job_cancelled_while_it_waited_has_never_begun_although_slurm_prints_a_start() -> None:
    for job in (
        queue({**ROW, "State": "CANCELLED", "NodeList": ""})[0],
        accounting(State="CANCELLED by 1000", Start="20", End="20", NodeList="None assigned"),
    ):
        assert (job.started_at, job.exit_code, job.signal) == (None, None, None)
        assert job.ended_at is not None
