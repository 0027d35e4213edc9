"""File operations of one viewer: parameters are checked before a certificate is made."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

from firecrest_gql.command import Stdin
from firecrest_gql.errors import FirecrestError, InvalidInput, PermissionDenied, TooLarge
from firecrest_gql.files import paths
from firecrest_gql.files.account import Account
from firecrest_gql.files.contents import Checksum
from firecrest_gql.files.ends import End, Span
from firecrest_gql.files.listing import Stat
from firecrest_gql.files.measuring import DiskUsage, MimeTypes, Usage
from firecrest_gql.files.quotas import Quotas
from firecrest_gql.files.reading import Contents, Reading, Room, lengths
from firecrest_gql.files.road import FileCommand, FileRoad, allows_all
from firecrest_gql.files.writing import MakeDirectory, Remove, Upload
from firecrest_gql.model.files import File, FileSystemUsage, Quota, UserAccount
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import FileSystemSettings, SystemSettings

T = TypeVar("T")

HOME_SECONDS = 300.0
LINE_GUESS = 1024
DEFAULT_LINES = 10
MAX_OFFSET = 2**62  # no file reaches there, and every tail can count so far
MODE = re.compile(r"[0-7]{3,4}")


class Files:
    """Everything that a viewer does with files."""

    def __init__(self, road: FileRoad) -> None:
        self._road = road
        self._homes: dict[tuple[str, str], tuple[float, str]] = {}

    async def account(self, system: SystemSettings, caller: Caller) -> UserAccount:
        """The caller's account there, as the system tells it now."""
        account = await self._road.run(system, caller, Account(system.name, caller.username))
        self._forget_old()
        self._homes[system.name, caller.username] = (time.monotonic(), account.home)
        return account

    async def home(self, system: SystemSettings, caller: Caller) -> str:
        """The caller's home there, asked for at most every five minutes."""
        told, home = self._homes.get((system.name, caller.username), (float("-inf"), ""))
        fresh = time.monotonic() - told < HOME_SECONDS
        return home if fresh else (await self.account(system, caller)).home

    async def resolve(self, system: SystemSettings, caller: Caller, path: str, *, argument: str = "path") -> str:
        """The absolute path, inside the allowed trees or the home."""
        paths.check(**{argument: path})
        limited = not allows_all(system)
        home = await self.home(system, caller) if limited or paths.needs_home(path) else None
        found = paths.resolve(path, argument=argument, home=home)
        paths.allow(found, (*system.allowed_paths, *([home] if home else [])), argument=argument)
        return found

    async def resolve_changeable(
        self, system: SystemSettings, caller: Caller, path: str, *, argument: str = "path"
    ) -> str:
        """The same, but never / and never the home itself or what leads to it."""
        place = await self.resolve(system, caller, path, argument=argument)
        home = await self.home(system, caller)
        if place == "/" or home.rstrip("/") == place or home.startswith(place + "/"):
            raise PermissionDenied(f"{argument}: {place!r} is or holds the home: it is left as it is")
        return place

    async def stat(self, system: SystemSettings, caller: Caller, path: str) -> File:
        """The file at this path, links not followed."""
        [found] = await self.stats(system, caller, [path], argument="path")
        if isinstance(found, FirecrestError):
            raise found
        return found

    async def stats(
        self, system: SystemSettings, caller: Caller, wanted: Sequence[str], *, argument: str = "paths"
    ) -> list[File | FirecrestError]:
        """The file at each path, or why there is none."""
        places = [await self._resolved(system, caller, path, argument) for path in wanted]
        good = tuple(dict.fromkeys(place for place in places if isinstance(place, str)))
        found = await self._road.run(system, caller, Stat(system.name, good)) if good else {}
        return [found[place] if isinstance(place, str) else place for place in places]

    async def pieces(
        self, system: SystemSettings, caller: Caller, span: Span, guesses: Mapping[str, int], room: Room
    ) -> Contents:
        """The bytes of each place, of which probably so many are there, by as few commands as their output allows."""
        return await Reading(self._road, system, caller, room).read(span, guesses)

    async def ask(self, system: SystemSettings, caller: Caller, command: FileCommand[T]) -> T:
        """The answer of any command on files that the viewer has found already."""
        return await self._road.run(system, caller, command)

    async def checksums(
        self, system: SystemSettings, caller: Caller, algorithm: str, wanted: Sequence[str]
    ) -> dict[str, str | FirecrestError]:
        """The checksum of each place, by one command."""
        return await self._road.run(system, caller, Checksum(algorithm, tuple(wanted)))

    async def mime_types(
        self, system: SystemSettings, caller: Caller, wanted: Sequence[str]
    ) -> dict[str, str | FirecrestError]:
        """The media type of what is at each place, by one command."""
        return await self._road.run(system, caller, MimeTypes(tuple(wanted)))

    async def disk_usages(
        self, system: SystemSettings, caller: Caller, wanted: Sequence[str]
    ) -> dict[str, int | FirecrestError]:
        """The bytes on disk of the tree at each place, by one command."""
        return await self._road.run(system, caller, DiskUsage(tuple(wanted)))

    async def usages(
        self, system: SystemSettings, caller: Caller, wanted: Sequence[str]
    ) -> dict[str, FileSystemUsage | FirecrestError]:
        """The room of the file system at each place, by one command."""
        return await self._road.run(system, caller, Usage(tuple(wanted)))

    async def quotas(self, system: SystemSettings, caller: Caller, of: FileSystemSettings) -> list[Quota]:
        """What each of the file system's commands tells, all at once."""
        names = {"{username}": caller.username, "{path}": of.path}
        commands = [
            Quotas(tuple(_replaced(word, names) for word in asked.command), asked.format, caller.username)
            for asked in of.quotas
        ]
        told = await asyncio.gather(*(self._road.run(system, caller, command) for command in commands))
        return [quota for quotas in told for quota in quotas]

    async def create_directory(
        self, system: SystemSettings, caller: Caller, path: str, *, parents: bool, mode: str | None
    ) -> str:
        """Make it and answer where."""
        check_mode(mode)
        place = await self.resolve(system, caller, path)
        await self._road.run(system, caller, MakeDirectory(place, parents, mode))
        return place

    async def upload(
        self, system: SystemSettings, caller: Caller, path: str, content: Stdin, *, overwrite: bool, mode: str | None
    ) -> str:
        """Write the file and answer where; one byte over the limit is `TooLarge`."""
        check_mode(mode)
        limit = system.limits.max_inline_file_size
        if content.size > limit:
            raise TooLarge(f"content: {content.size} bytes are over maxInlineFileSize, {limit}; startUpload takes more")
        place = await self.resolve(system, caller, path)
        seconds = system.limits.command_timeout_seconds
        await self._road.run(system, caller, Upload(place, content, mode, overwrite, seconds))
        return place

    async def remove(self, system: SystemSettings, caller: Caller, path: str, *, recursive: bool) -> str:
        """Remove it and answer what; never / and never the home itself."""
        place = await self.resolve_changeable(system, caller, path)
        await self._road.run(system, caller, Remove(place, recursive))
        return place

    async def _resolved(self, system: SystemSettings, caller: Caller, path: str, argument: str) -> str | FirecrestError:
        try:
            return await self.resolve(system, caller, path, argument=argument)
        except (InvalidInput, PermissionDenied) as error:
            return error

    def _forget_old(self) -> None:
        limit = time.monotonic() - HOME_SECONDS
        self._homes = {key: value for key, value in self._homes.items() if value[0] > limit}


def end_spans(system: SystemSettings, end: End, lines: int | None, size: int | None) -> list[Span]:
    """What is read from an end, one after the other until there are enough lines; ten where nothing is said."""
    if lines is not None and size is not None:
        raise InvalidInput("lines, bytes: one of the two")
    if size is not None:
        return [Span(end, _length(system, size, "bytes"))]
    lines = DEFAULT_LINES if lines is None else lines
    if lines < 0:
        raise InvalidInput(f"lines: not below 0, is {lines}")
    longest = system.limits.max_inline_file_size
    steps = lengths((16 + lines) * LINE_GUESS, longest)
    return [Span(end, length, lines=lines, last=length == longest) for length in steps]


def content_span(system: SystemSettings, offset: int, length: int | None) -> Span:
    """What is read from an offset on."""
    if not 0 <= offset <= MAX_OFFSET:
        raise InvalidInput(f"offset: from 0 to {MAX_OFFSET}, is {offset}")
    return Span(End.HEAD, _length(system, length, "length"), offset)


def _length(system: SystemSettings, size: int | None, argument: str) -> int:
    limit = system.limits.max_inline_file_size
    size = limit if size is None else size
    if size < 0:
        raise InvalidInput(f"{argument}: not below 0, is {size}")
    if size > limit:
        raise TooLarge(
            f"{argument}: {size} bytes are over maxInlineFileSize, {limit}; read on from nextOffset, or startDownload"
        )
    return size


def _replaced(word: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        word = word.replace(name, value)
    return word


def check_mode(mode: str | None) -> None:
    """Refuse what is no mode of a new entry."""
    if mode is not None and not MODE.fullmatch(mode):
        raise InvalidInput(f"mode: three or four octal digits, not {mode[:20]!r}")
