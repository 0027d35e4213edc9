"""Small downloads over plain HTTP: bounded as every file that passes through the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from firecrest_gql.errors import TooLarge
from firecrest_gql.files.downloading import Download, Opened, Part, record_of
from firecrest_gql.files.service import Files
from firecrest_gql.files.streaming import Streams, held_stream
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings


class Downloads:
    """Opens files for reading piece by piece."""

    def __init__(self, transport: Streams, files: Files) -> None:
        self._transport = transport
        self._files = files

    @asynccontextmanager
    async def open(
        self, system: SystemSettings, caller: Caller, path: str, part: Part, *, bytes_too: bool
    ) -> AsyncIterator[tuple[Opened, AsyncIterator[bytes]]]:
        """What the file is, and the part as it comes; the remote command ends with the context."""
        limit = system.limits.max_inline_file_size
        place = await self._files.resolve(system, caller, path)
        download = Download(place, part, limit if bytes_too else 0)
        async with self._transport.stream(system, caller, held_stream(system, download)) as items:
            opened = record_of(await anext(items, None), place)
            if bytes_too and opened.length > limit:
                raise TooLarge(
                    f"{place!r}: {opened.length} bytes are over maxInlineFileSize, {limit}; "
                    "ask for ranges of it, or for startDownload"
                )
            yield opened, items
