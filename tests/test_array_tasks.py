"""Ids that name several tasks of an array mean these tasks, however many they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.model.array_tasks import overlap, tasks_of

RANGES = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 9))
SETS = st.lists(RANGES, min_size=1, max_size=4)


def written(ranges: list[tuple[int, int, int]], most: int = 0) -> str:
    """As Slurm writes them."""
    parts = (f"{first}-{first + more}:{step}" if more else str(first) for first, more, step in ranges)
    return f"7_[{','.join(parts)}{f'%{most}' if most else ''}]"


def counted(ranges: list[tuple[int, int, int]]) -> set[int]:
    """Each of their numbers."""
    return {number for first, more, step in ranges for number in range(first, first + more + 1, step)}


@given(SETS, st.integers(0, 9))
def test_an_id_names_the_tasks_that_are_written_in_it_and_no_others(
    ranges: list[tuple[int, int, int]], most: int
) -> None:
    tasks = tasks_of(written(ranges, most))
    assert tasks is not None
    assert {number for number in range(200) if number in tasks} == counted(ranges)


@given(SETS, SETS)
def test_two_ids_overlap_where_a_task_is_in_both(
    ranges: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    assert overlap(written(ranges), written(others)) == bool(counted(ranges) & counted(others))
    assert not overlap(written(ranges), written(others).replace("7_", "8_"))


@given(st.text("0123456789_[],:%-+.s", max_size=30))
def test_whatever_else_is_written_names_no_tasks_and_breaks_nothing(job_id: str) -> None:
    tasks = tasks_of(job_id)
    assert tasks is None or all(tasks.ranges)
    assert not overlap(job_id, "no id at all")


def test_millions_of_tasks_are_not_counted_up() -> None:
    assert overlap("7_[0-4000000000:30011]", "7_[1-4000000000:30013]")
    assert not overlap("7_[0-4000000000:2]", "7_[1-4000000000:4]")


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("7_[0-3,9-12:2%1]", "7_11", True),
        ("7_[0-3,9-12:2%1]", "7_10", False),
        ("7_3", "7_3", False),  # none of them names several: these are equal or not
        ("7_[5-3]", "7_4", False),
        ("123[7].server", "123[].server", False),
    ],
)
def test_one_task_is_in_a_row_or_not(one: str, other: str, meet: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is meet
