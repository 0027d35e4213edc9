"""Scalars of the contract beside GraphQL's own."""

import base64
import binascii
from typing import Any, NewType

from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition, scalar

BigInt = NewType("BigInt", int)
Base64 = NewType("Base64", bytes)


def _big_int(value: Any) -> int:
    """A whole number, or its decimal digits."""
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > 40:
        raise ValueError(f"BigInt takes a whole number or its decimal digits, not {str(value)[:40]!r}")
    return int(value)


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise ValueError("Base64 takes bytes in base64 (RFC 4648)") from None


SCALARS: dict[object, ScalarDefinition] = {
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
