"""Whether the user's quota has room for what is to come, as far as the site tells quotas."""

import logging

from firecrest_gql.errors import FirecrestError, NoSpace
from firecrest_gql.files.service import Files
from firecrest_gql.model.files import Quota, QuotaKind
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import FileSystemSettings, SystemSettings

logger = logging.getLogger(__name__)


async def require_quota(files: Files, system: SystemSettings, caller: Caller, target: str, size: int | None) -> None:
    """Raise `NoSpace` where the user's own quota ends below so many more bytes; what is not told refuses nothing."""
    place = _file_system(system, target)
    if place is None or not place.quotas or size is None:
        return
    try:
        quotas = await files.quotas(system, caller, place)
    except FirecrestError as error:
        logger.warning("%s does not tell the quotas of %s: %s", system.name, place.path, error.message)
        return
    for quota in quotas:
        _require(quota, place.path, size)


def _require(quota: Quota, path: str, size: int) -> None:
    used, limit = quota.bytes_used, quota.bytes_limit
    # Which group or project new files will count for is not known here.
    if quota.kind is QuotaKind.USER and used is not None and limit is not None and used + size > limit:
        told = f"{used} of {limit} bytes are used, and {size} are to come"
        raise NoSpace(f"the quota of {quota.name} on {path} has no room: {told}")


def _file_system(system: SystemSettings, path: str) -> FileSystemSettings | None:
    """The innermost that holds the path."""
    holding = [each for each in system.file_systems if (path + "/").startswith(each.path.rstrip("/") + "/")]
    return max(holding, key=lambda each: len(each.path), default=None)
