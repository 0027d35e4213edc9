"""Who asks, and what proves it."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An OIDC access token: proof of a request's caller, held in memory only."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """The signer's sealed word that this user may act on one system for one purpose until an expiry."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServiceProof:
    """No user's proof: the system's own service account asks, for the few commands that the signer allows it."""


Proof = Token | Grant | ServiceProof


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a remote command runs."""

    subject: str
    username: str
    proof: Proof
    request_id: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller of a request or socket."""

    subject: str
    username: str
    scopes: frozenset[str]
    expires_at: datetime
    token: Token

    def caller(self, request_id: str) -> Caller:
        """The same person, as remote commands of this request name them."""
        return Caller(self.subject, self.username, self.token, request_id)
