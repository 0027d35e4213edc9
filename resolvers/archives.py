"""Archives: where they are, or what came out of them, is read when asked for."""

from firecrest_gql.model.files import Compression
from resolvers.context import Context
from resolvers.files import Written
from resolvers.systems import system


async def compress(
    context: Context,
    name: str,
    path: str,
    target: str,
    *,
    compression: Compression,
    match: str | None,
    dereference: bool,
    overwrite: bool,
) -> Written:
    """Make an archive."""
    found = system(context, name)
    place = await context.services.archives.compress(
        found,
        context.caller,
        path,
        target,
        compression=compression,
        match=match,
        dereference=dereference,
        overwrite=overwrite,
    )
    return Written(found, place, target)


async def extract(
    context: Context, name: str, path: str, target: str, *, compression: Compression | None, overwrite: bool
) -> Written:
    """Take an archive apart."""
    found, archives = system(context, name), context.services.archives
    place = await archives.extract(found, context.caller, path, target, compression=compression, overwrite=overwrite)
    return Written(found, place, target)
