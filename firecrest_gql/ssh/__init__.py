"""The one road to the systems: runs commands and streams over SSH."""

from firecrest_gql.ssh.transport import Transport

__all__ = ["Transport"]
