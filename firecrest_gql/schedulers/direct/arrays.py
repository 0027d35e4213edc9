"""Arrays and dependencies, out of the words in which they are asked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from firecrest_gql.errors import InvalidInput

MOST_TASKS = 1000
ARRAY = re.compile(r"(?P<tasks>[0-9,:-]+)(%(?P<most>[1-9]\d{0,8}))?", re.ASCII)
RANGE = re.compile(r"(?P<first>\d{1,9})(-(?P<last>\d{1,9})(:(?P<step>[1-9]\d{0,8}))?)?", re.ASCII)
STRETCH = re.compile(r"(\d{1,9})-(\d{1,9})-([1-9]\d{0,8})", re.ASCII)
DEPENDENCY = re.compile(r"(?P<type>after|afterany|afterok|afternotok)(?P<ids>(:[1-9]\d{0,15}(_\d{1,9})?)+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Array:
    """The tasks of an array in order, and how many may run at once; 0: any number."""

    tasks: tuple[int, ...] = ()
    most: int = 0

    @property
    def ranges(self) -> str:
        """FIRST-LAST-STEP for each stretch of equal steps, one behind the other."""
        return " ".join(f"{first}-{last}-{step}" for first, last, step in _stretches(list(self.tasks)))


def array(text: str | None) -> Array:
    """Reads `0-9`, `1,3,5-9:2%2`; raises `InvalidInput` for anything else, and for too many tasks."""
    if text is None:
        return Array()
    match = ARRAY.fullmatch(text)
    ranges = [RANGE.fullmatch(part) for part in match["tasks"].split(",")] if match else [None]
    if match is None or not all(ranges):
        raise InvalidInput(f"array: {text[:80]!r} is none; give numbers and ranges as in 0-9, 1,3,5-9:2 or 0-99%4")
    parts = [_range(part) for part in ranges if part]
    if not 0 < sum(map(len, parts)) <= MOST_TASKS:
        raise InvalidInput(f"array: {text[:80]!r} has not 1 to {MOST_TASKS} tasks")
    return Array(tuple(sorted({task for part in parts for task in part})), int(match["most"] or 0))


def tasks_of(ranges: str) -> Iterator[int]:
    """The tasks of what `Array.ranges` wrote; what somebody else wrote there is none."""
    stretches = (STRETCH.fullmatch(part) for part in ranges.split())
    numbers = (map(int, match.groups()) for match in stretches if match)
    yield from islice((task for first, last, step in numbers for task in range(first, last + 1, step)), MOST_TASKS)


def dependencies(text: str | None) -> str:
    """TYPE:ID for each condition; raises `InvalidInput` for what direct cannot wait for."""
    conditions = []
    for part in text.split(",") if text else ():
        match = DEPENDENCY.fullmatch(part)
        if match is None:
            raise InvalidInput(
                f"dependency: {part[:80]!r} is none of after, afterany, afterok and afternotok with jobs, "
                "as in afterok:12:13_4,afterany:11"
            )
        conditions += [f"{match['type']}:{job_id}" for job_id in match["ids"][1:].split(":")]
    return " ".join(dict.fromkeys(conditions))


def _range(match: re.Match[str]) -> range:
    first = int(match["first"])
    return range(first, int(match["last"] or first) + 1, int(match["step"] or 1))


def _stretches(tasks: list[int]) -> Iterator[tuple[int, int, int]]:
    start = 0
    while start < len(tasks):
        step = tasks[start + 1] - tasks[start] if start + 1 < len(tasks) else 1
        end = start
        while end + 1 < len(tasks) and tasks[end + 1] - tasks[end] == step:
            end += 1
        yield tasks[start], tasks[end], step
        start = end + 1
