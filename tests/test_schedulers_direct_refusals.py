"""What a workstation without a workload manager refuses, and how it says so."""

from dataclasses import replace

import pytest

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, FirecrestError, InvalidInput, NoSpace, Unsupported
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.schedulers.direct import Direct

DIRECT = Direct()
SLEEPS = JobSpec(script="#!/bin/sh\nexec sleep 600\n")


@pytest.mark.parametrize(
    "change",
    [{"node_count": 2}, {"gpu_count": 1}, {"partition": "debug"}],
    ids=str,
)
def test_what_a_workstation_cannot_do_is_refused_by_name(change: dict[str, str | int]) -> None:
    with pytest.raises(Unsupported, match=f"direct.*{next(iter(change))}"):
        DIRECT.submit(replace(SLEEPS, **change), "task_1")  # type: ignore[arg-type]
    DIRECT.submit(replace(SLEEPS, partition="local", node_count=1, gpu_count=0), "task_1")


def test_an_output_pattern_that_nobody_expands_is_refused() -> None:
    with pytest.raises(InvalidInput, match="%a"):
        _ = DIRECT.submit(replace(SLEEPS, stdout_path="x-%a"), "task_1").argv


def test_a_full_home_is_told_as_such_and_anything_else_in_its_own_words() -> None:
    command = DIRECT.submit(SLEEPS, "task_1")
    failures: dict[bytes, type[FirecrestError]] = {
        b"cat: write error: No space left on device": NoSpace,
        b"cannot create: Permission denied": CommandFailed,
    }
    for words, kind in failures.items():
        with pytest.raises(kind, match=words.decode()[-8:]):
            command.parse(Result(74, b"", words))
