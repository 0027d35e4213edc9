"""The values of Slurm's fields: times, durations, sizes, exit codes, and the many words for nothing."""

import re
from datetime import UTC, datetime

NOTHING = frozenset({"", "(null)", "N/A", "n/a", "None", "None assigned", "Unknown", "NONE", "INVALID", "NOT_SET"})
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}
MOST = 2**31 - 1
"""What a count can be; slurm.h has numbers above for `not set` and `no limit` (NO_VAL, INFINITE)."""


def text(raw: str) -> str | None:
    """The word, or None for one that means nothing."""
    return None if raw in NOTHING else raw


def number(raw: str) -> int | None:
    """Digits, or None."""
    return int(raw) if re.fullmatch(r"[0-9]{1,18}", raw) else None


def count(raw: str) -> int | None:
    """How many; None for a number that stands for a word."""
    found = number(raw)
    return found if found is not None and found <= MOST else None


def time(raw: str) -> datetime | None:
    """Seconds since the epoch, which SLURM_TIME_FORMAT=%s gives; None for `Unknown`, `N/A` and what no clock shows."""
    seconds = number(raw)
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds < 2**37 else None


def seconds(raw: str) -> int | None:
    """A duration as [days-][[hours:]minutes:]seconds; None for `UNLIMITED`, `Partition_Limit` and their like."""
    found = _duration(raw)
    return found if found is not None and found <= MOST else None


def cpu_seconds(raw: str) -> float | None:
    """Processors' time as [days-][hours:]minutes:seconds[.milliseconds]; None for a word."""
    whole, fraction = _duration(raw), re.search(r"\.\d+$", raw)
    return None if whole is None else whole + float(fraction[0] if fraction else 0)


def _duration(raw: str) -> int | None:
    match = re.fullmatch(r"(?:(\d{1,9})-)?(?:(\d{1,9}):)?(\d{1,9}):(\d{1,9})(?:\.\d+)?", raw, re.ASCII)
    if match is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def size(raw: str) -> int | None:
    """Bytes out of `5420K` and `1.50G`, or of digits alone."""
    match = re.fullmatch(r"(\d{1,18}(?:\.\d+)?)([KMGTP]?)", raw, re.ASCII)
    return None if match is None else int(float(match[1]) * UNITS.get(match[2], 1))


def memory(tres: str) -> int | None:
    """Bytes out of `cpu=1,mem=1024M,node=1`; None where memory is not counted."""
    match = re.search(r"(?:^|,)mem=(\d{1,18}(?:\.\d+)?)([KMGTP]?)(?!\d)", tres, re.ASCII)
    return None if match is None else int(float(match[1]) * UNITS[match[2] or "M"])


def gpus(tres: str) -> int | None:
    """GPUs of all types out of `cpu=1,gres/gpu=2`; None where there are none, for Slurm does not count zero."""
    match = re.search(r"(?:^|,)gres/gpu=(\d+)", tres, re.ASCII)
    return None if match is None else count(match[1])


def exit_pair(raw: str) -> tuple[int | None, int | None]:
    """Exit code and signal out of sacct's `3:0` and `0:9`; a job that a signal ended has no exit code."""
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", raw)
    return (None, None) if match is None else _one_of(int(match[1]), int(match[2]))


def wait_status(raw: str) -> tuple[int | None, int | None]:
    """The same out of squeue's number, as wait(2) gives it."""
    status = number(raw)
    return (None, None) if status is None else _one_of(status >> 8 & 0xFF, status & 0x7F)


def _one_of(code: int, signal: int) -> tuple[int | None, int | None]:
    return (None, signal) if signal else (code, None)
