"""A file and its viewers: one remote tail for those of one user, whatever each has seen and however slow each is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from firecrest_gql.command import Remote, Result
from firecrest_gql.errors import InvalidInput, PermissionDenied
from firecrest_gql.jobs import latest, shared
from firecrest_gql.jobs.latest import Latest
from firecrest_gql.jobs.tail import Extent, Part, Tail
from firecrest_gql.jobs.tails import Tails
from firecrest_gql.model.identity import Caller
from firecrest_gql.model.jobs import OutputChunk
from tests.jobs_system import SYSTEM, ThisMachine, caller
from tests.sizes import size
from tests.waiting import until

SOME = size(1_000_000, 20_000_000)


def noise(random: Random, count: int) -> bytes:
    """Bytes of every kind, whose last one begins no character that would be waited for."""
    return random.randbytes(count) + b"\n"


@dataclass
class Viewer:
    """Somebody who follows; `data` is what came behind the last reset, and `pause` is how slowly it is read."""

    chunks: AsyncGenerator[OutputChunk, None]
    pause: float = 0
    data: bytearray = field(default_factory=bytearray)
    resets: int = 0
    begun: int | None = None

    def __post_init__(self) -> None:
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with aclosing(self.chunks) as chunks:
            expected: int | None = None
            async for chunk in chunks:
                if chunk.reset:
                    self.resets, self.data = self.resets + 1, bytearray()
                else:
                    assert expected in (None, chunk.offset)
                    self.begun = chunk.offset if self.begun is None else self.begun
                expected = chunk.next_offset
                self.data += chunk.data
                await asyncio.sleep(self.pause)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@dataclass
class Scene:
    """A file, and who follows it."""

    machine: ThisMachine
    path: Path
    viewers: list[Viewer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tails = Tails(self.machine)

    def follow(self, offset: int | None = None, username: str = "fireuser", pause: float = 0) -> Viewer:
        """One more viewer."""
        viewer = Viewer(self.tails.follow(SYSTEM, caller(username), str(self.path), offset), pause=pause)
        self.viewers.append(viewer)
        return viewer

    def write(self, data: bytes) -> None:
        """Append."""
        with self.path.open("ab") as file:
            file.write(data)

    async def following(self, tails: int = 1) -> None:
        """Wait until the remote side follows, and everybody has had the first look."""
        looks = len(self.viewers)
        await until(lambda: self.machine.count(Tail) >= tails and self.machine.count(Extent) >= looks)
        await until(lambda: self.machine.running == tails)

    async def all_left(self) -> None:
        for viewer in self.viewers:
            await viewer.leave()
        assert self.machine.running == 0


@pytest.fixture
def scene(machine: ThisMachine, tmp_path: Path) -> Scene:
    return Scene(machine, tmp_path / "log")


async def test_viewers_of_one_user_share_one_remote_tail_which_ends_with_the_last(scene: Scene) -> None:
    scene.write(b"0123456789")
    first, second, third = scene.follow(0), scene.follow(4), scene.follow()
    await until(lambda: [first.data, second.data] == [b"0123456789", b"456789"])
    await scene.following()
    await first.leave()
    scene.write(b"ab")
    await until(lambda: [second.data, third.data] == [b"456789ab", b"ab"])
    assert (first.begun, second.begun, third.begun) == (0, 4, 10)
    assert scene.machine.count(Tail) == 1
    await scene.all_left()


async def test_no_tail_is_shared_between_users(scene: Scene) -> None:
    scene.write(b"x")
    one, other = scene.follow(0), scene.follow(0, username="fireuser2")
    await until(lambda: one.data == other.data == b"x")
    tails = sorted(who.username for who, act in _ran(scene.machine) if isinstance(act, Tail))
    assert tails == ["fireuser", "fireuser2"]
    await scene.all_left()


def _ran(machine: ThisMachine) -> list[tuple[Caller, Remote]]:
    return list(zip(machine.asked_by, machine.ran, strict=True))


async def test_who_comes_late_reads_the_file_and_then_what_all_read(scene: Scene) -> None:
    old = noise(Random(1), SOME)
    scene.write(old)
    first = scene.follow()
    await scene.following()
    late = scene.follow(7)
    await until(lambda: late.data == old[7:])
    scene.write(b"new")
    await until(lambda: late.data == old[7:] + b"new" and first.data == b"new")
    assert (scene.machine.count(Tail), scene.machine.count(Part)) == (1, 1)
    await scene.all_left()


async def test_a_slow_viewer_holds_up_nobody_and_loses_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "MAX_BYTES", 128 * 1024)
    scene.write(b"")
    slow, fast = scene.follow(0, pause=3600), scene.follow(0)
    scene.write(b"the beginning\n")
    await until(lambda: slow.data == fast.data == b"the beginning\n")
    words = noise(Random(2), SOME)
    scene.write(words)
    await until(lambda: fast.data == b"the beginning\n" + words)
    assert slow.data == b"the beginning\n"
    await slow.leave()
    back = scene.follow(len(slow.data), pause=0.001)
    await until(lambda: slow.data + back.data == fast.data)
    assert scene.machine.count(Tail) == 1
    await scene.all_left()


async def test_a_tail_reads_no_faster_than_its_fastest_viewer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = list[Latest]()

    class Kept(Latest):
        """One that the test knows."""

        def __init__(self) -> None:
            super().__init__()
            kept.append(self)

    monkeypatch.setattr(shared, "Latest", Kept)
    scene.write(bytes(SOME))
    slow = scene.follow(0, pause=3600)
    await until(lambda: bool(slow.data))
    await scene.following()
    [log] = kept
    assert log.head < latest.MAX_BYTES
    await scene.all_left()


@pytest.mark.parametrize("how", ["truncated", "replaced", "removed and made again"])
async def test_a_file_that_begins_anew_is_reset_once_for_each_viewer(scene: Scene, how: str, tmp_path: Path) -> None:
    scene.write(b"old words")
    viewers = [scene.follow(0), scene.follow(3), scene.follow()]
    await until(lambda: viewers[0].data == b"old words" and viewers[1].data == b" words")
    await scene.following()
    if how == "truncated":
        scene.path.write_bytes(b"new")
    elif how == "replaced":
        (tmp_path / "other").write_bytes(b"new")
        scene.path.rename(tmp_path / "log.1")
        (tmp_path / "other").rename(scene.path)
    else:
        scene.path.unlink()
        await until(lambda: viewers[0].resets == 1)
        scene.write(b"new")
    await until(lambda: {(bytes(viewer.data), viewer.resets) for viewer in viewers} == {(b"new", 1)})
    scene.write(b" words")
    await until(lambda: {bytes(viewer.data) for viewer in viewers} == {b"new words"})
    await scene.all_left()


async def test_a_file_that_is_not_there_yet_is_waited_for(scene: Scene) -> None:
    viewers = [scene.follow(), scene.follow(0)]
    await scene.following()
    scene.write("début".encode())
    await until(lambda: {bytes(viewer.data) for viewer in viewers} == {"début".encode()})
    assert [viewer.resets for viewer in viewers] == [0, 0]
    await scene.all_left()


async def test_an_offset_in_a_file_that_is_gone_begins_anew(scene: Scene) -> None:
    viewer = scene.follow(100)
    await until(lambda: viewer.resets == 1)
    await scene.following()
    scene.write(b"new")
    await until(lambda: viewer.data == b"new")
    await scene.all_left()


async def test_the_present_end_is_the_end_of_a_character(scene: Scene) -> None:
    sign = "日".encode()
    scene.write(b"x" + sign[:2])
    viewer = scene.follow()
    await scene.following()
    scene.write(sign[2:])
    await until(lambda: viewer.data == sign)
    assert viewer.begun == 1
    await scene.all_left()


async def test_the_tail_of_those_who_stay_needs_nobody_who_has_left(scene: Scene) -> None:
    scene.write(b"x")
    first = scene.follow(0)
    await scene.following()
    other = replace(caller(), request_id="another")
    stays = Viewer(scene.tails.follow(SYSTEM, other, str(scene.path), 0))
    scene.viewers.append(stays)
    await until(lambda: stays.data == b"x")
    await first.leave()
    scene.path.write_bytes(b"")  # the tail begins anew, for which somebody must ask
    await until(lambda: stays.resets == 1)
    scene.write(b"y")
    await until(lambda: stays.data == b"y")
    assert [who for who, act in _ran(scene.machine) if isinstance(act, Tail)] == [caller(), other]
    await scene.all_left()


async def test_a_system_that_goes_away_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "FIRST_PAUSE", 0.05)
    scene.write(b"before")
    viewer = scene.follow(0)
    await until(lambda: viewer.data == b"before")
    scene.machine.down = True
    scene.path.write_bytes(b"")
    await until(lambda: scene.machine.refused > 0)
    scene.write(b"after")
    scene.machine.down = False
    await until(lambda: viewer.data == b"after")
    assert viewer.resets == 1
    await scene.all_left()


async def test_whatever_becomes_of_a_file_its_viewers_end_with_what_is_in_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Written, truncated and replaced at random, read at any pace: what came behind the last reset is the file."""
    monkeypatch.setattr(latest, "MAX_BYTES", 5_000)
    random = Random(3)
    scene.write(noise(random, 3_000))
    viewers = [scene.follow(random.choice([0, 1000, 2999]), pause=random.choice([0, 0, 0.01])) for _ in range(5)]
    for _ in range(size(12, 200)):
        act = random.choice(["write"] * 4 + ["truncate", "replace"])
        if act == "write":
            scene.write(noise(random, random.randrange(20_000)))
        elif act == "truncate":
            scene.path.write_bytes(b"")
        else:
            (tmp_path / "other").write_bytes(noise(random, 100))
            (tmp_path / "other").rename(scene.path)
        await asyncio.sleep(random.choice([0, 0.02, 0.1]))
        if random.random() < 0.3:
            leaving = viewers.pop(0)
            await leaving.leave()
            viewers.append(scene.follow(0))
    # Only from here on is all quiet, so that a tail can have seen each of the changes that count.
    scene.path.write_bytes(b"")
    await asyncio.sleep(0.3)
    scene.write(b"the last words")
    await until(lambda: {bytes(viewer.data) for viewer in viewers} == {b"the last words"})
    await scene.all_left()


@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
async def test_what_has_no_end_is_not_followed(machine: ThisMachine, tmp_path: Path, path: str) -> None:
    if path == "pipe":
        path = str(tmp_path / "pipe")
        await machine.run(SYSTEM, caller(), _MakePipe(path))
    with pytest.raises(InvalidInput, match="cannot be followed"):
        await anext(Tails(machine).follow(SYSTEM, caller(), path, 0))


@dataclass(frozen=True)
class _MakePipe(Extent):
    """A named pipe."""

    @property
    def argv(self) -> list[str]:
        return ["sh", "-c", 'mkfifo "$1"; echo 0 regular file', "mkfifo", self.path]


def test_what_the_system_refuses_is_refused() -> None:
    with pytest.raises(PermissionDenied):
        Extent("/x").parse(Result(2, b"", b"extent: 1: cannot open /x: Permission denied"))
