"""Making archives and taking them apart: parameters are checked before a certificate is made."""

from posixpath import basename

from firecrest_gql.errors import Unsupported
from firecrest_gql.files import paths
from firecrest_gql.files.changes import check_apart, check_both
from firecrest_gql.files.packing import PROGRAMS, Compress
from firecrest_gql.files.road import FileRoad
from firecrest_gql.files.service import Files
from firecrest_gql.files.unpacking import Bounds, Extract
from firecrest_gql.model.files import Compression
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemLimits, SystemSettings


class Archives:
    """What a viewer makes archives of, and takes out of them."""

    def __init__(self, road: FileRoad, files: Files) -> None:
        self._road = road
        self._files = files

    async def compress(
        self,
        system: SystemSettings,
        caller: Caller,
        path: str,
        target: str,
        *,
        compression: Compression,
        match: str | None,
        dereference: bool,
        overwrite: bool,
    ) -> str:
        """Make the archive and answer where."""
        command = await self.packing(
            system,
            caller,
            path,
            target,
            compression=compression,
            match=match,
            dereference=dereference,
            overwrite=overwrite,
        )
        await self._road.run(system, caller, command)
        return command.target

    async def packing(
        self,
        system: SystemSettings,
        caller: Caller,
        path: str,
        target: str,
        *,
        compression: Compression,
        match: str | None,
        dereference: bool,
        overwrite: bool,
    ) -> Compress:
        """The command that makes the archive."""
        if compression not in PROGRAMS:
            raise Unsupported(f"compression: {compression} archives are read, not made; one of {', '.join(PROGRAMS)}")
        if match is not None:
            paths.check_name(match, argument="match")
        check_both(path, target)
        place = await self._files.resolve(system, caller, path)
        beside = await self._files.resolve_changeable(system, caller, target, argument="target")
        check_apart(place, beside)
        return Compress(place, beside, basename(place), compression, match, dereference, overwrite)

    async def extract(
        self,
        system: SystemSettings,
        caller: Caller,
        path: str,
        target: str,
        *,
        compression: Compression | None,
        overwrite: bool,
    ) -> str:
        """Take the archive apart and answer in which directory."""
        bounds = bounds_of(system.limits)
        command = await self.unpacking(
            system, caller, path, target, bounds, compression=compression, overwrite=overwrite
        )
        await self._road.run(system, caller, command)
        return command.target

    async def unpacking(
        self,
        system: SystemSettings,
        caller: Caller,
        path: str,
        target: str,
        bounds: Bounds,
        *,
        compression: Compression | None,
        overwrite: bool,
    ) -> Extract:
        """The command that takes the archive apart."""
        paths.check(path=path, target=target)
        place = await self._files.resolve(system, caller, path)
        into = await self._files.resolve(system, caller, target, argument="target")
        return Extract(place, into, basename(place), bounds, compression, overwrite)


def bounds_of(limits: SystemLimits) -> Bounds:
    """What an archive may hold on a system."""
    return Bounds(limits.max_extracted_size, limits.max_extracted_entries, limits.max_extracted_ratio)
