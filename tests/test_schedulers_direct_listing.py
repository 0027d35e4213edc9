"""Reading the files of direct's jobs: they are their user's own to write, so they may hold anything."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed
from firecrest_gql.model.jobs import Job, JobFilter, JobState
from firecrest_gql.schedulers.direct import listing
from firecrest_gql.schedulers.direct.arrays import MOST_TASKS
from firecrest_gql.schedulers.direct.listing import Queue, Record
from tests.sizes import size

MANY = settings(max_examples=size(25, 10_000))
LINE = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), max_size=12)
NUMBER = st.sampled_from(("", "-", "0", "12", "-1", "1e5", "9" * 12, "9" * 5000)) | st.text("0123456789", max_size=14)
RANGES = st.sampled_from(("", "1-3-1", "0-9-1", "1-2-0", "3-1-1", "1", "1-3-1 x")) | LINE
WORDS = st.sampled_from([*JobState.__members__, "SOMETHING_NEW", ""])
PLAIN = {"job_id": "7", "name": "hello", "directory": "/home/me", "stdout": "job-%j.out", "count": "1", "most": "0"}


def told(state: str, waits: str = "", **record: str) -> list[Job]:
    """What we read of one job whose files say this."""
    values = {**dict.fromkeys(Record.__slots__, ""), **PLAIN, **record}
    lines = [f".keys/k/record:{values[name]}" for name in Record.__slots__]
    lines += [f".keys/k/waits:{waits}"] * bool(waits) + [f".keys/k/state:{state}"]
    return parsed("\n".join(["1795383650", *lines, ""]).encode())


def parsed(output: bytes) -> list[Job]:
    ever = JobFilter(since=datetime.fromtimestamp(0, UTC))  # what is told ended on one day, and today is another
    return Queue("here", "me", ever).parse(Result(0, output, b""))


def test_a_state_that_nobody_knows_is_unknown_and_told_as_it_is() -> None:
    [job] = told("EXPEDITING 1795383600 1795383601 - -")
    assert (job.state, job.raw_state, job.final, job.elapsed_seconds) == (JobState.UNKNOWN, "EXPEDITING", False, 49)


def test_a_state_that_was_cut_tells_what_is_left_of_it() -> None:
    [job] = told("COMPLETED 1795383600 17953")
    assert (job.state, job.ended_at, job.exit_code) == (JobState.COMPLETED, None, None)


def test_an_array_of_any_size_on_disk_is_no_more_than_could_be_submitted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(told("PENDING 1795383600", ranges="0-999999999-1")) == MOST_TASKS
    monkeypatch.setattr(listing, "MOST_TOLD", 10)
    assert len(told("PENDING 1795383600", ranges="0-999999999-1")) == 10


@MANY
@given(
    st.tuples(WORDS | LINE, NUMBER, NUMBER, NUMBER, NUMBER, LINE).map(" ".join),
    st.fixed_dictionaries(
        {"name": LINE, "ranges": RANGES, "limit": NUMBER, "most": NUMBER, "stdout": LINE, "job_id": NUMBER}
    ),
    LINE,
)
def test_files_of_any_content_break_nothing(state: str, record: dict[str, str], waits: str) -> None:
    for job in told(state, waits, **record):
        assert job.raw_state in (state.split(" ")[0], "")
        assert job.job_id.partition("_")[0] == record["job_id"]


@MANY
@given(st.binary(max_size=300))
def test_any_output_is_read_or_refused_but_breaks_nothing(output: bytes) -> None:
    assert parsed(b"1795383650\n" + output) == []
    try:
        parsed(output)
    except CommandFailed:
        assert not output.partition(b"\n")[0].isdigit() or len(output) > 1
