"""The object store between clients and systems."""

from firecrest_gql.storage.s3 import ObjectStore

__all__ = ["ObjectStore"]
