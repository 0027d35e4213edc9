"""Sealed grants: what a task keeps in place of its user's token."""

import json
import time
from dataclasses import asdict, dataclass

from cryptography.fernet import Fernet, InvalidToken

from firecrest_gql.delegation.request import Purpose
from firecrest_gql.errors import Unauthenticated
from firecrest_gql.model.identity import Grant, Principal


@dataclass(frozen=True, slots=True)
class Warrant:
    """What the authority has made sure of about a proof; times in seconds since the epoch.

    `system` and `purpose` are None where a token proves it, which is good for every system.
    """

    subject: str
    username: str
    scopes: frozenset[str]
    expires_at: float
    system: str | None = None
    purpose: Purpose | None = None

    @classmethod
    def of(cls, principal: Principal) -> "Warrant":
        """The warrant of somebody whose token holds."""
        return cls(principal.subject, principal.username, principal.scopes, principal.expires_at.timestamp())


def seal(key: Fernet, warrant: Warrant) -> Grant:
    """The warrant as a word that only a holder of the key can read or make."""
    content = asdict(warrant) | {"scopes": sorted(warrant.scopes)}
    return Grant(key.encrypt(json.dumps(content).encode()).decode("ascii"))


def unseal(key: Fernet, grant: Grant) -> Warrant:
    """What the grant says; `Unauthenticated` for one that this key has not sealed, or whose time is over."""
    try:
        content = json.loads(key.decrypt(grant.value.encode("ascii")))
    except (InvalidToken, UnicodeEncodeError):
        raise Unauthenticated("the grant has not been sealed by this authority: ask again with a token") from None
    warrant = Warrant(**content | {"scopes": frozenset(content["scopes"]), "purpose": Purpose(content["purpose"])})
    if warrant.expires_at <= time.time():
        raise Unauthenticated("the grant of this task has expired: ask again with a token")
    return warrant
