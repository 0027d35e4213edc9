"""Delegation: a short-lived SSH certificate for the given user name, command and arguments."""

from firecrest_gql.delegation.authority import Authority, Verify
from firecrest_gql.delegation.credential import Credential, obtain
from firecrest_gql.delegation.keys import ensure_ca_key, ensure_seal_key
from firecrest_gql.delegation.local import LocalAuthority
from firecrest_gql.delegation.remote import RemoteAuthority
from firecrest_gql.delegation.request import Certificate, CertificateKind, CertificateRequest, Purpose
from firecrest_gql.delegation.signer import SignerServer

__all__ = [
    "Authority",
    "Certificate",
    "CertificateKind",
    "CertificateRequest",
    "Credential",
    "LocalAuthority",
    "Purpose",
    "RemoteAuthority",
    "SignerServer",
    "Verify",
    "ensure_ca_key",
    "ensure_seal_key",
    "obtain",
]
