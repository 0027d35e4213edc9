"""Changes of files: each answers where it acted, and the file there is read when asked for."""

from resolvers.context import Context
from resolvers.files import Written
from resolvers.systems import system


async def touch(context: Context, name: str, path: str) -> Written:
    """Touch a file."""
    found = system(context, name)
    return Written(found, await context.services.changes.touch(found, context.caller, path), path)


async def link(context: Context, name: str, path: str, link_target: str) -> Written:
    """Make a symbolic link."""
    found = system(context, name)
    return Written(found, await context.services.changes.link(found, context.caller, path, link_target), path)


async def copy(context: Context, name: str, path: str, target: str, dereference: bool, overwrite: bool) -> Written:
    """Copy a file or a directory."""
    found, changes = system(context, name), context.services.changes
    place = await changes.copy(found, context.caller, path, target, dereference=dereference, overwrite=overwrite)
    return Written(found, place, target)


async def move(context: Context, name: str, path: str, target: str, overwrite: bool) -> Written:
    """Move a file or a directory."""
    found, changes = system(context, name), context.services.changes
    place = await changes.move(found, context.caller, path, target, overwrite=overwrite)
    return Written(found, place, target)


async def change_mode(context: Context, name: str, path: str, mode: str, recursive: bool) -> Written:
    """Change permissions."""
    found, changes = system(context, name), context.services.changes
    place = await changes.change_mode(found, context.caller, path, mode, recursive=recursive)
    return Written(found, place, path)


async def change_owner(
    context: Context, name: str, path: str, owner: str | None, group: str | None, recursive: bool
) -> Written:
    """Change the owner, the group, or both."""
    found, changes = system(context, name), context.services.changes
    place = await changes.change_owner(found, context.caller, path, owner, group, recursive=recursive)
    return Written(found, place, path)
