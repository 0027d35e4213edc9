"""The values of PBS's attributes: PBS Reference Guide, "Formats"."""

import re
from datetime import UTC, datetime

# "Size": a number of bytes, or of words of 8 bytes, with a prefix of 2^10.
SIZE = re.compile(r"(\d{1,30})([kmgtpKMGTP]?)([bBwW]?)")
PREFIXES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
# "Duration": [[hours:]minutes:]seconds[.milliseconds]
DURATION = re.compile(r"(?:(?:(\d{1,15}):)?(\d{1,15}):)?(\d{1,15})(?:\.\d+)?")
# What ctime(3) gives.
TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(raw: str | None) -> int | None:
    """Digits, perhaps behind a sign, or None."""
    return int(raw) if raw is not None and re.fullmatch(r"-?[0-9]{1,18}", raw) else None


def size(raw: str | None) -> int | None:
    """Bytes out of `7060kb`, `16gb` and `1024`."""
    match = SIZE.fullmatch(raw or "")
    if match is None:
        return None
    digits, power, unit = match.groups()
    return int(digits) * PREFIXES[power.lower()] * (8 if unit in ("w", "W") else 1)


def seconds(raw: str | None) -> int | None:
    """A duration out of `48:00:00`, `10:30` and `3600`."""
    match = DURATION.fullmatch(raw or "")
    if match is None:
        return None
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return (hours * 60 + minutes) * 60 + rest


def time(raw: str | None) -> datetime | None:
    """A time as the programs print it under TZ=UTC; None for `UNKNOWN`."""
    match = TIME.fullmatch(raw or "")
    if match is None or match[1] not in MONTHS:
        return None
    day, hour, minute, second, year = map(int, match.groups()[1:])
    try:
        return datetime(year, MONTHS.index(match[1]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def epoch(raw: str | None) -> datetime | None:
    """Seconds since the epoch."""
    count = number(raw)
    return datetime.fromtimestamp(count, UTC) if count is not None and 0 < count < 2**40 else None


def path(raw: str | None) -> str | None:
    """The path behind the host's name in `host:/path`."""
    match = re.fullmatch(r"(?:[A-Za-z0-9.-]+:)?(/.*)", raw or "", re.DOTALL)
    return None if match is None else match[1]


def hosts(exec_host: str | None) -> tuple[str, ...]:
    """Each host once out of `n1/0*2+n2/0*2`: what stands behind the slash tells places and CPUs."""
    return tuple(dict.fromkeys(chunk.partition("/")[0] for chunk in (exec_host or "").split("+") if chunk))


def unescaped(value: str | None) -> str | None:
    r"""What qsub escapes in a variable's value: quotes, commas and backslashes."""
    return None if value is None else re.sub(r"\\(['\",\\])", r"\1", value)


def exit_pair(status: int | None) -> tuple[int | None, int | None]:
    """Exit code and signal: 256 + n, or the shell's 128 + n, is signal n; PBS's own negative words are neither."""
    if status is None or status < 0:
        return None, None
    if 256 < status <= 320:
        return None, status - 256
    return (None, status - 128) if 128 < status <= 192 else (status, None)
