"""Scalars of the contract beside GraphQL's own."""

import base64
import binascii
import re
from datetime import datetime
from typing import Any, NewType

from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition, scalar

from firecrest_gql.errors import InvalidInput

BigInt = NewType("BigInt", int)
Base64 = NewType("Base64", bytes)
DIGITS = re.compile(r"-?[0-9]{1,40}")


def _big_int(value: Any) -> int:
    """A whole number, or its decimal digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and DIGITS.fullmatch(value):
        return int(value)
    raise InvalidInput(f"BigInt takes a whole number or its decimal digits, not {str(value)[:40]!r}")


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidInput("Base64 takes bytes in base64 (RFC 4648)") from None


def _time(value: Any) -> datetime:
    """A moment: without its offset nobody knows which."""
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(f"DateTime takes a time in ISO 8601 with its offset, as 2030-01-31T08:00:00Z, not {value!r}")
    return moment


SCALARS: dict[object, ScalarDefinition] = {
    datetime: scalar(
        name="DateTime",
        description="A time in ISO 8601 with its offset.",
        serialize=datetime.isoformat,
        parse_value=_time,
    ),
    BigInt: scalar(
        name="BigInt",
        description="A whole number of any size; accepts its decimal digits as a string too.",
        serialize=int,
        parse_value=_big_int,
    ),
    Base64: scalar(
        name="Base64",
        description="Bytes, base64 in a string (RFC 4648).",
        serialize=lambda data: base64.b64encode(data).decode("ascii"),
        parse_value=_bytes,
    ),
}


def config() -> StrawberryConfig:
    """The schema's configuration: our scalars, and errors that suggest no names to strangers."""
    return StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
