"""The life of a task, as a pure function and a table."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.errors import Conflict, ErrorCode
from firecrest_gql.model.tasks import (
    FINAL_TASK_STATUSES,
    JobOutcome,
    JobOutcomes,
    JobRef,
    Task,
    TaskChange,
    TaskError,
    TaskKind,
    TaskResult,
    TaskStatus,
)
from firecrest_gql.tasks.documents import dump_task, load_task
from firecrest_gql.tasks.transitions import ALLOWED, MAX_HISTORY_LENGTH, as_of, changed

START = datetime(2030, 1, 1, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
ERRORS = st.builds(TaskError, st.sampled_from(ErrorCode), TEXT, st.booleans())
RESULTS: st.SearchStrategy[TaskResult] = st.one_of(
    st.builds(JobRef, TEXT, TEXT, TEXT),
    st.builds(JobOutcomes, st.lists(st.builds(JobOutcome, TEXT, TEXT, st.none() | ERRORS), max_size=3).map(tuple)),
)


def queued() -> Task:
    return Task(
        id="task_" + "a" * 28,
        kind=TaskKind.SUBMIT_JOB,
        status=TaskStatus.QUEUED,
        version=1,
        subject="user",
        username="fireuser",
        system="local",
        created_at=START,
        updated_at=START,
        request_id="r-1",
        history=(TaskChange(1, TaskStatus.QUEUED, START),),
        input={"script": "x"},
        grant="sealed",
    )


def test_every_status_has_its_row_and_the_final_ones_lead_nowhere() -> None:
    assert set(ALLOWED) == set(TaskStatus)
    assert {status for status, next_ones in ALLOWED.items() if not next_ones} == FINAL_TASK_STATUSES


def test_nothing_succeeds_that_never_ran() -> None:
    with pytest.raises(Conflict):
        changed(queued(), at=START, status=TaskStatus.SUCCEEDED)


@given(st.lists(st.tuples(st.none() | st.sampled_from(TaskStatus), st.none() | TEXT), max_size=15))
def test_whatever_is_tried_versions_grow_by_one_and_a_final_task_stays(
    tries: list[tuple[TaskStatus | None, str | None]],
) -> None:
    task = queued()
    lived = [task]
    for number, (status, message) in enumerate(tries):
        at = START + timedelta(seconds=number)
        try:
            task = changed(task, at=at, status=status, message=message)
        except Conflict:
            assert task.final or (status or task.status) not in ALLOWED[task.status]
        else:
            assert not lived[-1].final
            lived.append(task)
    assert [state.version for state in lived] == list(range(1, len(lived) + 1))
    assert [as_of(task, change) for change in task.history] == lived
    assert (task.finished_at is not None) == task.final


@given(st.none() | RESULTS, st.none() | ERRORS, st.none() | TEXT)
def test_a_task_comes_out_of_its_documents_as_it_went_in(
    result: TaskResult | None, error: TaskError | None, message: str | None
) -> None:
    task = changed(queued(), at=START, status=TaskStatus.FAILED, message=message, result=result, error=error)
    fields = dump_task(task)
    assert load_task([fields["fixed"], fields["state"], fields["input"], fields["grant"]]) == task


def test_a_history_never_outgrows_its_bound() -> None:
    task = queued()
    for number in range(3 * MAX_HISTORY_LENGTH):
        task = changed(task, at=START, status=TaskStatus.RUNNING, message=str(number))
    assert len(task.history) == MAX_HISTORY_LENGTH
    assert task.history[0].version == 1
    assert task.history[-1].version == task.version == 3 * MAX_HISTORY_LENGTH + 1
