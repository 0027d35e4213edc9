"""The tasks of an array that an id names, as 7_4 and 7_[0-3,9-12:2%1] do; not counted up, for they may be millions."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import gcd

SEVERAL = re.compile(r"(\d+)_\[([\d,:-]+)(?:%\d+)?\]", re.ASCII)
ONE = re.compile(r"(\d+)_(\d{1,10})", re.ASCII)
RANGE = re.compile(r"(\d{1,10})(?:-(\d{1,10})(?::([1-9]\d{0,9}))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks of one array, as ranges of their numbers, none of them empty."""

    array_id: str
    ranges: tuple[range, ...]

    def __contains__(self, number: int) -> bool:
        return any(number in numbers for numbers in self.ranges)

    def meets(self, other: "Tasks") -> bool:
        """Whether both name one task at least."""
        return self.array_id == other.array_id and any(_meet(*pair) for pair in product(self.ranges, other.ranges))


@lru_cache(maxsize=4096)
def tasks_of(job_id: str) -> Tasks | None:
    """The tasks that the id names; None for a whole array, and for a job that is none's task."""
    if one := ONE.fullmatch(job_id):
        return Tasks(one[1], (range(int(one[2]), int(one[2]) + 1),))
    several = SEVERAL.fullmatch(job_id)
    parts = [RANGE.fullmatch(part) for part in several[2].split(",")] if several else []
    ranges = tuple(numbers for part in parts if part and (numbers := _range(*part.groups())))
    return Tasks(several[1], ranges) if several and ranges else None


def several(job_id: str) -> bool:
    """Whether it is of the form of Slurm's 7_[3-9], which the tasks of an array have together while they wait."""
    return "_[" in job_id


def overlap(one: str, other: str) -> bool:
    """Whether one of the ids names several tasks, and the other one of them at least."""
    if not (several(one) or several(other)):
        return False
    tasks, others = tasks_of(one), tasks_of(other)
    return tasks is not None and others is not None and tasks.meets(others)


def _range(first: str, last: str | None, step: str | None) -> range:
    return range(int(first), int(last or first) + 1, int(step or 1))


def _meet(one: range, other: range) -> bool:
    """Whether both have a number in common: the least behind both starts, by the Chinese remainder theorem."""
    common = gcd(one.step, other.step)
    apart = other.start - one.start
    if apart % common:
        return False
    turn = other.step // common
    met = one.start + apart // common * pow(one.step // common, -1, turn) % turn * one.step
    behind = max(one.start, other.start) - met
    period = one.step * turn
    return met + -(-behind // period) * period <= min(one[-1], other[-1])
