"""Node ids: the kind, an underscore, and what identifies the thing, opaque to clients."""

import base64
import binascii

from firecrest_gql.errors import InvalidInput


def encode(kind: str, *parts: str) -> str:
    """The id of the thing of this kind that these parts identify."""
    data = "\0".join(parts).encode("utf-8", "surrogateescape")
    return f"{kind}_{base64.urlsafe_b64encode(data).decode('ascii').rstrip('=')}"


def decode(node_id: str) -> tuple[str, list[str]]:
    """The kind and the parts; raises `InvalidInput` for what is no id of ours."""
    kind, _, text = node_id.partition("_")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"id: {node_id[:80]!r} is no id of this service") from None
    return kind, data.decode("utf-8", "surrogateescape").split("\0")
