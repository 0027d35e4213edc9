"""Files."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

import strawberry

from firecrest_gql.files.directories import depth
from firecrest_gql.files.ends import End
from firecrest_gql.files.pages import Wanted
from firecrest_gql.model import files as model
from firecrest_gql.model.files import raw, shown
from firecrest_gql.model.page import Edge, Page
from firecrest_gql.settings import SystemSettings
from resolvers import directories, files, ids
from resolvers.slices import in_slices
from resolvers.systems import system as find_system
from schema.enums import ChecksumAlgorithm
from schema.fields import REMOTE, Info, attribute, converted, field, lazy, optional, says
from schema.nodes import Node, PageInfo
from schema.scalars import Base64, BigInt
from schema.selection import selects


def _asked(info: Info) -> directories.Asked:
    """What of the field's page the client has asked for, and where in the answer it stands."""
    nodes = selects(info, "nodes")
    return directories.Asked(
        page=tuple(info.path.as_list()),
        before=("nodes",) if nodes else ("edges",),
        behind=() if nodes else ("node",),
        count=selects(info, "totalCount"),
    )


@strawberry.type(description="Bytes out of a file.")
class FileContent:
    """Bytes out of a file."""

    offset: BigInt = attribute("Where in the file the first byte stands.")
    next_offset: BigInt = attribute("Where the next read begins.")
    truncated: bool = attribute("Whether the file has more in the direction of the read.")

    @field(str | None)
    def text(self: model.FileContent, info: Info) -> str | None:
        """The bytes as UTF-8; null where they are no text."""
        info.context.allowance.spent(self.data)
        return self.text

    @field(Base64)
    def base64(self: model.FileContent, info: Info) -> bytes:
        """The bytes."""
        return info.context.allowance.spent(self.data)

    @field(int)
    def length(self: model.FileContent) -> int:
        """How many bytes."""
        return len(self.data)


@strawberry.type(description="An entry of a system's file system.")
class File(Node):
    """An entry of a system's file system."""

    path: str = attribute("The path; bytes that are not UTF-8 are shown as U+FFFD.")
    raw_path: str = attribute("What to pass as path: the path itself, or base64:… where it is not valid UTF-8.")
    name: str = attribute("The last component of the path.")
    type: model.FileType = attribute("What kind of entry it is.")
    size: BigInt | None = attribute("Bytes.")
    owner: str | None = converted("owner", shown, "The owner's name, or number where it has no name.")
    group: str | None = converted("group", shown, "The group's name, or number where it has no name.")
    uid: BigInt | None = attribute("The owner's number.")
    gid: BigInt | None = attribute("The group's number.")
    permissions: str | None = attribute("As in rwxr-xr-x.")
    mode: str | None = attribute("Octal, as in 0644.")
    modified_at: datetime | None = attribute("When its bytes last changed.")
    accessed_at: datetime | None = attribute("When its bytes were last read, as far as the file system records it.")
    changed_at: datetime | None = attribute("When its owner, mode, links or bytes last changed.")
    inode: BigInt | None = attribute("Its number in the file system.")
    link_count: int | None = attribute("How many names it has.")
    link_target: str | None = converted(
        "link_target", shown, "What a symbolic link points to; bytes that are not UTF-8 are shown as U+FFFD."
    )
    raw_link_target: str | None = converted(
        "link_target", raw, "What a symbolic link points to, as linkTarget takes it: base64:… where it is not UTF-8."
    )

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is a file."""
        return isinstance(value, model.File)

    @field(strawberry.ID)
    def id(self: model.File) -> str:
        """The id: of the system and the path."""
        return ids.encode("file", self.system, self.location)

    @field(lazy("System", "schema.systems"))
    def system(self: model.File, info: Info) -> SystemSettings:
        """The system that has it."""
        return find_system(info.context, self.system)

    @field(str | None, cost=REMOTE)
    async def mime_type(self: model.File, info: Info) -> str:
        """The media type of what it holds, as `file` tells it; those of a listing are one command."""
        return await files.mime_type(info.context, self)

    @field(BigInt | None, cost=REMOTE)
    async def disk_usage(self: model.File, info: Info) -> int:
        """Bytes on disk of the whole tree, each file counted once; what cannot be read whole is an error."""
        return await files.disk_usage(info.context, self)

    @field(str | None, cost=REMOTE)
    async def checksum(
        self: model.File,
        info: Info,
        algorithm: Annotated[ChecksumAlgorithm, says("How the bytes are summed up.")] = ChecksumAlgorithm.SHA256,
    ) -> str:
        """The checksum of its bytes, hexadecimal; those of a listing are one command."""
        return await files.checksum(info.context, self, algorithm)

    @field(FileContent | None, cost=REMOTE)
    async def head(
        self: model.File,
        info: Info,
        lines: Annotated[int | None, says("How many lines; 10 where neither is given.")] = None,
        size: Annotated[int | None, says("How many bytes.", name="bytes")] = None,
    ) -> model.FileContent:
        """Its first lines or bytes, at most limits.maxInlineFileSize."""
        return await files.end(info.context, self, End.HEAD, lines, size)

    @field(FileContent | None, cost=REMOTE)
    async def tail(
        self: model.File,
        info: Info,
        lines: Annotated[int | None, says("How many lines; 10 where neither is given.")] = None,
        size: Annotated[int | None, says("How many bytes.", name="bytes")] = None,
    ) -> model.FileContent:
        """Its last lines or bytes, at most limits.maxInlineFileSize."""
        return await files.end(info.context, self, End.TAIL, lines, size)

    @field(FileContent | None, cost=REMOTE)
    async def content(
        self: model.File,
        info: Info,
        offset: Annotated[BigInt, says("Where to begin, in bytes.")] = BigInt(0),
        length: Annotated[int | None, says("How many bytes; limits.maxInlineFileSize where not given.")] = None,
    ) -> model.FileContent:
        """Its bytes from an offset on."""
        return await files.content(info.context, self, offset, length)

    @field(str | None)
    def content_url(self: model.File, info: Info) -> str | None:
        """Of a regular file: where its bytes are read over plain HTTP, with ranges; it needs the bearer token."""
        return files.content_url(info.context, self)

    @field(optional(lazy("FileConnection", "schema.files")), cost=REMOTE)
    async def entries(
        self: model.File,
        info: Info,
        show_hidden: Annotated[bool, says("Whether names that begin with a dot are listed.")] = False,
        recursive: Annotated[bool, says("Whether what is below is listed too.")] = False,
        max_depth: Annotated[int | None, says("How many levels below a recursive listing goes.")] = None,
        dereference: Annotated[bool, says("Whether links are listed as what they point to.")] = False,
        match: Annotated[str | None, says("A pattern of find -name that names must match.")] = None,
        order_by: Annotated[model.FileOrder, says("In which order.")] = model.FileOrder.NAME,
        first: Annotated[int, says("At most so many.")] = 100,
        after: Annotated[str | None, says("The cursor behind which to begin.")] = None,
    ) -> Page[model.File]:
        """What a directory holds; null where it is no directory."""
        wanted = Wanted(
            hidden=show_hidden,
            depth=depth(recursive=recursive, max_depth=max_depth),
            dereference=dereference,
            match=match,
            order=order_by,
        )
        return await directories.page(info.context, self, wanted, first, after, _asked(info))

    @field(optional(lazy("FileConnection", "schema.files")), cost=REMOTE)
    async def search(
        self: model.File,
        info: Info,
        name: Annotated[str | None, says("A pattern of find -name that names must match.")] = None,
        contains: Annotated[str | None, says("Words of one line, which must stand in the file as they are.")] = None,
        type: Annotated[model.FileType | None, says("What kind of entry it must be.")] = None,  # noqa: A002
        max_depth: Annotated[int, says("How many levels below the directory are searched.")] = 5,
        first: Annotated[int, says("At most so many.")] = 100,
        after: Annotated[str | None, says("The cursor behind which to begin.")] = None,
    ) -> Page[model.File]:
        """What is found below a directory, hidden entries too; every condition that is given must hold."""
        wanted = Wanted(hidden=True, depth=max_depth, match=name, type=type, words=contains, search=True)
        return await directories.page(info.context, self, wanted, first, after, _asked(info))


@strawberry.type(description="A file in a list.")
class FileEdge:
    """A file in a list."""

    node: File = attribute("The file.")
    cursor: str = attribute("Continues behind it.")


@strawberry.type(description="One page of files.")
class FileConnection:
    """One page of files."""

    @field(list[FileEdge])
    def edges(self: Page[model.File]) -> AsyncIterator[Edge[model.File]]:
        """The files with their cursors."""
        return in_slices(self.edges)

    @field(list[File])
    def nodes(self: Page[model.File]) -> AsyncIterator[model.File]:
        """The files."""
        return in_slices(self.nodes)

    page_info: PageInfo = attribute("Where the page stands.")
    total_count: int | None = attribute("How many there are in all, where that is known.")
