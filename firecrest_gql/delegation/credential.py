"""What opens a login node: a fresh key of this process's memory and the certificate for it."""

from dataclasses import dataclass, field, replace

import asyncssh

from firecrest_gql.delegation.authority import Authority
from firecrest_gql.delegation.request import CertificateRequest


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key and its certificate, if it has one; good until `expires_at` (seconds since the epoch)."""

    key: asyncssh.SSHKey = field(repr=False)
    certificate: asyncssh.SSHCertificate | None
    expires_at: float


async def obtain(authority: Authority, request: CertificateRequest) -> Credential:
    """Make a key, and have its certificate signed as the request (whose `public_key` is not yet set) says."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode("ascii").strip()
    certificate = await authority.certify(replace(request, public_key=public))
    return Credential(key, asyncssh.import_certificate(certificate.text), certificate.expires_at)
