"""Changes of what is there: parameters are checked before a certificate is made, and each answers where it acted."""

from firecrest_gql.errors import InvalidInput
from firecrest_gql.files import paths
from firecrest_gql.files.attributes import ChangeMode, ChangeOwner, Link, Touch, check_mode, check_owner
from firecrest_gql.files.placing import Copy, Move
from firecrest_gql.files.road import FileRoad
from firecrest_gql.files.service import Files
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

HOME = "/~"  # in the place of a home that is not known yet


class Changes:
    """Everything that a viewer changes on a system, beside writing and removing."""

    def __init__(self, road: FileRoad, files: Files) -> None:
        self._road = road
        self._files = files

    async def touch(self, system: SystemSettings, caller: Caller, path: str) -> str:
        """Make it if it is not there, and let it be changed just now."""
        place = await self._files.resolve(system, caller, path)
        await self._road.run(system, caller, Touch(place))
        return place

    async def link(self, system: SystemSettings, caller: Caller, path: str, link_target: str) -> str:
        """Make a symbolic link."""
        pointed = paths.link_target(link_target, argument="linkTarget")
        place = await self._files.resolve(system, caller, path)
        await self._road.run(system, caller, Link(place, pointed))
        return place

    async def copy(
        self, system: SystemSettings, caller: Caller, path: str, target: str, *, dereference: bool, overwrite: bool
    ) -> str:
        """Copy it, with everything in it."""
        check_both(path, target)
        place = await self._files.resolve(system, caller, path)
        beside = await self._files.resolve_changeable(system, caller, target, argument="target")
        check_apart(place, beside)
        await self._road.run(system, caller, Copy(place, beside, dereference, overwrite))
        return beside

    async def move(self, system: SystemSettings, caller: Caller, path: str, target: str, *, overwrite: bool) -> str:
        """Move or rename it."""
        check_both(path, target)
        place = await self._files.resolve_changeable(system, caller, path)
        beside = await self._files.resolve_changeable(system, caller, target, argument="target")
        check_apart(place, beside)
        await self._road.run(system, caller, Move(place, beside, overwrite))
        return beside

    async def change_mode(
        self, system: SystemSettings, caller: Caller, path: str, mode: str, *, recursive: bool
    ) -> str:
        """Change its permissions."""
        check_mode(mode)
        place = await self._files.resolve_changeable(system, caller, path)
        await self._road.run(system, caller, ChangeMode(place, mode, recursive))
        return place

    async def change_owner(
        self,
        system: SystemSettings,
        caller: Caller,
        path: str,
        owner: str | None,
        group: str | None,
        *,
        recursive: bool,
    ) -> str:
        """Change its owner, its group, or both."""
        check_owner(owner, group)
        place = await self._files.resolve_changeable(system, caller, path)
        await self._road.run(system, caller, ChangeOwner(place, owner, group, recursive))
        return place


def check_both(path: str, target: str) -> None:
    """Refuse what can never be, before the home is asked for."""
    paths.check(path=path, target=target)
    place, beside = (paths.resolve(given, argument="path", home=HOME) for given in (path, target))
    if place != HOME:  # what becomes of the home itself is not a matter of the target
        check_apart(place, beside)


def check_apart(path: str, target: str) -> None:
    """Refuse a target that is what is to be put there, or inside it; / itself goes nowhere, as the system says."""
    if target == path or (path != "/" and target.startswith(path + "/")):
        raise InvalidInput(f"target: {target!r} is path itself, or inside it")
