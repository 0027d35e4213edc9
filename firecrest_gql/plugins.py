"""What other packages bring: implementations found by entry point."""

from importlib.metadata import EntryPoint, entry_points


def registered(group: str) -> dict[str, EntryPoint]:
    """What is registered under `firecrest_gql.<group>`, by its name; loaded only where it is used."""
    return {point.name: point for point in entry_points(group=f"firecrest_gql.{group}")}
