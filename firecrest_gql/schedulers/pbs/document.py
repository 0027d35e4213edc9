r"""What `-F json` prints, which is JSON only almost: everything in it is read as text.

Releases before 20 write values as they are (`"foo":005`, `"\'"`, `"say "hi""`), some repeat keys, and several job ids
gave several beginnings of `"Jobs"`: https://github.com/openpbs/openpbs/issues/1255, issues/2541, issues/2677, pull/585,
pull/830 and pull/2049.
"""

import json
import re
from collections.abc import Iterable, Mapping
from json import JSONDecoder
from typing import Any, TypeAlias

Attributes: TypeAlias = Mapping[str, Any]
"""Text, or attributes below, by name."""

SECTIONS = frozenset({"Jobs", "Queue", "Server", "nodes"})
OPENED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*:\s*\{\s*')
CLOSED = re.compile(r"\s*\}\s*,?\s*")
ITEM = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*:\s*(.*?)\s*,?\s*')
ESCAPED = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def section(output: bytes, name: str) -> dict[str, Attributes]:
    """Each job, queue, server or node by its name, out of one document or several; never an exception."""
    text = output.decode("utf-8", "surrogateescape")
    try:
        found = _strictly(text)
    except (ValueError, RecursionError):
        found = _by_lines(text)
    return {key: value for key, value in below(found, name).items() if isinstance(value, dict)}


def below(attributes: Attributes, name: str) -> Attributes:
    """The attributes below this one; none where there are none."""
    value = attributes.get(name)
    return value if isinstance(value, dict) else {}


def text(attributes: Attributes, name: str) -> str | None:
    """The attribute's text; None where there is none, or something that is no text."""
    value = attributes.get(name)
    return value if isinstance(value, str) and value else None


def _strictly(text: str) -> dict[str, Any]:
    """The documents, one behind another; raises `ValueError` for what is no JSON."""
    found: dict[str, Any] = {}
    position = len(text) - len(text.lstrip())
    while position < len(text):
        document, end = DECODER.raw_decode(text, position)
        _merge(found, document.items() if isinstance(document, dict) else ())
        position = end + len(text[end:]) - len(text[end:].lstrip())
    return found


def _merged(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return _merge({}, pairs)


# A name such as 1e5 or true is one to us, whatever JSON takes it for.
DECODER = JSONDecoder(strict=False, object_pairs_hook=_merged, parse_int=str, parse_float=str, parse_constant=str)


def _merge(into: dict[str, Any], pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A name that comes again adds to what is below it, and otherwise replaces."""
    for name, value in pairs:
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value.items())
        else:
            into[name] = json.dumps(value) if value is None or isinstance(value, bool) else value
    return into


def _by_lines(text: str) -> dict[str, Any]:
    """As the programs print it: a line for each attribute, for what begins below one, and for its end."""
    root: dict[str, Any] = {}
    open_groups = [root]
    for line in text.split("\n"):
        if opened := OPENED.fullmatch(line):
            if opened[1] in SECTIONS:
                del open_groups[1:]
            open_groups.append(_group(open_groups[-1], _unescaped(opened[1])))
        elif item := ITEM.fullmatch(line):
            open_groups[-1][_unescaped(item[1])] = _bare(item[2])
        elif CLOSED.fullmatch(line) and len(open_groups) > 1:
            open_groups.pop()
    return root


def _group(within: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(within.get(name), dict):
        within[name] = {}
    group: dict[str, Any] = within[name]
    return group


def _bare(value: str) -> str:
    return _unescaped(value[1:].removesuffix('"')) if value.startswith('"') else value


def _unescaped(value: str) -> str:
    r"""The text without backslashes: \n and its like as JSON means them, before anything else for nothing."""
    return ESCAPED.sub(lambda match: _character(match[1]), value)


def _character(escaped: str) -> str:
    return chr(int(escaped[1:], 16)) if len(escaped) > 1 else CONTROL.get(escaped, escaped)
