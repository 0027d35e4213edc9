"""What PBS of several releases printed, each recording with its source; and anything else that it could print."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.errors import Conflict, ErrorCode, FirecrestError, NotFound, SystemUnavailable
from firecrest_gql.model.cluster import ComputeNode, Reservation
from firecrest_gql.model.jobs import Job, JobAct, JobChange, JobFilter, JobSpec, JobState, Partition
from firecrest_gql.schedulers.pbs import Pbs
from firecrest_gql.schedulers.pbs.document import below, section, text
from firecrest_gql.schedulers.pbs.failures import failure, refusal
from firecrest_gql.schedulers.pbs.jobs import live_job
from firecrest_gql.schedulers.pbs.outputs import output_paths
from firecrest_gql.schedulers.pbs.states import STATES, job_state
from firecrest_gql.schedulers.pbs.values import exit_pair, seconds, size, time
from tests.sizes import size as sized

PBS = Pbs()
RECORDINGS = Path(__file__).parent / "recordings"
EVERYBODY = JobFilter(all_users=True)
HYPOTHESIS = settings(max_examples=sized(50, 10_000))


def recorded(name: str) -> Result:
    """What was printed, with status 0."""
    return Result(0, (RECORDINGS / "pbs" / name).read_bytes(), b"")


def jobs(name: str, wanted: JobFilter = EVERYBODY) -> list[Job]:
    return PBS.accounting(wanted, "me", "here").parse(recorded(name))


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_every_recording_has_its_source() -> None:
    told = (RECORDINGS / "README.md").read_text(encoding="utf-8")
    files = [file for file in RECORDINGS.rglob("*") if file.is_file() and file.name != "README.md"]
    assert files
    assert [file.name for file in files if f"`{file.relative_to(RECORDINGS)}` | " not in told] == []


def test_a_job_that_is_about_to_run_on_two_nodes_with_its_outputs_joined() -> None:
    [job] = jobs("qstat-19.0.0.json", JobFilter(users=("jan_brezina",), since=at(2022, 10, 1)))
    assert (job.job_id, job.name, job.user) == ("12860476.meta-pbs.metacentrum.cz", "swrap_01", "jan_brezina")
    assert (job.state, job.raw_state, job.exit_code) == (JobState.CONFIGURING, "R", None)
    assert (job.node_list, job.node_count, job.cpu_count) == ("charon24,charon21", 2, 4)
    assert (job.memory, job.time_limit_seconds) == (8 * 2**30, 60)
    assert job.submitted_at == at(2022, 10, 4, 21, 23, 20)
    assert job.working_directory is not None
    assert job.stdout_path == job.stderr_path == f"{job.working_directory}/swrap_01.o12860476"


def test_an_ended_job_tells_its_end_and_what_it_used() -> None:
    [job] = jobs("qstat-22.05.11.json", JobFilter(all_users=True, since=at(2022, 10, 1)))
    assert (job.state, job.exit_code, job.signal, job.final) == (JobState.COMPLETED, 0, None, True)
    assert job.ended_at == at(2022, 10, 11, 8, 13, 47)
    assert job.usage is not None
    assert (job.usage.max_memory, job.usage.cpu_seconds) == (7060 * 2**10, 1234 * 3600 + 56 * 60 + 78)
    assert (job.stdout_path, job.stderr_path) == ("/home/pbsuser/testname.o0", "/home/pbsuser/testname.e0")
    assert job.reason == "Job run at Tue Oct 11 at 08:13 on (725ccdf1a5fb:ncpus=1) and finished"
    assert (job.dependency or "").startswith("beforeany:1014.905bfe60ad67")


def test_a_document_that_is_no_json_is_read_all_the_same() -> None:
    with pytest.raises(ValueError, match="double quotes"):
        json.loads(recorded("qstat-2022.0.0.json").stdout)
    [job] = jobs("qstat-2022.0.0.json")
    assert (job.job_id, job.state, job.exit_code) == ("2154.edtb-01.mcp.alcf.anl.gov", JobState.COMPLETED, 0)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        # https://github.com/openpbs/openpbs/issues/1255
        ('                "foo":005,', "foo", "005"),
        # https://github.com/openpbs/openpbs/pull/2049
        ('"MYVAR":"\\\'\\"asads\\"\\\'"', "MYVAR", "'\"asads\"'"),
        ('"MYVAR2":"/home/pbstest01/Mo\\\\\\\'",', "MYVAR2", "/home/pbstest01/Mo\\'"),
        # https://github.com/openpbs/openpbs/pull/830
        (
            '"comment":"reboot "zaskly sdileny scratch" (Sep 04)",',
            "comment",
            'reboot "zaskly sdileny scratch" (Sep 04)',
        ),
    ],
)
def test_values_that_older_releases_do_not_escape(line: str, name: str, value: str) -> None:
    whole = f'{{\n"Jobs":{{\n"1.pbs":{{\n"Variable_List":{{\n{line}\n"Z":"z"\n}},\n"queue":"workq"\n}}\n}}\n}}\n'
    job = section(whole.encode(), "Jobs")["1.pbs"]
    assert below(job, "Variable_List") == {name: value, "Z": "z"}
    assert text(job, "queue") == "workq"


def test_a_part_with_quotes_spoils_nothing_around_it() -> None:
    part = recorded("pbsnodes-quotes.json").stdout.decode()
    whole = f'{{\n"nodes":{{\n"n1":{{\n"state":"offline,down",\n"resources_available":{{\n{part}"pcpus":8\n}}\n}}\n}}\n'
    [node] = PBS.nodes().parse(Result(0, whole.encode(), b""))
    assert (node.name, node.states, node.cpu_count) == ("n1", ("OFFLINE", "DOWN"), 8)


def test_several_beginnings_of_jobs_and_several_documents_are_one_list() -> None:
    """https://github.com/openpbs/openpbs/pull/585; and each document begins anew where a program printed several."""
    begun = '{\n"timestamp":1,\n"Jobs":{\n"1.pbs":{\n"job_state":"R"\n},\n"Jobs":{\n"2.pbs":{\n"job_state":"Q"\n}\n}\n'
    assert list(section(begun.encode(), "Jobs")) == ["1.pbs", "2.pbs"]
    twice = b'{"Jobs":{"1.pbs":{"job_state":"R"}}}\n{"Jobs":{"2.pbs":{"job_state":"Q"}}}\n'
    assert list(section(twice, "Jobs")) == ["1.pbs", "2.pbs"]


def test_a_server_without_jobs_leaves_them_out() -> None:
    """https://github.com/openpbs/openpbs/pull/2675 shows such a document, of 23.06.06."""
    printed = b'{\n\t"timestamp":\t1749572608,\n\t"pbs_version":\t"23.06.06",\n\t"pbs_server":\t"VMa"\n}\n'
    assert PBS.queue(EVERYBODY, "me", "here").parse(Result(0, printed, b"")) == []


def test_queues() -> None:
    assert PBS.partitions().parse(recorded("queues-19.0.0.json")) == [
        Partition(name="workq", default=False, state="UP")
    ]
    [quick] = PBS.partitions().parse(recorded("queues-2021.1.3.json"))
    assert quick == Partition(name="quick", default=False, state="UP", time_limit_seconds=4 * 3600)


def test_a_reservation() -> None:
    """The values of https://github.com/openpbs/openpbs/pull/2632, printed as src/cmds/pbs_rstat.c prints them."""
    printed = (
        "Resv ID: S2.ub22-single\nReserve_Name = NULL\nReserve_Owner = pbsuser@ub22-single\n"
        "reserve_state = RESV_FINISHED\nreserve_start = Wed Mar 13 14:59:00 2024\n"
        "reserve_end = Wed Mar 13 15:01:00 2024\nreserve_duration = 120\nqueue = S2\nResource_List.ncpus = 4\n"
        "resv_nodes = (ub22-single:ncpus=4)\nAuthorized_Users = pbsuser@ub22-single\n\n"
    )
    assert PBS.reservations().parse(Result(0, printed.encode(), b"")) == [
        Reservation(
            name="S2",
            state="FINISHED",
            starts_at=at(2024, 3, 13, 14, 59),
            ends_at=at(2024, 3, 13, 15, 1),
            node_list="ub22-single",
            users=("pbsuser",),
        )
    ]


def test_the_server_is_asked_for_no_more_than_is_wanted() -> None:
    own = [*PBS.queue(JobFilter(), "me", "here").argv]
    assert own[-3:] == ["", "-u", "me"]
    assert [*PBS.queue(EVERYBODY, "me", "here").argv] == ["env", "TZ=UTC", "qstat", "-f", "-t", "-F", "json"]
    since = JobFilter(since=at(2024, 3, 13, 14, 59, 1), users=("a", "b"))
    ended = [*PBS.accounting(since, "me", "here").argv]
    assert ended[-5:] == ["-x", "-H", "-u", "a,b", "-tm.ge.202403131459.01"]


def test_a_name_that_comes_twice_replaces_or_adds() -> None:
    """https://github.com/openpbs/openpbs/issues/2677"""
    printed = b'{"Queue":{"a":{"max_queued":"[o:PBS_ALL=10]","max_queued":"[u:tom=15]","r":{"x":1},"r":{"y":2}}}}'
    queue = section(printed, "Queue")["a"]
    assert (text(queue, "max_queued"), below(queue, "r")) == ("[u:tom=15]", {"x": "1", "y": "2"})


# Of https://github.com/openpbs/openpbs/blob/master/src/lib/Liblog/pbs_messages.c and, in whole:
WORDS: tuple[tuple[int, str, ErrorCode], ...] = (
    # https://github.com/RIKEN-RCCS/OpenComposer/pull/9
    (153, "qstat: Unknown Job Id 256.sod-pbs", ErrorCode.NOT_FOUND),
    # https://github.com/openpbs/openpbs/blob/master/src/cmds/qstat.c
    (35, "qstat: 5.pbs Job has finished, use -x or -H to obtain historical job information", ErrorCode.CONFLICT),
    (35, "qdel: Job has finished", ErrorCode.CONFLICT),
    (159, "qrerun: Unauthorized Request  5.pbs", ErrorCode.PERMISSION_DENIED),
    (168, "qrerun: Request invalid for state of job 5.pbs", ErrorCode.CONFLICT),
    (170, "qmove: Unknown queue 5.pbs", ErrorCode.SCHEDULER_REJECTED),
    (1, "qsub: script file:: No such file or directory", ErrorCode.SCHEDULER_REJECTED),
    (188, "qsub: Job violates queue and/or server resource limits", ErrorCode.SCHEDULER_REJECTED),
    (255, "qstat: cannot connect to server pbs (errno=15010)", ErrorCode.SYSTEM_UNAVAILABLE),
    (127, "sh: 1: qsub: not found", ErrorCode.COMMAND_FAILED),
)


@pytest.mark.parametrize(("status", "words", "code"), WORDS, ids=[words for _, words, _ in WORDS])
def test_words_have_their_meaning(status: int, words: str, code: ErrorCode) -> None:
    assert refusal(status, words, "qdel").code is code


def test_the_usage_behind_a_refusal_is_not_part_of_its_words() -> None:
    said = "qsub: illegal -J value\nusage: qsub [-a date_time] [-A account_string]\n\t[-c interval]\n"
    assert refusal(2, said, "qsub").message == "illegal -J value"


def test_unknown_and_finished_ids_are_left_out_and_a_silent_server_is_told() -> None:
    command = PBS.queue(JobFilter(job_ids=("1.pbs",)), "me", "here")
    for words in (WORDS[0][1], WORDS[1][1]):
        assert command.parse(Result(153, b'{"timestamp":1}', words.encode())) == []
    with pytest.raises(SystemUnavailable):
        command.parse(Result(255, b"", WORDS[-2][1].encode()))
    told = b"qstat: PBS is not configured to maintain job history\n"  # with status 0: qstat.c
    assert PBS.accounting(EVERYBODY, "me", "here").parse(Result(0, b"", told)) == []


def test_a_change_of_a_job_that_is_gone_or_has_begun() -> None:
    command = PBS.update("5.pbs", JobChange(name="x"))
    with pytest.raises(NotFound):
        command.parse(Result(153, b"", b"qstat: Unknown Job Id 5.pbs\n"))
    with pytest.raises(Conflict, match="RUNNING"):
        command.parse(Result(3, b"R\n", b""))


def test_each_job_has_the_outcome_of_its_own_line() -> None:
    command = PBS.cancel(["1.pbs", "2.pbs", "3[].pbs"])
    printed = b"0 1.pbs \n35 2.pbs qdel: Job has finished\n153 3[].pbs qdel: Unknown Job Id 3[].pbs\n"
    outcomes = command.parse(Result(0, printed, b""))
    assert {job_id: error and error.code for job_id, error in outcomes.items()} == {
        "1.pbs": None,
        "2.pbs": None,
        "3[].pbs": ErrorCode.NOT_FOUND,
    }
    silent = b"255 1.pbs qhold: cannot connect to server pbs (errno=111)\n"
    with pytest.raises(SystemUnavailable):
        PBS.act(JobAct.HOLD, ["1.pbs"]).parse(Result(0, silent, b""))


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ({"job_state": "F", "substate": "91", "Exit_status": "271"}, JobState.CANCELLED),
        ({"job_state": "F", "substate": "91"}, JobState.CANCELLED),
        ({"job_state": "F", "substate": "93", "Exit_status": "-29"}, JobState.TIMEOUT),
        ({"job_state": "F", "substate": "93", "Exit_status": "-27"}, JobState.OUT_OF_MEMORY),
        ({"job_state": "F", "substate": "93", "Exit_status": "1"}, JobState.FAILED),
        ({"job_state": "F", "substate": "92"}, JobState.COMPLETED),
        ({"job_state": "F"}, JobState.UNKNOWN),
        ({"job_state": "X"}, JobState.COMPLETED),
        ({"job_state": "X", "Exit_status": "2"}, JobState.FAILED),
        ({"job_state": "H", "Hold_Types": "s", "substate": "22"}, JobState.PENDING),
        ({"job_state": "H", "Hold_Types": "us", "substate": "22"}, JobState.HELD),
        ({"job_state": "H", "Hold_Types": "u", "substate": "20"}, JobState.HELD),
        ({"job_state": "R", "substate": "41"}, JobState.CONFIGURING),
        ({"job_state": "M", "substate": "94"}, JobState.UNKNOWN),
        ({"job_state": "?"}, JobState.UNKNOWN),
        ({}, JobState.UNKNOWN),
        *(({"job_state": letter}, state) for letter, state in STATES.items()),
    ],
    ids=str,
)
def test_states_are_more_than_letters(attributes: dict[str, str], state: JobState) -> None:
    assert job_state(attributes) is state


def test_values() -> None:
    assert [size(raw) for raw in ("7060kb", "16gb", "1024", "2kw", "512MB", "", "many")] == [
        *(7060 * 2**10, 16 * 2**30, 1024, 2**14, 512 * 2**20, None, None)
    ]
    assert [seconds(raw) for raw in ("48:00:00", "10:30", "3600", "1234:56:78.9", "", "-1")] == [
        *(172_800, 630, 3600, 4_445_838, None, None)
    ]
    assert time("Tue Oct  4 21:23:20 2022") == at(2022, 10, 4, 21, 23, 20)
    assert [time(raw) for raw in ("UNKNOWN", "", "Tue Feb 31 08:13:45 2022", "Tue Foo 11 08:13:45 2022")] == [None] * 4
    statuses = (0, 3, 255, 137, 265, 271, -29, None)
    pairs = [(0, None), (3, None), (255, None), (None, 9), (None, 9), (None, 15), (None, None), (None, None)]
    assert [exit_pair(status) for status in statuses] == pairs


def test_the_files_of_outputs() -> None:
    shown = {"Output_Path": "h:/d/o", "Error_Path": "h:/d/e"}
    assert output_paths("1.pbs", shown) == ("/d/o", "/d/e")
    assert output_paths("1.pbs", {**shown, "Join_Path": "oe"}) == ("/d/o", "/d/o")
    assert output_paths("1.pbs", {**shown, "Join_Path": "eo"}) == ("/d/e", "/d/e")
    assert output_paths("1.pbs", {"Output_Path": "h.org:/d:x/"}) == ("/d:x/1.pbs.OU", None)
    task = {"Output_Path": "h:/d/n.o1.^array_index^"}
    assert [output_paths(job_id, task)[0] for job_id in ("1[].pbs", "1[7].pbs")] == [None, "/d/n.o1.7"]


def test_a_jobs_wishes_are_a_select_statement() -> None:
    spec = JobSpec(script="x", node_count=2, task_count=8, cpus_per_task=3, memory=2**30 + 1, gpu_count=2)
    argv = [*PBS.submit(spec, "task_1").argv]
    assert "select=2:ncpus=12:mpiprocs=4:mem=1048577kb:ngpus=1" in argv
    assert "place=scatter" in argv
    assert not [word for word in PBS.submit(JobSpec(script="x"), "task_1").argv if word.startswith("select")]


@pytest.mark.parametrize(
    "change",
    [
        {"array": "1,3"},
        {"dependency": "afterok:1?afterok:2"},
        {"dependency": "singleton"},
        {"partition": "-x"},
        {"partition": "a", "reservation": "R1"},
        {"node_count": 2, "task_count": 3},
        {"stdout_path": "/d/日本"},
        {"stdout_path": "/d/%j"},
        {"environment": (("PBS_DEFAULT", "x"),)},
        {"environment": (("A", "\\,B=1"),)},
        {"environment": (("A", "() { :; }"),)},
        {"working_directory": "/a\\b"},
        {"arguments": ("x",)},
        {"stdin_path": "/x"},
        {"qos": "high"},
    ],
    ids=str,
)
def test_what_pbs_would_misread_or_does_not_do_is_refused_before_anything_runs(change: dict[str, Any]) -> None:
    with pytest.raises(FirecrestError) as caught:
        PBS.submit(JobSpec(script="x", **change), "task_1")
    assert caught.value.code in (ErrorCode.INVALID_INPUT, ErrorCode.UNSUPPORTED)


def test_nodes_with_their_gpus() -> None:
    node = {"state": "job-busy", "queue": "gpu", "resources_available": {"ngpus": 4, "ncpus": 64, "mem": "1gb"}}
    [found] = PBS.nodes().parse(Result(0, json.dumps({"nodes": {"n1": node}}).encode(), b""))
    assert found == ComputeNode(
        name="n1", states=("JOB-BUSY",), partitions=("gpu",), cpu_count=64, memory=2**30, gres="gpu:4"
    )


@HYPOTHESIS
@given(st.binary(max_size=400))
def test_any_output_is_read_or_refused_but_breaks_nothing(output: bytes) -> None:
    result = Result(0, output, b"")
    assert isinstance(PBS.queue(EVERYBODY, "me", "here").parse(result), list)
    assert isinstance(PBS.partitions().parse(result), list)
    assert isinstance(PBS.nodes().parse(result), list)
    assert isinstance(PBS.reservations().parse(result), list)


LEAF = st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.none())
NAMES = st.sampled_from(
    (
        *("job_state", "substate", "Exit_status", "Job_Name", "Job_Owner", "ctime", "stime", "obittime", "exec_host"),
        *("Resource_List", "resources_used", "Variable_List", "Output_Path", "Join_Path", "Hold_Types", "estimated"),
    )
)
BELOW = st.dictionaries(st.sampled_from(("walltime", "mem", "ncpus", "PBS_O_WORKDIR", "start_time")), LEAF)


@HYPOTHESIS
@given(st.dictionaries(NAMES, st.one_of(LEAF, BELOW, st.lists(LEAF, max_size=2))))
def test_a_job_of_any_attributes_is_a_job(attributes: dict[str, Any]) -> None:
    printed = json.dumps({"Jobs": {"1.pbs": attributes}}).encode()
    [job] = [live_job(job_id, found, "here") for job_id, found in section(printed, "Jobs").items()]
    letter = attributes.get("job_state")
    if letter not in (*STATES, "F", "X"):
        assert job.state is JobState.UNKNOWN


@HYPOTHESIS
@given(st.dictionaries(st.text("abcXYZ_", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_is_json_comes_back_as_it_was(variables: dict[str, str]) -> None:
    printed = json.dumps({"Jobs": {"1.pbs": {"Variable_List": variables}}}).encode()
    assert dict(below(section(printed, "Jobs")["1.pbs"], "Variable_List")) == variables


@HYPOTHESIS
@given(st.text(max_size=40), st.integers(0, 255))
def test_any_words_are_an_error(words: str, status: int) -> None:
    assert isinstance(failure(status, words, "qstat"), FirecrestError)
    assert isinstance(refusal(status, words, "qdel"), FirecrestError)
