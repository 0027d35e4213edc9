"""Strings of any kind reach the system as data: nothing is run of them, and programs are called as it was meant.

One attempt is one string that a command carried to the system, where every program that the command started wrote down
its arguments: these are the ones that a harmless name brings about, with the string in the place of that name.
"""

import inspect
import itertools
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from firecrest_gql.command import Remote
from firecrest_gql.errors import ErrorCode, InvalidInput
from firecrest_gql.files.account import Account
from firecrest_gql.files.attributes import ACCOUNT_NAME, GROUP_NAME, MODE
from firecrest_gql.files.changes import Changes
from firecrest_gql.files.road import FileCommand, FileRoad
from firecrest_gql.files.service import MODE as NEW_MODE
from firecrest_gql.files.service import Files
from firecrest_gql.files.streaming import FileStream
from firecrest_gql.settings import SystemSettings
from firecrest_gql.transfers.staged import Fetch, Send
from firecrest_gql.transfers.staged_trees import FetchTree
from tests.attacks_on_shells import as_name, attacks
from tests.file_commands import ALONE, SEVERAL, Place, Strings
from tests.recorder import Calls, comparable, meant
from tests.shores import DONE, Shore, Way, held, shore
from tests.sizes import size
from tests.together import shared

__all__ = ["shore"]

STRINGS = size(40, 5000)
COMMANDS = size(46, 3000)  # on one path or two, with up to four of the strings each
AT_ONCE = size(20, 100)  # paths of a command on many
EVERY = 10  # command of those that go by a connection of their own, where the others' stay
PLAIN = Strings("plain0name", "plain0new", "plain0words", "plain0line")
ELSEWHERE = {Account, Fetch, FetchTree, Send}  # it takes no string; test_transfers_injection tries the others
UNTOLD = {"room": ErrorCode.CONFLICT}  # df shows what it cannot print of a name as ?: sites have plainer ones
ALL = list(itertools.product(ALONE, (False, True)))  # by name, and whether allowed paths hold it
KINDS = [kind for number, kind in enumerate(ALL) if size(number % 4 in (0, 3), True)]
NUMBERED = [f"plain{number:02}name" for number in range(AT_ONCE)]


@dataclass(frozen=True)
class Told:
    """How a command ended, and which programs were called."""

    outcome: str
    calls: Calls


def bounded(system: SystemSettings, name: str) -> SystemSettings:
    """The system with allowed paths that do not hold the home, which is then allowed as such."""
    return system.model_copy(update={"allowed_paths": (f"/srv/{name}",)})


async def told(shore: Shore, way: Way, system: SystemSettings, remote: Remote, folder: Path) -> Told:
    """What a command brings about, which is first of all what was asked for."""
    way.lane.taken()
    outcome = await shore.outcome(system, remote)
    calls = way.lane.taken()
    assert calls[tuple(held(system, remote).argv)] == 1, (remote, calls)
    return Told(outcome, comparable(calls, folder))


def same(kind: tuple[str, bool], got: Told, template: Told, strings: Mapping[str, str]) -> int:
    """How many strings were carried; fails where anything else was called than was meant."""
    expected = meant(template.calls, strings)
    assert got.outcome in (template.outcome, UNTOLD.get(kind[0])), (kind, strings, got)
    assert got.calls == expected, (kind, strings, got.calls - expected, expected - got.calls)
    words = "\n".join(itertools.chain.from_iterable(template.calls))
    return sum(name in words for name in strings)


async def one(shore: Shore, way: Way, kind: tuple[str, bool], strings: Strings, *, alone: bool = False) -> Told:
    """What the command of this name, confined or not, brings about in a folder of its own."""
    name, confined = kind
    system = way.alone if alone else way.pooled
    place = Place(shore.home / f"attempt-{way.lane.folder.name}", strings)
    with shore.made(place.folder, place.prepare):
        remote = ALONE[name](place)
        return await told(shore, way, bounded(system, strings.new) if confined else system, remote, place.folder)


async def test_each_command_calls_what_it_was_meant_to_call(shore: Shore) -> None:
    texts = attacks(STRINGS, shore.recorder.canary)
    templates: dict[tuple[str, bool], Told] = {}
    attempts = 0

    async def learn(way: Way, kind: tuple[str, bool]) -> None:
        templates[kind] = await one(shore, way, kind, PLAIN)
        assert templates[kind].outcome == (DONE if kind[0] != "compress some" else ErrorCode.NOT_FOUND), kind

    async def attempt(way: Way, number: int) -> None:
        nonlocal attempts
        kind = KINDS[number % len(KINDS)]
        name, new, words, line = (texts[(2 * number + step) % len(texts)] for step in range(4))
        strings = Strings(as_name(name), as_name(new), words, line.replace("\n", " "))
        got = await one(shore, way, kind, strings, alone=number % EVERY == 0)
        attempts += same(kind, got, templates[kind], dict(zip(astuple(PLAIN), astuple(strings), strict=True)))

    await shared(shore.ways, KINDS, learn)
    await shared(shore.ways, range(COMMANDS), attempt)
    assert attempts >= size(80, 5000), attempts


async def several(shore: Shore, way: Way, kind: tuple[str, bool], names: Sequence[str], *, alone: bool = False) -> Told:
    """The same of a command on many paths, whose answers are those of their paths."""
    name, confined = kind
    system = way.alone if alone else way.pooled
    folder = shore.home / f"attempt-{way.lane.folder.name}"
    paths = tuple(f"{folder}/{name}+{number}" for number, name in enumerate(names))
    with shore.made(folder, lambda: numbered(paths)):
        return await told(shore, way, bounded(system, names[0]) if confined else system, SEVERAL[name](paths), folder)


def numbered(paths: Iterable[str]) -> None:
    """A file at each path."""
    for number, path in enumerate(paths):
        Path(path).write_text(f"{number:04}")


async def test_each_command_on_many_paths_gives_its_programs_all_of_them_as_they_are(shore: Shore) -> None:
    texts = [as_name(text) for text in attacks(STRINGS, shore.recorder.canary)]
    templates: dict[tuple[str, bool], Told] = {}
    attempts = 0

    async def learn(way: Way, kind: tuple[str, bool]) -> None:
        templates[kind] = await several(shore, way, kind, NUMBERED)
        assert templates[kind].outcome == DONE

    async def attempt(way: Way, turn: int) -> None:
        nonlocal attempts
        names, confined = texts[turn * AT_ONCE :][:AT_ONCE], list(SEVERAL)[turn % len(SEVERAL)]
        for kind in (*((name, False) for name in SEVERAL), (confined, True)):
            got = await several(shore, way, kind, names, alone=turn % EVERY == 0)
            attempts += same(kind, got, templates[kind], dict(zip(NUMBERED, names, strict=True)))

    await shared(shore.ways, itertools.product(SEVERAL, (False, True)), learn)
    await shared(shore.ways, range(STRINGS // AT_ONCE), attempt)
    assert attempts == STRINGS * (len(SEVERAL) + 1)


async def test_what_is_no_mode_and_no_owner_reaches_no_system(shore: Shore) -> None:
    road, way = FileRoad(shore.transport), shore.ways[0]
    files, on = Files(road), (way.pooled, shore.caller)
    changes, path = Changes(road, files), f"{shore.home}/file"
    for text in attacks(STRINGS, shore.recorder.canary):
        wrong = [files.create_directory(*on, path, parents=False, mode=text)] if not NEW_MODE.fullmatch(text) else []
        if not MODE.fullmatch(text):
            wrong.append(changes.change_mode(*on, path, text, recursive=False))
        if not ACCOUNT_NAME.fullmatch(text):
            wrong.append(changes.change_owner(*on, path, text, None, recursive=False))
        if not GROUP_NAME.fullmatch(text):
            wrong.append(changes.change_owner(*on, path, None, text, recursive=False))
        for refused in wrong:
            with pytest.raises(InvalidInput):
                await refused
    assert not way.lane.taken()


def test_no_command_on_files_is_forgotten(tmp_path: Path) -> None:
    place = Place(tmp_path / "folder", PLAIN)
    place.prepare()
    tried = {type(make(place)) for make in ALONE.values()} | {type(make(())) for make in SEVERAL.values()}
    assert concrete(FileCommand) | concrete(FileStream) == tried | ELSEWHERE


def concrete(kind: type) -> set[type]:
    """Every kind of it that can be made."""
    found = set[type]().union(*map(concrete, kind.__subclasses__()))
    itself = getattr(sys.modules[kind.__module__], kind.__name__) is kind  # slots are made by making a class again
    return {kind} | found if itself and not inspect.isabstract(kind) else found
