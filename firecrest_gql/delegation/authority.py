"""Who signs, behind a Protocol: a key in this process, a signer in a process of its own, or a remote one."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from firecrest_gql.delegation.request import Certificate, CertificateRequest, Purpose
from firecrest_gql.model.identity import Grant, Principal, Token

Verify = Callable[[str], Awaitable[Principal]]
"""Whom an access token names; raises `Unauthenticated`, `Forbidden` or `IdentityProviderUnavailable`."""


class Authority(Protocol):
    """Signs certificates and seals grants, by rules of its own; `DelegationUnavailable` where it does not answer."""

    async def grant(self, token: Token, system: str, purpose: Purpose) -> Grant:
        """A sealed word in place of the token, for one system and purpose, that outlives the token."""
        ...

    async def certify(self, request: CertificateRequest) -> Certificate:
        """The certificate, or `Forbidden` or `Unauthenticated` with the rule that refused it."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
