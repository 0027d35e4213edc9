"""Files that come inside a GraphQL multipart request; they wait on disk where they are large."""

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile

from firecrest_gql.command import Stdin
from firecrest_gql.errors import InvalidInput

PIECE = 64 * 1024  # bytes of an upload that are in memory at once


async def uploaded(content: object, argument: str, longest: int) -> bytes:
    """All of it; raises `InvalidInput` where it is longer."""
    file = _file(content, argument)
    if (file.size or 0) > longest:
        raise InvalidInput(f"{argument}: 1 to {longest} bytes, not {file.size}")
    return await file.read()


def streamed(content: object, argument: str) -> Stdin:
    """What was uploaded, read piece by piece from where it waits."""
    file = _file(content, argument)
    return Stdin(file.size or 0, _pieces(file))


def _file(content: object, argument: str) -> UploadFile:
    """A JSON request can name anything in its place."""
    if not isinstance(content, UploadFile):
        raise InvalidInput(f"{argument}: is a file of a GraphQL multipart request")
    return content


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE):
        yield piece
