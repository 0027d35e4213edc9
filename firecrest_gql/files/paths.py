"""Paths as the API takes them: absolute, from ~, or `base64:` and the bytes of an absolute path."""

from posixpath import normpath

from firecrest_gql.errors import InvalidInput, PermissionDenied
from firecrest_gql.model.files import RAW, from_raw

MAX_PATH_BYTES = 4096
MAX_NAME_BYTES = 255


def needs_home(path: str) -> bool:
    """Whether resolving the path takes the user's home."""
    return path == "~" or path.startswith("~/")


def resolve(path: str, *, argument: str, home: str | None = None) -> str:
    """The absolute path without `.`, `..` or doubled slashes; raises `InvalidInput` naming the argument."""
    if path.startswith(RAW):
        path = from_raw(path, argument)
    elif needs_home(path) and home is not None:
        path = home + path[1:]
    if not path.startswith("/"):
        raise InvalidInput(f"{argument}: a path is absolute, or begins with ~/ or base64:, not {path[:80]!r}")
    _check(path, argument)
    return "/" + normpath(path).lstrip("/")


def check(**arguments: str) -> None:
    """Refuse what can be no path wherever the home is, before anybody is asked for it; raises as `resolve`."""
    for argument, path in arguments.items():
        resolve(path, argument=argument, home="/")


def allow(path: str, allowed: tuple[str, ...], *, argument: str) -> None:
    """Refuse a path outside these trees."""
    if not any(tree == "/" or path == tree.rstrip("/") or path.startswith(tree.rstrip("/") + "/") for tree in allowed):
        raise PermissionDenied(f"{argument}: {path!r} is outside the paths that this system allows")


def link_target(text: str, *, argument: str) -> str:
    """What a symbolic link is to point to: any path, relative ones as they are, or `base64:` and its bytes."""
    target = from_raw(text, argument)
    check_name(target, argument=argument)
    if not target:
        raise InvalidInput(f"{argument}: a link points to something")
    return target


def check_name(name: str, *, argument: str) -> None:
    """Refuse what can be no name, nor a pattern of names."""
    if len(_data(name, argument)) > MAX_PATH_BYTES:
        raise InvalidInput(f"{argument}: is longer than {MAX_PATH_BYTES} bytes")


def _check(path: str, argument: str) -> None:
    data = _data(path, argument)
    if len(data) > MAX_PATH_BYTES:
        raise InvalidInput(f"{argument}: the path is longer than {MAX_PATH_BYTES} bytes")
    if any(len(name) > MAX_NAME_BYTES for name in data.split(b"/")):
        raise InvalidInput(f"{argument}: a name in the path is longer than {MAX_NAME_BYTES} bytes")


def _data(text: str, argument: str) -> bytes:
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidInput(f"{argument}: holds characters that no file name can") from None
    if b"\0" in data:
        raise InvalidInput(f"{argument}: a path holds no NUL byte")
    return data
