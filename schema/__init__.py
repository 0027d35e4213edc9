"""What exists: the types, and the roots that lead to them."""

from schema.build import build_schema

__all__ = ["build_schema"]
