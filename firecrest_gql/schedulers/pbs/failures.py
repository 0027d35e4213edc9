"""What the words of PBS's programs mean: https://github.com/openpbs/openpbs/blob/master/src/lib/Liblog/pbs_messages.c."""

import re

from firecrest_gql.command import Result
from firecrest_gql.errors import (
    CommandFailed,
    Conflict,
    FirecrestError,
    NotFound,
    PermissionDenied,
    SchedulerRejected,
    SystemUnavailable,
)

# The server behind the program is not there, or will not talk now.
SILENT = (
    "cannot connect to server",
    "Connection refused",
    "Connection timed out",
    "No route to host",
    "Unable to connect",
    "Request not allowed: Server shutting down",
    "No free connections",
    "Server connection table full",
    "End of File",
)
NO_PROGRAM = 127

UNKNOWN_ID = "Unknown Job Id"
FINISHED = "Job has finished"
FINISHED_TASK = "Request invalid for finished array subjob"

REFUSALS: dict[str, type[FirecrestError]] = {
    UNKNOWN_ID: NotFound,
    FINISHED: Conflict,
    FINISHED_TASK: Conflict,
    "Unauthorized Request": PermissionDenied,
    "Request invalid for state of job": Conflict,
    "Cannot modify attribute while job running": Conflict,
    "job is not rerunnable": Conflict,
    "Delete already in progress": Conflict,
}


def words_of(said: str) -> str:
    """What a program said, without its name and without the usage that some add."""
    lines = said.partition("usage:")[0].splitlines()
    return " ".join(bare for line in lines if (bare := re.sub(r"^\w+: +", "", line.strip())))[-600:]


def failure(status: int, said: str, program: str) -> FirecrestError:
    """The error that an unexpected status means."""
    words = words_of(said)
    if status == NO_PROGRAM:
        return CommandFailed(f"{program} is not on the PATH that the settings give for this system: {words}")
    if any(sign in words for sign in SILENT):
        return SystemUnavailable(f"PBS does not answer {program}: {words}")
    return CommandFailed(f"{program} ended with status {status}: {words or 'no message'}")


def refusal(status: int, said: str, program: str, about: str = "") -> FirecrestError:
    """The error that the server's words mean, in these words; a failure where it has said none."""
    problem, words = failure(status, said, program), words_of(said)
    if isinstance(problem, SystemUnavailable) or status == NO_PROGRAM or not words:
        return problem
    meant = (kind for sign, kind in REFUSALS.items() if sign in words)
    return next(meant, SchedulerRejected)(f"{about}{words}")


def said_by(result: Result) -> str:
    """What it said on standard error."""
    return result.stderr.decode("utf-8", "replace")


def require_success(result: Result, program: str) -> None:
    """Raise where the status is not 0."""
    if result.exit_status != 0:
        raise failure(result.exit_status, said_by(result), program)
