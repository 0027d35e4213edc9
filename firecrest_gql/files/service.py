"""File operations of one viewer: parameters are checked before a certificate is made."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from firecrest_gql.command import Stdin
from firecrest_gql.errors import FirecrestError, InvalidInput, PermissionDenied, TooLarge
from firecrest_gql.files import paths
from firecrest_gql.files.account import Account
from firecrest_gql.files.contents import Checksum, Read, first_lines, last_lines
from firecrest_gql.files.ends import End, Ends, one_end, size_of
from firecrest_gql.files.listing import Stat
from firecrest_gql.files.measuring import DiskUsage, MimeTypes, Usage
from firecrest_gql.files.quotas import Quotas
from firecrest_gql.files.road import FileCommand, FileRoad, allows_all
from firecrest_gql.files.writing import MakeDirectory, Remove, Upload
from firecrest_gql.model.files import File, FileContent, FileSystemUsage, Quota, UserAccount
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

    async def head(
        self,
        system: SystemSettings,
        read: Callable[[int], Awaitable[FileContent]],
        *,
        lines: int | None,
        size: int | None,
    ) -> FileContent:
        """The first lines or bytes, of which `read` brings so many; ten lines where nothing is said."""
        lines, length = _extent(system, lines, size)
        content = await read(length)
        if lines is None:
            return content
        if content.data.count(b"\n") < lines and content.truncated:
            content = await read(system.limits.max_inline_file_size)
        return first_lines(content, lines)

    async def tail(
        self,
        system: SystemSettings,
        read: Callable[[int], Awaitable[FileContent]],
        *,
        lines: int | None,
        size: int | None,
    ) -> FileContent:
        """The last lines or bytes, of which `read` brings so many; ten lines where nothing is said."""
        lines, length = _extent(system, lines, size)
        content = await read(length)
        if lines is None:
            return content
        if content.data.count(b"\n") <= lines and content.truncated:
            content = await read(system.limits.max_inline_file_size)
        return last_lines(content, lines)

    async def ends(
        self, system: SystemSettings, caller: Caller, end: End, length: int, wanted: Sequence[str]
    ) -> dict[str, FileContent | FirecrestError]:
        """Bytes from one end of each place, by as few commands as their output allows."""
        if len(wanted) == 1:
            content = await self._road.run(system, caller, one_end(wanted[0], end, length))
            return {wanted[0]: content}
        at_once = max(1, system.limits.max_output_size // size_of(length))
        told: dict[str, FileContent | FirecrestError] = {}
        for start in range(0, len(wanted), at_once):
            some = await self._road.run(system, caller, Ends(tuple(wanted[start : start + at_once]), end, length))
            told.update(some)
        return told

    async def content(
        self, system: SystemSettings, caller: Caller, file: File, *, offset: int, length: int | None
    ) -> FileContent:
        """Bytes from an offset on."""
        if not 0 <= offset <= MAX_OFFSET:
            raise InvalidInput(f"offset: from 0 to {MAX_OFFSET}, is {offset}")
        return await self._road.run(system, caller, Read(file.location, offset, _length(system, length, "length")))

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


def _extent(system: SystemSettings, lines: int | None, size: int | None) -> tuple[int | None, int]:
    """How many lines, if lines, and how many bytes to read for them at first."""
    if lines is not None and size is not None:
        raise InvalidInput("lines, bytes: one of the two")
    if size is not None:
        return None, _length(system, size, "bytes")
    lines = DEFAULT_LINES if lines is None else lines
    if lines < 0:
        raise InvalidInput(f"lines: not below 0, is {lines}")
    return lines, min(system.limits.max_inline_file_size, 16 * LINE_GUESS + lines * LINE_GUESS)


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
