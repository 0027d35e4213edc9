"""Copies between systems that are cut off, given up or cannot go on, on the way to the store and from there."""

import sys
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.demo.process import Process
from firecrest_gql.demo.run import Demo
from tests.between import COPY, WAYS, Road
from tests.client import Client, fetch_token
from tests.files import names
from tests.service import another_server
from tests.sizes import size
from tests.staging import DISCARD, RESUME, staged
from tests.transfers import CANCEL, TASK_OF, ended, file, query, start, tree
from tests.waiting import until

pytestmark = [pytest.mark.s3, pytest.mark.slurm, pytest.mark.parametrize("road", WAYS[: size(1, 2)], indirect=True)]
KILLS = [("after", "source"), ("after", "target"), ("before", "target"), ("before", "source")][: size(2, 4)]
HOLDING = """mutation($system: String!, $script: String!) {
    submitJob(input: {system: $system, script: $script}, waitSeconds: 30) {
        task { result { ... on Job { jobId } } } } }"""


def held_at(demo_state: Path, moment: str, folder: Path) -> Process:
    """A worker that stops there, not started yet."""
    argv = [sys.executable, "-m", "tests.held_worker", str(demo_state / "firecrest.yaml"), moment, str(folder / "held")]
    return Process("a held worker", argv, folder / "worker.log")


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize(("moment", "end"), KILLS)
async def test_a_worker_killed_around_either_submission_leaves_one_copy(
    running: Demo, demo_state: Path, user: Client, tmp_path: Path, road: Road, end: str, moment: str
) -> None:
    source = tree(road.here / "tree", 20)
    async with held_at(demo_state, f"{moment}@{getattr(road, end)}", tmp_path) as held:
        begun = await start(user, COPY, **road.asked("tree"))
        await until((tmp_path / "held").exists, seconds=60, what="the worker is held")
        await held.kill()
    await running.worker.start()
    task = await ended(user, begun["transfer"]["id"])
    assert task["status"] == "SUCCEEDED", task["error"]  # a second job would have found the target there
    assert names(road.there / "tree") == names(source)
    assert await staged(demo_state, begun["transfer"]["id"]) == []


@pytest.mark.usefixtures("no_worker")
async def test_a_copy_that_found_no_place_is_taken_up_again_from_the_store(
    running: Demo, demo_state: Path, user: Client, road: Road
) -> None:
    source, folder = file(road.here / "file", b"data"), tree(road.there / "folder", 0)
    begun = (await start(user, COPY, **road.asked("file", "folder/file")))["transfer"]["id"]
    folder.rename(road.there / "away")
    await running.worker.start()
    assert (await ended(user, begun))["error"]["code"] == "NOT_FOUND"
    assert len(await staged(demo_state, begun)) == 1
    (road.there / "away").rename(folder)
    source.unlink()  # nobody needs it any more
    await user.ask(RESUME, id=begun)
    task = await ended(user, begun)
    assert task["status"] == "SUCCEEDED", task["error"]
    assert (folder / "file").read_bytes() == b"data"
    assert await staged(demo_state, begun) == []


@pytest.mark.usefixtures("no_worker")
async def test_a_copy_whose_source_was_away_is_taken_up_again_from_its_beginning(
    running: Demo, demo_state: Path, user: Client, road: Road
) -> None:
    source = file(road.here / "file", b"data")
    begun = (await start(user, COPY, **road.asked("file")))["transfer"]["id"]
    source.rename(road.here / "away")
    await running.worker.start()
    assert (await ended(user, begun))["error"]["code"] == "NOT_FOUND"
    assert (await staged(demo_state, begun), names(road.there)) == ([], [])
    (road.here / "away").rename(source)
    await user.ask(RESUME, id=begun)
    task = await ended(user, begun)
    assert task["status"] == "SUCCEEDED", task["error"]
    assert (road.there / "file").read_bytes() == b"data"


async def test_a_copy_waits_for_a_job_and_is_cancelled_with_its_own(user: Client, demo_state: Path, road: Road) -> None:
    go = road.here / "go"
    script = (
        f"#!/bin/sh\nuntil test -e {go}; do sleep 0.1; done\nmkdir {road.here}/made; echo 1 >{road.here}/made/file\n"
    )
    job_id = (await user.ask(HOLDING, system=road.source, script=script))["submitJob"]["task"]["result"]["jobId"]
    kept = await start(user, COPY, **road.asked("made", afterJob=job_id))
    given_up = await start(user, COPY, **road.asked("made", "other", afterJob=job_id))

    async def submitted() -> bool:
        found = [(await user.ask(TASK_OF, id=each["transfer"]["id"]))["transfer"]["task"] for each in (kept, given_up)]
        return all("Waits for the job" in (each["message"] or "") for each in found)

    await until(submitted, seconds=60, what="both wait")
    await user.ask(CANCEL, id=given_up["task"]["id"])
    assert (await ended(user, given_up["transfer"]["id"]))["status"] == "CANCELLED"
    assert await staged(demo_state, given_up["transfer"]["id"]) == []
    go.touch()
    task = await ended(user, kept["transfer"]["id"])
    assert task["status"] == "SUCCEEDED", task["error"]
    assert (names(road.there), (road.there / "made" / "file").read_text()) == (["made"], "1\n")


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize("mutation", [CANCEL, DISCARD], ids=["cancelled", "discarded"])
async def test_a_copy_given_up_on_its_second_way_leaves_nothing(
    running: Demo, demo_state: Path, user: Client, tmp_path: Path, road: Road, mutation: str
) -> None:
    file(road.here / "file")
    async with held_at(demo_state, f"before@{road.target}", tmp_path) as held:
        begun = await start(user, COPY, **road.asked("file"))
        await until((tmp_path / "held").exists, seconds=60, what="the worker is held")
        assert len(await staged(demo_state, begun["transfer"]["id"])) == 1
        await held.kill()
    await user.ask(mutation, id=begun["task"]["id"] if mutation == CANCEL else begun["transfer"]["id"])
    await running.worker.start()
    assert (await ended(user, begun["transfer"]["id"]))["status"] == "CANCELLED"
    assert (await staged(demo_state, begun["transfer"]["id"]), names(road.there)) == ([], [])


async def test_without_a_store_only_copies_inside_a_system_are_made(demo_state: Path, road: Road) -> None:
    file(road.here / "file")
    async with another_server(demo_state, "no-store", storage=None) as described:
        user = Client(described, await fetch_token(described, "fireuser"))
        error: dict[str, Any] = await user.error(query(COPY), input=road.asked("file"))
        assert (error["extensions"]["code"], "object store" in error["message"]) == ("UNSUPPORTED", True)
        inside = road.asked("file") | {"targetSystem": road.source, "target": f"{road.here}/copy"}
        await ended(user, (await start(user, COPY, **inside))["transfer"]["id"])
    assert names(road.here) == ["copy", "file"]
