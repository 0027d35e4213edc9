"""Builds user certificates (OpenSSH's PROTOCOL.certkeys): no more than the request needs."""

import re
import secrets
import time

import asyncssh

from firecrest_gql.delegation.request import Certificate, CertificateKind, CertificateRequest
from firecrest_gql.errors import InvalidInput
from firecrest_gql.settings import SystemSettings

BACKDATED_SECONDS = 30  # for clocks that differ
JUMP_COMMAND = "/bin/false"
_UNPRINTABLE = re.compile(r"[^A-Za-z0-9_.:@|/+-]")
_MAX_PART = 64  # characters of the request's id or the subject, in the login node's log


def build(
    ca_key: asyncssh.SSHKey, request: CertificateRequest, subject: str, system: SystemSettings, end: float
) -> Certificate:
    """The certificate for this request, which lives no longer than `end` (seconds since the epoch)."""
    now = time.time()
    expires_at = int(min(now + system.delegation.certificate_seconds, end))
    certificate = ca_key.generate_user_certificate(
        _public_key(request.public_key),
        key_id(request.request_id, subject, system.name),
        serial=secrets.randbits(64),
        principals=[request.username],
        valid_after=int(now) - BACKDATED_SECONDS,
        valid_before=expires_at,
        force_command=_force_command(request, system),
        source_address=[str(network) for network in system.delegation.source_addresses],
        permit_x11_forwarding=False,
        permit_agent_forwarding=False,
        permit_port_forwarding=request.kind is CertificateKind.JUMP,
        permit_pty=False,
        permit_user_rc=False,
    )
    return Certificate(certificate.export_certificate().decode("ascii").strip(), expires_at)


def key_id(request_id: str, subject: str, system: str) -> str:
    """What the login node's log shows: who did what, in printable characters and bounded."""
    parts = {"request": request_id, "subject": subject, "system": system}
    return "firecrest-gql " + " ".join(f"{name}={_printable(value)}" for name, value in parts.items())


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("_", text[:_MAX_PART])


def _force_command(request: CertificateRequest, system: SystemSettings) -> str | None:
    match request.kind:
        case CertificateKind.COMMAND:
            return request.line(system)
        case CertificateKind.JUMP:
            return JUMP_COMMAND
        case CertificateKind.SESSION:
            return None


def _public_key(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(text)
    except asyncssh.KeyImportError as error:
        raise InvalidInput(f"the public key cannot be read: {error}") from None
