"""What qsub makes of its environment, and the job of that: names and values between commas, escaped by backslashes.

As src/cmds/qsub.c of OpenPBS does it, with its one fault: the comma behind a backslash separates.
"""

import re
from collections.abc import Mapping

ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def encode(variables: Mapping[str, str]) -> str:
    """NAME=value, between commas."""
    return ",".join(f"{name}={_escape(value)}" for name, value in variables.items())


def decode(listed: str) -> dict[str, str]:
    """As the job gets them."""
    pairs = (ESCAPED.sub(r"\1", part).partition("=") for part in _split(listed, r"(?:[^\\,]|\\.)*"))
    return {name: value for name, _, value in pairs if name}


def shown(listed: str) -> dict[str, str]:
    """As qstat shows them: it knows the escaped comma and no other escape."""
    pairs = (part.replace("\\,", ",").partition("=") for part in _split(listed, r"(?:[^,]|(?<=\\),)*"))
    return {name: value for name, _, value in pairs if name}


def _escape(value: str) -> str:
    value = re.sub(r"\\(?!,)", r"\\\\", value)
    return re.sub(r"(['\",])", r"\\\1", value)


def _split(listed: str, part: str) -> list[str]:
    return [match[0] for match in re.finditer(part, listed, re.DOTALL) if match[0]]
