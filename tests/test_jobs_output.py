"""A job's output as it grows: exact bytes, from any offset, through truncation and replacement."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from broadcaster import Broadcast
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from firecrest_gql.errors import InvalidInput, IsADirectory, NotFound
from firecrest_gql.jobs.cutting import MAX_CHUNK, Cutter
from firecrest_gql.jobs.output import JobOutput
from firecrest_gql.jobs.query import Jobs
from firecrest_gql.jobs.recent import RecentJobs
from firecrest_gql.jobs.tail import Tail
from firecrest_gql.jobs.tails import Tails
from firecrest_gql.model.identity import Principal
from firecrest_gql.model.jobs import JobSpec, OutputChunk, OutputStream
from firecrest_gql.schedulers.direct.dialect import Direct
from tests.jobs_system import SYSTEM, ThisMachine, caller, watching
from tests.waiting import until

NAMES = ["plain", "it's $(false) `x`\n-n", "-dash", "日本 \udcff"]


@dataclass
class Followed:
    """A file that somebody writes until its `ended` is set, and those who follow it."""

    machine: ThisMachine
    path: Path
    ended: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def __post_init__(self) -> None:
        self.tails = Tails(self.machine)

    def chunks(self, offset: int | None = None, username: str = "fireuser") -> AsyncGenerator[OutputChunk, None]:
        """What one viewer is told."""
        return self.tails.follow(SYSTEM, caller(username), str(self.path), offset, self.ended)


async def collected(chunks: AsyncIterator[OutputChunk], into: list[OutputChunk]) -> bytes:
    """All bytes behind the last reset; each chunk must begin where the one before has ended."""
    async for chunk in chunks:
        if into and not chunk.reset:
            assert chunk.offset == into[-1].next_offset
        into.append(chunk)
    last = max((n for n, chunk in enumerate(into) if chunk.reset), default=0)
    return b"".join(chunk.data for chunk in into[last:])


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_of_any_name_is_followed_byte_by_byte_until_it_has_ended(
    machine: ThisMachine, tmp_path: Path, name: str
) -> None:
    seen: list[OutputChunk] = []
    followed = Followed(machine, tmp_path / name)
    reading = asyncio.create_task(collected(followed.chunks(0), seen))
    await until(lambda: machine.count(Tail) == 1)
    with (tmp_path / name).open("wb", buffering=0) as file:
        for part in (b"one\n", b"\0\xff\xfe", "é".encode()[:1], "é".encode()[1:]):
            file.write(part)
            await until(lambda: sum(len(chunk.data) for chunk in seen) >= file.tell() - 2)
        file.write(b"the last words")
    followed.ended.set_result(None)
    assert await reading == b"one\n\0\xff\xfe" + "é".encode() + b"the last words"


async def test_a_file_that_appears_late_or_never_is_no_error(machine: ThisMachine, tmp_path: Path) -> None:
    followed = Followed(machine, tmp_path / "never")
    reading = asyncio.create_task(collected(followed.chunks(0), []))
    await until(lambda: machine.count(Tail) == 1)
    followed.ended.set_result(None)
    assert await reading == b""


async def test_reading_resumes_at_an_offset(machine: ThisMachine, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"0123456789")
    followed = Followed(machine, tmp_path / "out")
    followed.ended.set_result(None)
    seen: list[OutputChunk] = []
    assert await collected(followed.chunks(4), seen) == b"456789"
    assert (seen[0].offset, seen[-1].next_offset) == (4, 10)


async def test_an_offset_behind_the_end_begins_anew(machine: ThisMachine, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"new")
    followed = Followed(machine, tmp_path / "out")
    followed.ended.set_result(None)
    seen: list[OutputChunk] = []
    assert await collected(followed.chunks(400), seen) == b"new"
    assert seen[0] == OutputChunk(offset=0, data=b"", reset=True)


@pytest.mark.parametrize("how", ["truncated", "replaced"])
async def test_a_file_that_begins_anew_is_told_as_a_reset(machine: ThisMachine, tmp_path: Path, how: str) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old old old")
    followed, seen = Followed(machine, path), list[OutputChunk]()
    reading = asyncio.create_task(collected(followed.chunks(0), seen))
    await until(lambda: b"".join(chunk.data for chunk in seen) == b"old old old")
    if how == "truncated":
        path.write_bytes(b"new")
    else:
        (tmp_path / "other").write_bytes(b"new")
        (tmp_path / "other").rename(path)
    await until(lambda: any(chunk.reset for chunk in seen))
    followed.ended.set_result(None)
    assert await reading == b"new"


async def test_a_directory_is_no_output(machine: ThisMachine, tmp_path: Path) -> None:
    with pytest.raises(IsADirectory):
        await collected(Followed(machine, tmp_path).chunks(0), [])


async def test_who_leaves_leaves_no_tail_behind(machine: ThisMachine, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"x")
    async with aclosing(Followed(machine, tmp_path / "out").chunks(0)) as chunks:
        assert (await anext(chunks)).data == b"x"
    assert machine.running == 0


@given(st.lists(st.binary(max_size=20) | st.text(max_size=8).map(str.encode), max_size=20))
def test_cut_bytes_are_the_same_bytes_and_text_is_cut_between_characters(parts: list[bytes]) -> None:
    cutter, chunks = Cutter(7), list[OutputChunk]()
    for part in parts:
        chunks += cutter.feed(part)
    chunks += cutter.flush()
    assert b"".join(chunk.data for chunk in chunks) == b"".join(parts)
    offset = 7
    for chunk in chunks:
        assert chunk.offset == offset
        offset = chunk.next_offset
    text = b"".join(parts)
    try:
        assert "".join(chunk.data.decode() for chunk in chunks) == text.decode()
    except UnicodeDecodeError:
        with pytest.raises(UnicodeDecodeError):
            text.decode()


def test_chunks_are_of_bounded_size() -> None:
    chunks = list(Cutter(0).feed("é".encode() * MAX_CHUNK))
    assert {len(chunk.data) for chunk in chunks} == {MAX_CHUNK}
    odd = list(Cutter(0).feed(b"x" + "é".encode() * MAX_CHUNK))
    assert [len(chunk.data) for chunk in odd] == [MAX_CHUNK - 1, MAX_CHUNK, 2]


async def outputs(machine: ThisMachine, redis: Redis, broadcast: Broadcast) -> tuple[Jobs, JobOutput]:
    jobs = Jobs(machine, {"direct": Direct()}, RecentJobs(redis))
    return jobs, JobOutput(jobs, Tails(machine), watching(jobs, redis, broadcast))


@pytest.mark.redis
async def test_what_a_job_writes_arrives_while_it_runs_and_ends_with_it(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    _, output = await outputs(machine, redis, broadcast)
    go = machine.home(viewer.username) / "go"
    script = f"#!/bin/sh\necho hello\nuntil test -e '{go}'; do sleep 0.05; done\necho done\necho wrong >&2\n"
    spec = JobSpec(script=script, stderr_path="%j.err")
    job_id = await machine.run(SYSTEM, caller(viewer.username), Direct().submit(spec, "key"))
    said = b""
    async for chunk in output.output(viewer, SYSTEM, job_id):
        said += chunk.data
        if said == b"hello\n":
            go.touch()
    assert said == b"hello\ndone\n"
    assert [chunk.data async for chunk in output.output(viewer, SYSTEM, job_id, OutputStream.STDERR)] == [b"wrong\n"]
    assert [chunk.data async for chunk in output.output(viewer, SYSTEM, job_id, offset=6)] == [b"done\n"]


@pytest.mark.redis
async def test_a_large_output_arrives_whole_although_its_reader_leaves_and_comes_back(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    _, output = await outputs(machine, redis, broadcast)
    script = "#!/bin/sh\nfor i in 1 2 3 4 5; do seq 50000; sleep 0.1; done\n"
    job_id = await machine.run(SYSTEM, caller(viewer.username), Direct().submit(JobSpec(script=script), "key"))
    said, ended = b"", False
    while not ended:
        ended = True
        async for chunk in output.output(viewer, SYSTEM, job_id, offset=len(said)):
            assert chunk.offset == len(said)
            said += chunk.data
            if len(said) % 7 == 0:
                ended = False
                break
    assert said == b"".join(b"%d\n" % n for n in range(1, 50001)) * 5


@pytest.mark.redis
async def test_a_job_that_never_began_has_no_output_although_an_older_one_wrote_to_its_file(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    _, output = await outputs(machine, redis, broadcast)

    async def submitted(**spec: Any) -> str:
        return await machine.run(SYSTEM, caller(viewer.username), Direct().submit(JobSpec(**spec), uuid4().hex))

    async def said(job_id: str) -> bytes:
        return b"".join([chunk.data async for chunk in output.output(viewer, SYSTEM, job_id)])

    first = await submitted(script="#!/bin/sh\necho old\n", stdout_path="out")
    assert await said(first) == b"old\n"
    running = await submitted(script="#!/bin/sh\nsleep 600\n")
    second = await submitted(script="#!/bin/sh\n", stdout_path="out", dependency=f"afterok:{running}")
    await machine.run(SYSTEM, caller(viewer.username), Direct().cancel([second]))
    assert await said(second) == b""


@pytest.mark.redis
async def test_an_array_has_no_output_of_its_own_and_each_of_its_tasks_has(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    _, output = await outputs(machine, redis, broadcast)
    spec = JobSpec(script="#!/bin/sh\necho $FIRECREST_ARRAY_TASK_ID\n", array="1-2")
    array = await machine.run(SYSTEM, caller(viewer.username), Direct().submit(spec, "key"))
    with pytest.raises(InvalidInput):
        await anext(output.output(viewer, SYSTEM, array))
    assert [chunk.data async for chunk in output.output(viewer, SYSTEM, f"{array}_2")] == [b"2\n"]


@pytest.mark.redis
async def test_there_is_no_output_of_no_job(
    machine: ThisMachine, redis: Redis, broadcast: Broadcast, viewer: Principal
) -> None:
    _, output = await outputs(machine, redis, broadcast)
    with pytest.raises(NotFound):
        await anext(output.output(viewer, SYSTEM, "77"))
