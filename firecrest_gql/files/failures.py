"""The operating system's words (strerror in the C locale) as errors of the contract."""

from firecrest_gql.command import Result
from firecrest_gql.errors import (
    AlreadyExists,
    CommandFailed,
    FirecrestError,
    InvalidInput,
    IsADirectory,
    NoSpace,
    NotADirectory,
    NotEmpty,
    NotFound,
    PermissionDenied,
)

STRERROR: dict[str, tuple[type[FirecrestError], str]] = {
    "to a subdirectory of itself": (InvalidInput, "would be moved into itself"),
    "into itself": (InvalidInput, "is inside what is put there"),
    "will not create hard link": (InvalidInput, "is inside what is put there"),
    "are the same file": (InvalidInput, "is the target itself"),
    "cannot overwrite directory": (IsADirectory, "is a directory, which no file replaces"),
    "cannot overwrite non-directory": (NotADirectory, "is not a directory, so no directory replaces it"),
    "not replacing": (AlreadyExists, "exists already; ask for overwrite, or choose another name"),
    "invalid user": (InvalidInput, "cannot be given to this owner: the system knows none of this name"),
    "invalid group": (InvalidInput, "cannot be given to this group: the system knows none of this name"),
    "No such file or directory": (NotFound, "does not exist"),
    "no read permission": (PermissionDenied, "may not be read by this user"),
    "Permission denied": (PermissionDenied, "may not be touched by this user"),
    "Operation not permitted": (PermissionDenied, "may not be changed by this user"),
    "Read-only file system": (PermissionDenied, "is on a read-only file system"),
    "File exists": (AlreadyExists, "exists already; ask for overwrite, or choose another name"),
    "Not a directory": (NotADirectory, "is not a directory, or a part of it is none"),
    "Is a directory": (IsADirectory, "is a directory"),
    "Directory not empty": (NotEmpty, "is not empty; ask for recursive"),
    "No space left on device": (NoSpace, "has no room: the file system is full"),
    "Disk quota exceeded": (NoSpace, "has no room: the quota is used up"),
    "File name too long": (InvalidInput, "is too long a name"),
    "Too many levels of symbolic links": (InvalidInput, "is a loop of symbolic links"),
}


def failure(path: str, stderr: bytes, exit_status: int) -> FirecrestError:
    """The error that these last words mean for this path."""
    text = stderr.decode("utf-8", "replace").strip()
    for words, (kind, sentence) in STRERROR.items():
        if words in text:
            return kind(f"{path!r} {sentence}")
    return CommandFailed(f"the operation on {path!r} ended with status {exit_status}: {text[-300:] or 'no message'}")


def check(path: str, result: Result) -> None:
    """Raise what a status other than 0 means for this path."""
    if result.exit_status != 0:
        raise failure(path, result.stderr, result.exit_status)


def failure_of(path: str, result: Result) -> FirecrestError:
    """The error of one of several paths: what the line that names it says, else what all lines say."""
    lines = result.stderr.decode("utf-8", "surrogateescape").splitlines()
    named = [line for line in lines if f"{path}:" in line or f"{path}'" in line]
    words = "\n".join(named or lines).encode("utf-8", "surrogateescape")
    return failure(path, words, result.exit_status)
