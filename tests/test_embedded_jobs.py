"""The embedded system's jobs: they outlive connections and every death of ours, and end with the demo."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from firecrest_gql.demo.ports import is_free
from firecrest_gql.model.jobs import Job, JobFilter, JobSpec, JobState
from firecrest_gql.schedulers.direct import Direct
from tests.embedded_system import System, make_system, remove_homes
from tests.waiting import until

DIRECT = Direct()
LONG = JobSpec(script="#!/bin/sh\nsleep 1000\n")


@pytest_asyncio.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    """Not started; ended with its jobs, and removed."""
    found = make_system(tmp_path)
    yield found
    if not found.embedded.process.running:
        await found.embedded.process.start()
    await found.embedded.process.stop()
    remove_homes(found.embedded)


async def jobs_of(system: System) -> list[Job]:
    return list(await system.ask(DIRECT.queue(JobFilter(), "fireuser", "local")))


async def test_a_job_outlives_its_connection_and_is_followed_over_others(system: System) -> None:
    await system.embedded.process.start()
    script = "#!/bin/sh\necho hello; until test -e go; do sleep 0.1; done; echo done\n"
    job_id = await system.ask(DIRECT.submit(JobSpec(name="hello", script=script), "task_outlives"))
    [job] = await jobs_of(system)
    assert (job.job_id, job.state) == (job_id, JobState.RUNNING)
    output = Path(job.stdout_path or "")

    async def greeted() -> bool:
        return _text(output) == "hello\n"

    await until(greeted)
    (system.embedded.homes["fireuser"] / "go").touch()

    async def ended() -> bool:
        return (await jobs_of(system))[0].state is JobState.COMPLETED

    await until(ended)
    assert _text(output) == "hello\ndone\n"


async def test_a_killed_server_leaves_jobs_running_and_a_stopped_one_cancels_them(system: System) -> None:
    process = system.embedded.process
    spec = JobSpec(script="#!/bin/sh\necho $$ >pid; (trap '' TERM; setsid sleep 1000)\n")
    await process.start()
    await system.ask(DIRECT.submit(spec, "task_killed"))
    await process.kill()
    await process.start()
    assert [job.state for job in await jobs_of(system)] == [JobState.RUNNING]
    await process.restart()
    assert [job.state for job in await jobs_of(system)] == [JobState.CANCELLED]
    await process.stop()
    assert not _processes_with(str(system.embedded.homes["fireuser"]))


async def test_jobs_can_be_cancelled_without_serving_anybody(system: System) -> None:
    process = system.embedded.process
    await process.start()
    await system.ask(DIRECT.submit(LONG, "task_left"))
    await process.kill()
    child = await asyncio.create_subprocess_exec(*process.argv, "--cancel-jobs", env=process.env)
    assert await child.wait() == 0
    assert not _processes_with(str(system.embedded.homes["fireuser"]))


PARENT = """
import asyncio, pathlib, sys
from firecrest_gql.demo.embedded import make_embedded

async def main():
    embedded = make_embedded(pathlib.Path(sys.argv[1]), sys.argv[2])
    async with embedded.process:
        print(embedded.process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_killed_demo_takes_the_server_along_and_leaves_the_jobs(system: System, tmp_path: Path) -> None:
    authority = system.ca.export_public_key().decode()
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path), authority),
        stdout=asyncio.subprocess.PIPE,
        env=system.embedded.process.env,
    )
    assert parent.stdout is not None
    await parent.stdout.readline()
    await system.ask(DIRECT.submit(LONG, "task_orphan"))
    parent.kill()
    await parent.wait()

    async def gone() -> bool:
        return is_free(system.embedded.port)

    await until(gone)
    await system.embedded.process.start()
    assert [job.state for job in await jobs_of(system)] == [JobState.RUNNING]


def _text(file: Path) -> str:
    return file.read_text()


def _processes_with(home: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found
