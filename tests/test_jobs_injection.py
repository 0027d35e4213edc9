"""Strings of any kind in a job's fields reach the scheduler's programs as what they are.

Programs in the place of the scheduler's, on real systems, write down what they are given.
"""

import itertools
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from firecrest_gql.command import Command
from firecrest_gql.errors import CommandFailed
from firecrest_gql.model.jobs import JobChange, JobFilter, JobSpec
from firecrest_gql.schedulers.pbs import Pbs
from firecrest_gql.schedulers.slurm import Slurm
from firecrest_gql.schedulers.slurm.options import FIELDS
from tests.attacks_on_shells import Next, one_by_one
from tests.shores import Shore, Way, shore
from tests.sizes import size
from tests.together import shared
from tests.words import as_bytes

__all__ = ["shore"]

SUBMISSIONS = size(10, 320)
KEY = "task_of_injection"
SLURM, PBS = Slurm(), Pbs()
STAND_INS = {
    **dict.fromkeys(("sbatch", "sacct", "scontrol", "scancel", "srun", "sinfo", "qsub", "qalter", "qmove"), "4711"),
    "squeue": "7 PENDING",
    "qstat": "job_state = Q",
}


@pytest.fixture
def stubs(shore: Shore) -> Shore:
    """The system with a scheduler's programs of ours."""
    for name, answer in STAND_INS.items():
        shore.recorder.stand_in(name, answer)
    return shore


def printable(text: str, without: str = "") -> str:
    """What a program that takes a line of printable ASCII alone can be given of it."""
    return "".join(character for character in text if character.isascii() and character.isprintable()).translate(
        dict.fromkeys(map(ord, without))
    )


def for_slurm(given: Next) -> JobSpec:
    """A job with such a string wherever one can be."""
    return JobSpec(
        script=f"#!/bin/sh\n{given()}",
        arguments=(given(), given(), given()),
        name=given().replace('"', "") or "x",
        partition=given(),
        account=given(),
        qos=given(),
        reservation=given(),
        constraint=given(),
        dependency=given(),
        working_directory=given(),
        stdin_path=given(),
        stdout_path=given(),
        stderr_path=given(),
        environment=(("WORDS", given()), ("x", given()), ("BASH_FUNC_x", given())),
        array=given(),
        comment=given(),
        options=(f"--mail-user={printable(given())}",),
    )


def for_pbs(given: Next) -> JobSpec:
    """The same; of some fields PBS takes names alone, which others show."""
    return JobSpec(
        script=f"#!/bin/sh\n{given()}",
        account=f"a{given()}",
        stdout_path=f"/{printable(given(), '%')}",
        stderr_path=f"/{printable(given(), '%')}",
        environment=(("WORDS", f"x{given()}".replace("\\,", "")), ("x", f"x{given()}".replace("\\,", ""))),
    )


async def run(shore: Shore, way: Way, command: Command[Any]) -> None:
    """Have it carried out; what our programs answer may make no sense."""
    way.lane.taken()
    with suppress(CommandFailed):
        await shore.transport.run(way.pooled, shore.caller, command)


async def test_slurms_programs_get_each_string_where_it_belongs(stubs: Shore) -> None:
    async def submit(way: Way, number: int) -> None:
        spec = for_slurm(one_by_one(stubs.recorder.canary, number))
        await run(stubs, way, SLURM.submit(spec, KEY))
        [call] = [call for call in way.lane.taken() if call[0] == "sbatch"]
        options = dict(word.split("=", 1) for word in call[1 : -len(spec.arguments) - 2] if "=" in word)
        for field, option in FIELDS.items():
            assert options.get(f"--{option}") == getattr(spec, field)
        assert options["--comment"] == f"{spec.comment} firecrest:{KEY}"
        assert f"{spec.options[0]}" in call
        assert call[-len(spec.arguments) - 2 :] == ("--", "/dev/stdin", *spec.arguments)
        environment, stdin = way.lane.sent()
        assert {name: environment[name] for name, _ in spec.environment} == dict(spec.environment)
        assert stdin == as_bytes(spec.script or "")

    await shared(stubs.ways, range(SUBMISSIONS), submit)


async def test_pbss_programs_get_each_string_where_it_belongs(stubs: Shore) -> None:
    async def submit(way: Way, number: int) -> None:
        spec = for_pbs(one_by_one(stubs.recorder.canary, number))
        await run(stubs, way, PBS.submit(spec, KEY))
        [call] = [call for call in way.lane.taken() if call[0] == "qsub"]
        options = dict(itertools.pairwise(call))
        assert [options[option] for option in ("-A", "-o", "-e")] == [spec.account, spec.stdout_path, spec.stderr_path]
        environment, stdin = way.lane.sent()
        assert {name: environment[name] for name, _ in spec.environment} == dict(spec.environment)
        assert stdin == as_bytes(spec.script or "")

    await shared(stubs.ways, range(SUBMISSIONS // 4), submit)


async def test_other_acts_on_jobs_give_each_string_to_one_program(stubs: Shore) -> None:
    async def act(way: Way, number: int) -> None:
        given = one_by_one(stubs.recorder.canary, number)
        words, name, partition = (given(), given(), given()), given().replace('"', "") or "x", given()
        await run(stubs, way, SLURM.attach("7", words))
        assert [call[-4:] for call in way.lane.taken() if call[0] == "srun"] == [("--", *words)]
        await run(stubs, way, SLURM.update("7", JobChange(name=name, partition=partition)))
        meant = ("scontrol", "update", "JobId=7", f"JobName={name}", f"Partition={partition}")
        assert [call for call in way.lane.taken() if call[0] == "scontrol"] == [meant]
        looking = JobFilter(
            name=name, partition=f"+{partition}", account=f"+{given()}", qos=f"+{given()}", since=datetime.now(UTC)
        )
        for command in (SLURM.queue(looking, "me", "real"), SLURM.accounting(looking, "me", "real")):
            await run(stubs, way, command)
            calls = [call for call in way.lane.taken() if call[0] in ("squeue", "sacct")]
            assert calls == [tuple(command.argv[command.argv.index(calls[0][0]) :])]
            assert not any(word.startswith(("--partition", "--account", "--qos")) for word in calls[0])

    await shared(stubs.ways, range(SUBMISSIONS // 4), act)
