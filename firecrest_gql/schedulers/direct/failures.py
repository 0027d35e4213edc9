"""What the statuses and words of direct's programs mean."""

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed, NoSpace


def require_success(result: Result, what: str) -> None:
    """Raise where the status is not 0."""
    if result.exit_status == 0:
        return
    words = result.stderr.decode("utf-8", "replace").strip()[-300:]
    if "No space left on device" in words or "Disk quota exceeded" in words:
        raise NoSpace(f"{what}: there is no room in the home: {words}")
    raise CommandFailed(f"{what} ended with status {result.exit_status}: {words or 'no message'}")
