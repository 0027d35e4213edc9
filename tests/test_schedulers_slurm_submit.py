"""What sbatch is told, and what it says: the comment with its mark, further options, estimates, the site's memory."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Command, Result, Stdin
from firecrest_gql.errors import CommandFailed, InvalidInput, SchedulerRejected
from firecrest_gql.model.jobs import JobFilter, JobSpec, SubmitEstimate
from firecrest_gql.schedulers.dialect import Recall
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.schedulers.slurm.comment import MAX_BYTES, carries, comment_of, own_comment, script_comment
from firecrest_gql.schedulers.slurm.estimate import TOLD, node_count
from firecrest_gql.schedulers.slurm.recall import ADVICE
from tests.slurm import RealSlurm

SLURM = Slurm()
KEY = "0123456789abcdef"
MARK = f"firecrest:{KEY}"


@given(st.text().filter(lambda own: own not in ("", "(null)") and "\0" not in own))
def test_the_users_comment_comes_back_as_it_was_and_the_mark_is_found_behind_it(own: str) -> None:
    raw = comment_of(JobSpec(script="x", comment=own), KEY)
    assert raw == f"{own} {MARK}"
    assert own_comment(raw) == own
    assert carries(raw, KEY)
    assert not carries(raw, KEY[1:])
    assert not carries(f"{raw} more", KEY)


@pytest.mark.parametrize(
    ("raw", "own"), [(MARK, None), ("", None), ("(null)", None), ("words", "words"), ("Unknown " + MARK, "Unknown")]
)
def test_a_comment_without_words_is_none(raw: str, own: str | None) -> None:
    assert own_comment(raw) == own


DIRECTIVES = [
    ("#SBATCH --comment=one", "one"),
    ("#SBATCH --comment one", "one"),
    ("#SBATCH --comm=abbreviated", "abbreviated"),
    ("#SBATCH -p debug --comment=two -n 1", "two"),
    ('#SBATCH --comment="two words # here"', "two words # here"),
    ("#SBATCH --comment='it is \"quoted\"'", 'it is "quoted"'),
    (r"#SBATCH --comment=a\"b\\c\#d", r'a"b\c#d'),
    ("#SBATCH --comment=one # not this", "one"),
    ("#SBATCH --comment=one#not this", "one"),
    ("#SBATCH --comment=", ""),
    ("#SBATCH --comment=one\n#SBATCH --comment=last", "last"),
    ("# --comment=no\n\n  # indented\n#SBATCH --comment=yes", "yes"),
    ("#SBATCH --comment=first\n#SBATCH hetjob\n#SBATCH --comment=of the second", "first"),
    ("echo over\n#SBATCH --comment=too late", None),
    ("#SBATCH --exclusive", None),
    ("#SLURM --comment=old", "old"),
    ("#SBATCH --comment=日本", "日本"),
]


@pytest.mark.parametrize(("directives", "comment"), DIRECTIVES)
def test_a_scripts_directives_are_read_as_sbatch_reads_them(directives: str, comment: str | None) -> None:
    assert script_comment(f"#!/bin/sh\n{directives}\n") == comment


@dataclass(frozen=True)
class Sbatch(Command[str]):
    """sbatch itself, without anything of ours."""

    script: str

    @property
    def argv(self) -> list[str]:
        return ["sbatch", "--parsable", "--hold"]

    @property
    def stdin(self) -> Stdin:
        return Stdin.of(self.script.encode())

    def parse(self, result: Result) -> str:
        return result.stdout.decode().strip()


@pytest.mark.slurm
async def test_sbatch_itself_reads_the_same_comments(slurm: RealSlurm) -> None:
    cases = [case for case in DIRECTIVES if "hetjob" not in case[0]]
    ids = [await slurm.run(Sbatch(f"#!/bin/sh\n{directives}\n")) for directives, _ in cases]
    jobs = await slurm.run(SLURM.queue(JobFilter(job_ids=tuple(ids)), "fireuser", "here"))
    told = {job.job_id: job.comment for job in jobs}
    await slurm.run(SLURM.cancel(ids))
    assert [told[job_id] for job_id in ids] == [comment or None for _, comment in cases]


def test_an_option_counts_more_than_the_scripts_directive() -> None:
    script = "#!/bin/sh\n#SBATCH --comment=script\n"
    assert f"--comment=script {MARK}" in SLURM.submit(JobSpec(script=script), KEY).argv
    argv = [*SLURM.submit(JobSpec(script=script, options=("--comment=option",)), KEY).argv]
    assert [word for word in argv if word.startswith("--comment")] == [f"--comment=option {MARK}"]


def test_a_comment_that_leaves_no_room_for_the_mark_is_refused() -> None:
    room = MAX_BYTES - len(MARK) - 1
    assert SLURM.submit(JobSpec(script="x", options=(f"--comment={'x' * room}",)), KEY)
    with pytest.raises(InvalidInput, match=str(room)):
        SLURM.submit(JobSpec(script="x", options=(f"--comment={'x' * (room + 1)}",)), KEY)


@pytest.mark.parametrize(
    "option",
    [
        *("--export=NONE", "--expor=NONE", "--parsable", "--test-only", "--uid=0", "--u=0", "--wrap=id", "--wait"),
        *("--partition=x", "--part=x", "--time=1", "--mem=1", "--output=/x", "--nodes=2", "--clusters=all"),
        *("-n2", "-n", "--", ":", "", "words", "--Name", "--name=a\nb", "--comment", "--com"),
    ],
)
def test_an_option_that_is_ours_or_has_a_field_is_refused_and_named(option: str) -> None:
    with pytest.raises(InvalidInput, match="options: "):
        SLURM.submit(JobSpec(script="x", options=(option,)), KEY)


def test_an_option_that_lacks_its_value_swallows_none_of_ours() -> None:
    spec = JobSpec(script_path="/x", options=("--exclusive", "--mail-type"), array="1-3")
    argv = [*SLURM.submit(spec, KEY).argv]
    assert argv[-4:] == ["--exclusive", "--mail-type", "--", "/x"]


ONE = b"sbatch: Job 2 to start at 1795378424 using 1 processors on nodes vm in partition debug\n"
WHOLE = SubmitEstimate(
    estimated_start_at=datetime.fromtimestamp(1795378424, UTC),
    partition="debug",
    node_count=1,
    cpu_count=1,
    node_list="vm",
)


@pytest.mark.parametrize(
    ("said", "estimate"),
    [
        (ONE, WHOLE),
        # https://github.com/SchedMD/slurm/blob/slurm-25-05-8-1/src/api/allocate.c#L640
        (ONE.replace(b" using", b" on cluster demo a using"), WHOLE),
        (ONE.replace(b" using", b" a using"), WHOLE),
        # https://github.com/SchedMD/slurm/blob/slurm-22-05-8-1/src/api/allocate.c#L672
        (
            b"sbatch: Job 7 to start at 1795378424 using 8 processors on n[1-2],m[01-03,7]\n",
            SubmitEstimate(
                estimated_start_at=WHOLE.estimated_start_at, node_count=6, cpu_count=8, node_list="n[1-2],m[01-03,7]"
            ),
        ),
    ],
)
def test_an_estimate_is_read_from_what_every_release_prints(said: bytes, estimate: SubmitEstimate) -> None:
    assert SLURM.estimate(JobSpec(script="x")).parse(Result(0, b"", said)) == estimate


def test_what_a_site_says_further_is_the_message() -> None:
    said = b"sbatch: You have 3 hours left\n" + ONE + b"sbatch:   Preempts: 7,8\n"
    found = SLURM.estimate(JobSpec(script="x")).parse(Result(0, b"", said))
    assert found.partition == "debug"
    assert found.message == "You have 3 hours left\nPreempts: 7,8"
    assert SLURM.estimate(JobSpec(script="x")).parse(Result(0, b"", b"sbatch: new words\n")) == SubmitEstimate(
        message="new words"
    )


def test_a_refused_estimate_is_in_the_schedulers_words() -> None:
    words = b"allocation failure: Requested node configuration is not available\n"
    with pytest.raises(SchedulerRejected, match="allocation failure: Requested node"):
        SLURM.estimate(JobSpec(script="x")).parse(Result(1, b"", words))


@given(st.binary() | st.from_regex(TOLD).map(str.encode))
def test_nothing_that_sbatch_says_breaks_the_reading_of_an_estimate(said: bytes) -> None:
    SLURM.estimate(JobSpec(script="x")).parse(Result(0, b"", said))


@pytest.mark.parametrize(
    ("nodes", "count"),
    [
        ("(null)", None),
        ("n[x]", None),
        ("n1", 1),
        ("n1,n2", 2),
        ("n[1-3]", 3),
        ("a[1,3-4]b[0-1],c", 7),
        ("n[001-100]", 100),
    ],
)
def test_a_list_of_nodes_is_counted(nodes: str, count: int | None) -> None:
    assert node_count(nodes) == count


@pytest.mark.parametrize(
    ("lines", "recall"),
    [
        (
            b"AccountingStorageType = accounting_storage/slurmdbd\nAccountingStoreFlags = job_comment,job_env",
            (300, True),
        ),
        (b"AccountingStorageType = accounting_storage/slurmdbd\nAccountingStoreFlags = (null)", (300, False)),
        (b"AccountingStorageType = accounting_storage/none\nAccountingStoreFlags = job_comment", (300, False)),
        # https://github.com/SchedMD/slurm/blob/slurm-20-11-9-1/src/api/config_info.c#L558
        (b"AccountingStorageType = accounting_storage/slurmdbd\nAccountingStoreJobComment = Yes", (300, True)),
    ],
)
def test_the_site_tells_whether_accounting_keeps_comments(lines: bytes, recall: tuple[int, bool]) -> None:
    told = lines + b"\nMinJobAge               = 300 sec\n"
    assert SLURM.recall().parse(Result(0, told, b"")) == Recall(*recall, ADVICE)


def test_jobs_that_are_never_purged_are_found_for_ever_and_silence_is_no_answer() -> None:
    assert SLURM.recall().parse(Result(0, b"MinJobAge = 0 sec\n", b"")).queue_seconds is None
    assert SLURM.recall().parse(Result(0, b"", b"")).queue_seconds == 0
    with pytest.raises(CommandFailed):
        SLURM.recall().parse(Result(1, b"", b"scontrol: error: what\n"))


def test_a_script_on_the_system_is_looked_at_before_it_is_submitted() -> None:
    spec = JobSpec(script_path="/a b")
    look = SLURM.complete(spec)
    assert look is not None
    assert "/a b" in look.argv
    found = look.parse(Result(0, b"#!/bin/sh\n#SBATCH --comment=there\n", b""))
    assert f"--comment=there {MARK}" in SLURM.submit(found, KEY).argv
    assert look.parse(Result(1, b"", b"no such file")) == spec
    assert SLURM.complete(JobSpec(script="x")) is None
