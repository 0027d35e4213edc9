"""Transfers inside a system, by GraphQL: a job moves the bytes, in the transfer queue or as a supervised process."""

import os
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client
from tests.files import ODD_NAMES, names, path_of
from tests.processes import processes
from tests.sizes import size
from tests.transfers import (
    CANCEL,
    FIELDS,
    MANY,
    carried_out,
    ended,
    file,
    folder_of,
    home_of,
    owned,
    refused,
    start,
    stopped,
    tree,
)
from tests.waiting import until


@pytest.mark.parametrize("name", ODD_NAMES[: size(3, len(ODD_NAMES))])
async def test_a_file_of_any_name_is_copied_by_a_job(user: Client, either: str, workplace: Path, name: str) -> None:
    data = os.urandom(70_000)
    source, target = file(workplace / name, data), workplace / f"{name[:200]}.copy"
    made = await carried_out(user, "startCopy", system=either, path=path_of(source), target=path_of(target))
    assert target.read_bytes() == data
    assert (made["kind"], made["size"], made["sourcePath"]) == ("COPY", 70_000, path_of(source))


async def test_a_tree_is_copied_with_everything_in_it(user: Client, either: str, workplace: Path) -> None:
    source = tree(workplace / "a", 50)
    (source / "link").symlink_to("7")
    await carried_out(user, "startCopy", system=either, path=str(source), target=str(workplace / "b"))
    assert names(workplace / "b") == names(source)
    assert (workplace / "b" / "link").readlink() == Path("7")


@pytest.mark.slurm
async def test_where_there_is_a_queue_the_job_is_in_it_and_leaves_nothing_behind(
    user: Client, demo: dict[str, Any]
) -> None:
    home = home_of(demo, "slurm")
    source = file(home / uuid4().hex)
    begun = await start(
        user, "startCopy", wait=30, system="slurm", path=str(source), target=f"{source}2", timeLimitSeconds=600
    )
    found = await user.ask(
        "query($id: ID!) { transfer(id: $id) { job { partition timeLimitSeconds } task { id status } } }",
        id=begun["transfer"]["id"],
    )
    job, task = found["transfer"]["job"], found["transfer"]["task"]
    assert (job["partition"], job["timeLimitSeconds"], task["status"]) == ("xfer", 600, "SUCCEEDED")
    assert names(folder_of(demo, "slurm", task["id"])) == ["log", "status", "stderr", "stdout"]
    for left in (source, Path(f"{source}2")):
        left.unlink()


async def test_what_cannot_work_is_refused_before_anything_begins(user: Client, either: str, workplace: Path) -> None:
    source, closed = file(workplace / "source"), owned(tree(workplace / "closed", 1))
    (workplace / "closed").chmod(0o555)
    for given, code in (
        ({"path": str(workplace / "none")}, "NOT_FOUND"),
        ({"target": str(workplace / "none" / "target")}, "NOT_FOUND"),
        ({"target": str(source)}, "INVALID_INPUT"),
        ({"target": str(closed / "0")}, "PERMISSION_DENIED"),
        ({"path": str(closed), "target": str(closed / "below")}, "INVALID_INPUT"),
        ({"target": "~"}, "PERMISSION_DENIED"),
        ({"target": "relative"}, "INVALID_INPUT"),
        ({"account": "two words"}, "INVALID_INPUT"),
        ({"timeLimitSeconds": 0}, "INVALID_INPUT"),
        ({"afterJob": "; rm"}, "INVALID_INPUT"),
        ({"targetSystem": "elsewhere"}, "NOT_FOUND"),
        ({"system": "nowhere"}, "NOT_FOUND"),
    ):
        asked = {"system": either, "path": str(source), "target": str(workplace / "target"), **given}
        assert (await refused(user, "startCopy", **asked))[0] == code, given
    file(workplace / "target", b"old")
    code, message = await refused(user, "startCopy", system=either, path=str(source), target=str(workplace / "target"))
    assert (code, "overwrite" in message) == ("ALREADY_EXISTS", True)
    assert names(workplace) == ["closed", "source", "target"]
    await carried_out(
        user, "startCopy", system=either, path=str(source), target=str(workplace / "target"), overwrite=True
    )
    assert (workplace / "target").read_bytes() == b"bytes"


async def test_a_moved_tree_is_at_its_new_place_alone(user: Client, either: str, workplace: Path) -> None:
    source = tree(workplace / "a", 5)
    made = await carried_out(user, "startMove", system=either, path=str(source), target=str(workplace / "b"))
    assert (names(workplace), names(workplace / "b"), made["kind"]) == (["b"], ["0", "1", "2", "3", "4"], "MOVE")
    asked = {"system": either, "path": str(workplace / "b"), "target": str(workplace / "c")}
    assert (await refused(user, "startMove", **{**asked, "path": "~"}))[0] == "PERMISSION_DENIED"
    assert (await refused(user, "startMove", **{**asked, "path": str(workplace / "a")}))[0] == "NOT_FOUND"
    assert (await refused(user, "startMove", **{**asked, "target": str(workplace / "b" / "c")}))[0] == "INVALID_INPUT"


async def test_a_tree_is_removed_where_that_is_asked(user: Client, either: str, workplace: Path) -> None:
    asked = {"system": either, "path": str(tree(workplace / "a", 5))}
    assert (await refused(user, "startRemove", **asked))[0] == "NOT_EMPTY"
    for path in ("/", "~", str(workplace.parent.parent)):
        code, _ = await refused(user, "startRemove", system=either, path=path, recursive=True)
        assert code == "PERMISSION_DENIED", path
    await carried_out(user, "startRemove", **asked, recursive=True)
    assert names(workplace) == []
    assert (await refused(user, "startRemove", **asked))[0] == "NOT_FOUND"


async def test_a_directory_is_made_like_another(user: Client, either: str, workplace: Path) -> None:
    source, target = tree(workplace / "a", 5), tree(workplace / "b", 7)
    (source / "0").write_bytes(b"changed")
    (source / "new\nname").symlink_to("3")
    asked = {"system": either, "path": str(source), "target": str(target)}
    made = await carried_out(user, "startSync", **asked)
    assert (names(target), made["kind"]) == (sorted([*names(source), "5", "6"]), "SYNC")
    assert (target / "0").read_bytes() == b"changed"
    await carried_out(user, "startSync", **asked, delete=True)
    assert names(target) == names(source)
    await carried_out(user, "startSync", **{**asked, "target": str(workplace / "c")})
    assert names(workplace / "c") == names(source)
    for given, code in (
        ({"path": str(source / "0")}, "NOT_A_DIRECTORY"),
        ({"target": str(source / "0" / "d")}, "INVALID_INPUT"),
        ({"target": str(workplace)}, "INVALID_INPUT"),
        ({"target": str(target / "0")}, "NOT_A_DIRECTORY"),
        ({"path": str(workplace / "none")}, "NOT_FOUND"),
        ({"target": "~"}, "PERMISSION_DENIED"),
    ):
        assert (await refused(user, "startSync", **{**asked, **given}))[0] == code, given


async def test_a_synchronisation_that_fails_says_why_and_removes_nothing(
    user: Client, either: str, workplace: Path
) -> None:
    source, target = tree(workplace / "a", 3), tree(workplace / "b", 5)
    (source / "1").write_bytes(b"longer")
    (source / "1").chmod(0)
    os.chown(source / "1", 0, 0)
    begun = await start(user, "startSync", system=either, path=str(source), target=str(target), delete=True)
    task = await ended(user, begun["transfer"]["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "PERMISSION_DENIED")
    assert str(source) in task["error"]["message"]
    assert names(target) == ["0", "1", "2", "3", "4"]


async def test_an_archive_is_made_and_taken_apart(user: Client, either: str, workplace: Path) -> None:
    source, archive = tree(workplace / "a", 20), workplace / "a.tar.zst"
    asked = {"system": either, "path": str(source), "target": str(archive), "compression": "ZSTD"}
    made = await carried_out(user, "startCompress", **asked)
    assert (made["kind"], archive.is_file()) == ("COMPRESS", True)
    assert (await refused(user, "startCompress", **asked))[0] == "ALREADY_EXISTS"
    assert (await refused(user, "startCompress", **{**asked, "compression": "ZIP"}))[0] == "UNSUPPORTED"
    into = {"system": either, "path": str(archive), "target": str(workplace / "b")}
    made = await carried_out(user, "startExtract", **into)
    assert (made["kind"], names(workplace / "b" / "a")) == ("EXTRACT", names(source))
    for given, code in (
        ({"path": str(workplace / "none")}, "NOT_FOUND"),
        ({"path": str(source)}, "IS_A_DIRECTORY"),
        ({"target": str(archive)}, "NOT_A_DIRECTORY"),
        ({"target": str(workplace / "none" / "b")}, "NOT_FOUND"),
    ):
        assert (await refused(user, "startExtract", **{**into, **given}))[0] == code, given
    broken = str(file(workplace / "no.tar"))
    begun = await start(user, "startExtract", system=either, path=broken, target=str(workplace / "c"))
    task = await ended(user, begun["transfer"]["id"])
    assert (task["status"], task["error"]["code"]) == ("FAILED", "INVALID_INPUT")


async def test_progress_is_told_while_the_bytes_move(user: Client, either: str, workplace: Path) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    process = await stopped("cp", str(source))
    updates = user.events(f"subscription($id: ID!) {{ taskUpdated(id: $id) {{ {FIELDS} }} }}", id=begun["task"]["id"])
    told: list[dict[str, Any]] = []
    async for update in updates:
        told.append(update)
        if update["status"] == "WAITING" and (update["progress"] or {}).get("done") and process:
            os.kill(process, signal.SIGCONT)
            process = 0
    assert (told[-1]["status"], told[-1]["progress"]["unit"]) == ("SUCCEEDED", "bytes")
    assert told[-1]["progress"]["done"] == told[-1]["progress"]["total"] == begun["transfer"]["size"]


async def test_a_discarded_transfer_ends(user: Client, either: str, workplace: Path) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    await stopped("cp", str(source))
    discard = "mutation($id: ID!) { discardTransfer(input: {transferId: $id}) { transfer { id } } }"
    for _ in range(2):
        assert (await user.ask(discard, id=begun["transfer"]["id"]))["discardTransfer"]["transfer"]["id"]
    assert (await ended(user, begun["transfer"]["id"]))["status"] == "CANCELLED"
    assert names(workplace) == ["many"]


async def test_the_same_key_gives_the_first_transfer_again(user: Client, either: str, workplace: Path) -> None:
    asked: dict[str, Any] = {
        "system": either,
        "path": str(file(workplace / "a")),
        "target": str(workplace / "b"),
        "idempotencyKey": uuid4().hex,
    }
    first = await carried_out(user, "startCopy", **asked)
    assert (await start(user, "startCopy", **asked))["transfer"]["id"] == first["id"]
    assert (await refused(user, "startCopy", **{**asked, "target": str(workplace / "c")}))[0] == "CONFLICT"


async def test_a_cancelled_copy_ends_its_job_and_leaves_nothing_half_written(
    user: Client, either: str, workplace: Path
) -> None:
    source = tree(workplace / "many", MANY)
    begun = await start(user, "startCopy", system=either, path=str(source), target=str(workplace / "copy"))
    process = await stopped("cp", str(source))
    assert names(workplace, ".firecrest.*")
    await user.ask(CANCEL, id=begun["task"]["id"])
    assert (await ended(user, begun["transfer"]["id"]))["status"] == "CANCELLED"
    assert names(workplace) == ["many"]
    await until(lambda: process not in {pid for pid, argv in processes() if argv[0] == "cp"})


@pytest.mark.slurm
async def test_a_copy_waits_for_a_job_and_is_cancelled_while_it_waits(user: Client, demo: dict[str, Any]) -> None:
    home = home_of(demo, "slurm")
    submit = """mutation { submitJob(input: {system: "slurm", script: "#!/bin/sh\\nsleep 600\\n"}, waitSeconds: 30) {
        task { result { ... on Job { jobId } } } } }"""
    job_id = (await user.ask(submit))["submitJob"]["task"]["result"]["jobId"]
    later = str(home / uuid4().hex)
    begun = await start(user, "startCopy", system="slurm", path=later, target=f"{later}2", afterJob=job_id)
    waiting = "query($id: ID!) { transfer(id: $id) { job { state dependency } task { status message } } }"

    async def waits() -> bool:
        found = (await user.ask(waiting, id=begun["transfer"]["id"]))["transfer"]
        return found["task"]["status"] == "WAITING" and job_id in found["job"]["dependency"]

    await until(waits, what="the copy waits for the job")
    await user.ask(CANCEL, id=begun["task"]["id"])
    assert (await ended(user, begun["transfer"]["id"]))["status"] == "CANCELLED"
    cancel = 'mutation($id: String!) { cancelJobs(input: {system: "slurm", jobIds: [$id]}) { task { id } } }'
    await user.ask(cancel, id=job_id)


async def test_transfers_are_listed_and_found_by_their_own_user_alone(
    user: Client, other_user: Client, either: str, workplace: Path
) -> None:
    listing = """query($system: String!, $first: Int!, $after: String, $kinds: [TransferKind!]) {
        transfers(filter: {system: $system, kinds: $kinds}, first: $first, after: $after) {
            nodes { id } pageInfo { endCursor hasNextPage } } }"""
    uploads = (await user.ask(listing, system=either, first=100, kinds=["UPLOAD"]))["transfers"]["nodes"]
    made = [
        await carried_out(
            user, "startCopy", system=either, path=str(file(workplace / "a")), target=str(workplace / f"b{n}")
        )
        for n in range(2)
    ]
    page = (await user.ask(listing, system=either, first=1))["transfers"]
    assert [each["id"] for each in page["nodes"]] == [made[1]["id"]]
    after = (await user.ask(listing, system=either, first=1, after=page["pageInfo"]["endCursor"]))["transfers"]
    assert [each["id"] for each in after["nodes"]] == [made[0]["id"]]
    assert (await user.ask(listing, system=either, first=100, kinds=["UPLOAD"]))["transfers"]["nodes"] == uploads
    node = "query($id: ID!) { node(id: $id) { id ... on Transfer { targetPath } } }"
    assert (await user.ask(node, id=made[0]["id"]))["node"]["targetPath"] == str(workplace / "b0")
    for query in (node, "query($id: ID!) { transfer(id: $id) { id } }"):
        assert await other_user.code(query, id=made[0]["id"]) == "NOT_FOUND"
    mine = {each["id"] for each in (await other_user.ask(listing, system=either, first=100))["transfers"]["nodes"]}
    assert not mine & {each["id"] for each in made}
