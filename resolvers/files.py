"""Files: what is asked of them, and what is done to them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from firecrest_gql.command import Stdin
from firecrest_gql.errors import InvalidInput
from firecrest_gql.files.ends import End
from firecrest_gql.files.road import FileCommand
from firecrest_gql.files.service import content_span, end_spans
from firecrest_gql.model.files import File, FileContent, FileType
from firecrest_gql.model.jobs import OutputChunk
from firecrest_gql.settings import SystemSettings
from resolvers import ids
from resolvers.context import Context
from resolvers.systems import system

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Written:
    """Where something was written, and on which system."""

    system: SystemSettings
    location: str
    path: str


async def file(context: Context, found: SystemSettings, path: str) -> File:
    """The file at this path."""
    return await context.loaders.file(found, path)


async def files(context: Context, found: SystemSettings, paths: list[str]) -> list[File | BaseException]:
    """The file at each path, or the error it met."""
    limit = context.services.settings.limits.max_page_size
    if len(paths) > limit:
        raise InvalidInput(f"paths: at most {limit} at once, not {len(paths)}")
    return list(await context.services.files.stats(found, context.caller, paths))


async def ask(context: Context, of: File, command: FileCommand[T]) -> T:
    """The answer of a command on this file."""
    return await context.services.files.ask(system(context, of.system), context.caller, command)


async def checksum(context: Context, of: File, algorithm: str) -> str:
    """The hexadecimal checksum of its bytes."""
    return await context.loaders.checksum(system(context, of.system), algorithm, of.location)


async def mime_type(context: Context, of: File) -> str:
    """The media type of what it holds."""
    return await context.loaders.mime_type(system(context, of.system), of.location)


async def disk_usage(context: Context, of: File) -> int:
    """The bytes on disk of it and everything below it."""
    return await context.loaders.disk_usage(system(context, of.system), of.location)


async def end(context: Context, of: File, which: End, lines: int | None, size: int | None) -> FileContent:
    """Its first or last lines or bytes."""
    found = system(context, of.system)
    return await context.loaders.piece(found, of, end_spans(found, which, lines, size))


async def content(context: Context, of: File, offset: int, length: int | None) -> FileContent:
    """Its bytes from an offset on."""
    found = system(context, of.system)
    return await context.loaders.piece(found, of, [content_span(found, offset, length)])


async def follow(context: Context, name: str, path: str, offset: int | None) -> AsyncIterator[OutputChunk]:
    """Its bytes as they are written."""
    if offset is not None and offset < 0:
        raise InvalidInput(f"offset: not below 0, is {offset}")
    found = system(context, name)
    place = await context.services.files.resolve(found, context.caller, path)
    async with aclosing(context.services.tails.follow(found, context.caller, place, offset)) as chunks:
        async for chunk in chunks:
            yield chunk


def content_url(context: Context, of: File) -> str | None:
    """Where a regular file's bytes are over HTTP; the address is no credential."""
    if of.type is not FileType.REGULAR:
        return None
    return f"{context.origin}/content/{ids.encode('file', of.system, of.location)}"


async def create_directory(context: Context, name: str, path: str, parents: bool, mode: str | None) -> Written:
    """Make a directory."""
    found = system(context, name)
    place = await context.services.files.create_directory(found, context.caller, path, parents=parents, mode=mode)
    return Written(found, place, path)


async def upload(context: Context, name: str, path: str, content: Stdin, overwrite: bool, mode: str | None) -> Written:
    """Write a small file."""
    found = system(context, name)
    files_service = context.services.files
    place = await files_service.upload(found, context.caller, path, content, overwrite=overwrite, mode=mode)
    return Written(found, place, path)


async def remove(context: Context, name: str, path: str, recursive: bool) -> Written:
    """Remove a file or a directory."""
    found = system(context, name)
    place = await context.services.files.remove(found, context.caller, path, recursive=recursive)
    return Written(found, place, path)


async def written(context: Context, of: Written) -> File:
    """The file as it now is."""
    return await context.services.files.stat(of.system, context.caller, of.location)
