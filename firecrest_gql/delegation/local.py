"""The authority that holds the CA key in this process."""

import hashlib
import logging
import time
from collections import OrderedDict
from dataclasses import replace

import asyncssh
from cryptography.fernet import Fernet

from firecrest_gql.delegation.authority import Verify
from firecrest_gql.delegation.certificates import build
from firecrest_gql.delegation.grants import Warrant, seal, unseal
from firecrest_gql.delegation.policy import GRANT_POLICY, POLICY, Case, judge
from firecrest_gql.delegation.programs import program_name
from firecrest_gql.delegation.request import Certificate, CertificateKind, CertificateRequest, Purpose
from firecrest_gql.errors import FirecrestError, Forbidden, InvalidInput
from firecrest_gql.model.identity import Grant, Proof, ServiceProof, Token
from firecrest_gql.settings import Settings, SystemSettings

log = logging.getLogger("firecrest_gql.delegation")
MAX_KNOWN_TOKENS = 10_000
SERVICE_SECONDS = 60


class LocalAuthority:
    """Verifies proofs, follows the policy, signs, and writes one line of log for each answer."""

    def __init__(self, settings: Settings, verify: Verify, ca_key: asyncssh.SSHKey, seal_key: Fernet) -> None:
        self._settings = settings
        self._tokens = VerifiedTokens(verify)
        self._ca_key = ca_key
        self._seal_key = seal_key

    @property
    def ca_public_key(self) -> str:
        """What sshd's TrustedUserCAKeys needs, one line."""
        return self._ca_key.export_public_key().decode("ascii").strip()

    async def grant(self, token: Token, system: str, purpose: Purpose) -> Grant:
        """See `Authority`."""
        try:
            warrant, block = await self._warrant(token), self._system(system)
            wish = CertificateRequest(CertificateKind.COMMAND, block.name, warrant.username, "", "", token)
            judge(self._case(wish, warrant, block), GRANT_POLICY)
        except FirecrestError as error:
            log.warning("refused a grant for system=%s purpose=%s: %s", system, purpose, error.message)
            raise
        end = time.time() + self._settings.authority.grant_seconds
        log.info("granted user=%s system=%s purpose=%s", warrant.username, block.name, purpose)
        return seal(self._seal_key, replace(warrant, system=block.name, purpose=purpose, expires_at=end))

    async def certify(self, request: CertificateRequest) -> Certificate:
        """See `Authority`."""
        told = f"kind={request.kind} user={request.username!r} system={request.system!r} request={request.request_id!r}"
        told += f" program={program_name(request.argv)!r}" if request.argv else ""
        try:
            certificate = await self._certify(request)
        except FirecrestError as error:
            log.warning("refused %s: %s", told, error.message)
            raise
        log.info("signed %s", told)
        return certificate

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _certify(self, request: CertificateRequest) -> Certificate:
        system = self._system(request.system)
        warrant = await self._warrant(request.proof, system)
        judge(self._case(request, warrant, system), POLICY)
        return build(self._ca_key, request, warrant.subject, system, warrant.expires_at)

    async def _warrant(self, proof: Proof, system: SystemSettings | None = None) -> Warrant:
        match proof:
            case Token(value):
                return await self._tokens.warrant(value)
            case Grant():
                return unseal(self._seal_key, proof)
            case ServiceProof():
                account = system.service_account if system else None
                if account is None:
                    raise Forbidden("the system has no service account")
                return Warrant("service", account, frozenset(), time.time() + SERVICE_SECONDS)

    def _system(self, name: str) -> SystemSettings:
        system = self._settings.system(name)
        if system is None:
            raise InvalidInput(f"there is no system {name[:64]!r}")
        return system

    def _case(self, request: CertificateRequest, warrant: Warrant, system: SystemSettings) -> Case:
        return Case(request, warrant, system, self._settings.identity)


class VerifiedTokens:
    """Remembers whom a token names until it expires, by its digest; at most `MAX_KNOWN_TOKENS`."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._known: OrderedDict[bytes, Warrant] = OrderedDict()

    async def warrant(self, token: str) -> Warrant:
        """What the token proves; verified once."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None or known.expires_at <= time.time():
            self._known.pop(digest, None)
            known = self._known[digest] = Warrant.of(await self._verify(token))
            if len(self._known) > MAX_KNOWN_TOKENS:
                self._known.popitem(last=False)
        return known
