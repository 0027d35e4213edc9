"""What programs say of failures, as errors of the contract: their own words alone, never those of a file's name."""

import re

from firecrest_gql.command import Result
from firecrest_gql.errors import (
    AlreadyExists,
    CommandFailed,
    Conflict,
    FirecrestError,
    InvalidInput,
    IsADirectory,
    NoSpace,
    NotADirectory,
    NotEmpty,
    NotFound,
    PermissionDenied,
)

Meaning = tuple[type[FirecrestError], str]

# What a program itself says somewhere in a line: coreutils, findutils, file, and our own programs.
PHRASES: dict[str, Meaning] = {
    "to a subdirectory of itself": (InvalidInput, "would be moved into itself"),
    "into itself": (InvalidInput, "is inside what is put there"),
    "will not create hard link": (InvalidInput, "is inside what is put there"),
    "are the same file": (InvalidInput, "is the target itself"),
    "cannot overwrite directory": (IsADirectory, "is a directory, which no file replaces"),
    "cannot overwrite non-directory": (NotADirectory, "is not a directory, so no directory replaces it"),
    "not replacing": (AlreadyExists, "exists already; ask for overwrite, or choose another name"),
    "changed as we read it": (Conflict, "was changed while it was read: try again"),
    "removed before we read it": (Conflict, "was changed while it was read: try again"),
    "invalid user": (InvalidInput, "cannot be given to this owner: the system knows none of this name"),
    "invalid group": (InvalidInput, "cannot be given to this group: the system knows none of this name"),
    "failed to stat : skipping": (PermissionDenied, "may not be touched by this user"),  # rm of a directory not entered
    "no read permission": (PermissionDenied, "may not be read by this user"),
    "not a regular file": (InvalidInput, "is no regular file, and only those are read"),
    "leads outside the allowed paths": (PermissionDenied, "leads outside the paths that this system allows"),
    "links in it are not followed": (PermissionDenied, "may hold links that leave the paths that this system allows"),
}

# strerror(3) in the C locale, and dash's own shorter word: what ends a line.
STRERROR: dict[str, Meaning] = {
    "No such file or directory": (NotFound, "does not exist"),
    "No such file": (NotFound, "does not exist"),
    "Permission denied": (PermissionDenied, "may not be touched by this user"),
    "Operation not permitted": (PermissionDenied, "may not be changed by this user"),
    "Read-only file system": (PermissionDenied, "is on a read-only file system"),
    "File exists": (AlreadyExists, "exists already; ask for overwrite, or choose another name"),
    "Not a directory": (NotADirectory, "is not a directory, or a part of it is none"),
    "Is a directory": (IsADirectory, "is a directory"),
    "Directory not empty": (NotEmpty, "is not empty; ask for recursive"),
    "No space left on device": (NoSpace, "has no room: the file system is full"),
    "Wrote only": (NoSpace, "has no room: it could not be written whole"),
    "Disk quota exceeded": (NoSpace, "has no room: the quota is used up"),
    "File name too long": (InvalidInput, "is too long a name"),
    "Too many levels of symbolic links": (InvalidInput, "is a loop of symbolic links"),
}

# A name between quotes: as a shell would take it (coreutils), and with escapes (findutils).
_QUOTED = (
    re.compile(r"""'[^'\n]*'|`[^'\n]*'|"[^"\n]*\""""),
    re.compile(r"""'(?:[^'\\\n]|\\.)*'|`[^'\n]*'|"[^"\n]*\""""),
)
_LAST = re.compile(rf"(?:^|: |\()({'|'.join(map(re.escape, STRERROR))})\)?$", re.MULTILINE)


def failure(path: str, stderr: bytes, exit_status: int) -> FirecrestError:
    """The error that these last words mean for this path."""
    text = stderr.decode("utf-8", "surrogateescape").replace(path, "").strip()
    meaning = _phrase([quoted.sub("", text) for quoted in _QUOTED]) or _strerror(text)
    if meaning is not None:
        kind, sentence = meaning
        return kind(f"{path!r} {sentence}")
    words = stderr.decode("utf-8", "replace").strip()[-300:]
    return CommandFailed(f"the operation on {path!r} ended with status {exit_status}: {words or 'no message'}")


def _phrase(readings: list[str]) -> Meaning | None:
    said = (meaning for words, meaning in PHRASES.items() if all(words in text for text in readings))
    return next(said, None)


def _strerror(text: str) -> Meaning | None:
    said = set(_LAST.findall(text))
    return next((meaning for words, meaning in STRERROR.items() if words in said), None)


def check(path: str, result: Result) -> None:
    """Raise what a status other than 0 means for this path."""
    if result.exit_status != 0:
        raise failure(path, result.stderr, result.exit_status)


def failure_of(path: str, result: Result) -> FirecrestError:
    """The error of one of several paths, by the lines that name it."""
    lines = result.stderr.decode("utf-8", "surrogateescape").splitlines()
    shown = (f" {path}:", f"'{path}'", f"`{path}'")
    named = [line for line in lines if any(name in f" {line}" for name in shown)]
    if not named:
        return Conflict(f"{path!r} was changed while it was looked at: try again")
    return failure(path, "\n".join(named).encode("utf-8", "surrogateescape"), result.exit_status)
