"""What other packages bring: implementations found by entry point."""

from importlib.metadata import entry_points
from typing import Any


def load(group: str) -> dict[str, Any]:
    """Every object registered under `firecrest_gql.<group>`, by its name."""
    return {point.name: point.load() for point in entry_points(group=f"firecrest_gql.{group}")}
