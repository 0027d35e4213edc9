"""Fields of any content: each ends in a token that is drawn for the one call, so nothing a user writes can split it."""

import secrets
from collections.abc import Iterator, Sequence


def token() -> str:
    """A letter, for squeue takes leading digits for a field's width, and sixteen letters and digits."""
    return f"x{secrets.token_hex(8)}"


def records(output: bytes, mark: str, fields: Sequence[str]) -> Iterator[dict[str, str]]:
    """The records by the fields' names; every field ends in the token, every record in a newline after it."""
    values = output.decode("utf-8", "surrogateescape").split(mark)
    for start in range(0, len(values) - len(fields), len(fields)):
        record = values[start : start + len(fields)]
        if start:
            record[0] = record[0].removeprefix("\n")
        yield dict(zip(fields, record, strict=True))
