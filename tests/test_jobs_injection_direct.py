"""Strings of any kind in a job's fields reach the job itself: real jobs of `direct` tell what they have been given."""

import os
import shutil
import uuid
from pathlib import Path

from firecrest_gql.model.jobs import JobFilter, JobSpec
from firecrest_gql.schedulers.direct import Direct
from tests.attacks_on_shells import as_name, one_by_one
from tests.shores import Shore, Way, shore
from tests.sizes import size
from tests.together import shared
from tests.waiting import until
from tests.words import as_bytes

__all__ = ["shore"]

JOBS = size(6, 200)
DIRECT = Direct()
TELL = """#!/bin/sh
# {text}
printf "%s\\0" "$#" "$@"
readlink -n /proc/self/cwd
printf "\\0"
env -0
printf "\\0"
cat
"""


async def test_a_job_finds_each_string_as_it_was_given(shore: Shore) -> None:
    async def submit(way: Way, number: int) -> None:
        given = one_by_one(shore.recorder.canary, number)
        folder, key = shore.home / f"job-{uuid.uuid4().hex}", f"task_{uuid.uuid4().hex[:20]}"
        directory = folder / f"{as_name(given())}+dir"
        stdin, stdout, stderr = (f"{as_name(given())}+{name}" for name in ("in", "out", "err"))
        environment = tuple((name, given()) for name in ("WORDS", "x", "FIRE"))
        spec = JobSpec(
            script=TELL.format(text=given().replace("\n", " ")),
            arguments=(given(), given(), given()),
            name=given(),
            working_directory=str(directory),
            stdin_path=stdin.replace("%", "%%"),
            stdout_path=stdout.replace("%", "%%"),
            stderr_path=f"{folder}/{stderr}".replace("%", "%%"),
            environment=environment,
        )

        def fill() -> None:
            directory.mkdir()
            (directory / stdin).write_bytes(as_bytes(spec.name or ""))

        with shore.made(folder, fill):
            system = way.pooled.model_copy(
                update={"scheduler": way.pooled.scheduler.model_copy(update={"path": shore.recorder.quiet_path})}
            )
            job_id = await shore.transport.run(system, shore.caller, DIRECT.submit(spec, key))

            async def over() -> bool:
                found = DIRECT.queue(JobFilter(job_ids=(job_id,)), shore.caller.username, system.name)
                [job] = await shore.transport.run(system, shore.caller, found)
                assert job.name == spec.name
                return job.final

            await until(over)
            told = os.fsdecode((directory / stdout).read_bytes()).split("\0")
            assert told[:5] == ["3", *spec.arguments, str(directory)]
            assert {f"{name}={value}" for name, value in environment} <= set(told[5:-2])
            assert told[-2:] == ["", spec.name]
            assert (folder / stderr).read_bytes() == b""
            forget(shore.home / ".firecrest" / "jobs", job_id, key)

    await shared(shore.ways, range(JOBS), submit)


def forget(jobs: Path, job_id: str, key: str) -> None:
    """Leave no record of a job that has ended in a home that lasts longer than the test."""
    (jobs / job_id).unlink()
    shutil.rmtree(jobs / ".keys" / key)
