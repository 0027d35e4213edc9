"""How a scheduler is added, as the document says: one module and one entry point."""

import re
import tomllib
from pathlib import Path

import pytest

from firecrest_gql.model.jobs import JobFilter, JobSpec, JobState
from firecrest_gql.ports import schedulers
from firecrest_gql.schedulers.dialect import Scheduler
from firecrest_gql.settings import Settings
from tests.jobs_system import SYSTEM
from tests.scheduler_commands import run_in
from tests.waiting import until

DOCUMENT = Path(__file__).parent.parent / "docs" / "schedulers.md"


def block(language: str) -> str:
    """The document's one block in this language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture
def nice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """The document's scheduler, installed as its package would be, and found by its name in the settings."""
    (tmp_path / "nice_scheduler.py").write_text(block("python"))
    installed = tmp_path / "nice_scheduler-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: nice-scheduler\nVersion: 1\n")
    [(group, points)] = tomllib.loads(block("toml"))["project"]["entry-points"].items()
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (installed / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    system = SYSTEM.model_copy(update={"scheduler": SYSTEM.scheduler.model_copy(update={"kind": "nice"})})
    return schedulers(Settings.model_construct(systems=(system,)))["nice"]


async def test_a_scheduler_of_another_package_is_found_by_its_entry_point_and_runs_jobs(
    nice: Scheduler, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    job_id = await run_in(nice.submit(JobSpec(script="#!/bin/sh\nnice\n"), "task_nice"), home)

    async def ended() -> bool:
        [job] = await run_in(nice.queue(JobFilter(job_ids=(job_id,)), "me", "here"), home)
        return job.state is JobState.COMPLETED

    await until(ended)
    assert (home / f"job-{job_id}.out").read_text() == "19\n"
