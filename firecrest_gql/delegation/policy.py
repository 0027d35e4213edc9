"""What an authority signs: the list is the policy."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from firecrest_gql.delegation.grants import Warrant
from firecrest_gql.delegation.programs import read_only, reads_program_from_stdin
from firecrest_gql.delegation.request import CertificateKind, CertificateRequest
from firecrest_gql.errors import Forbidden, InvalidInput, Unauthenticated
from firecrest_gql.model.identity import ServiceProof
from firecrest_gql.settings import DelegationMode, IdentitySettings, SystemSettings


@dataclass(frozen=True, slots=True)
class Case:
    """A request with all that the rules look at."""

    request: CertificateRequest
    warrant: Warrant
    system: SystemSettings
    identity: IdentitySettings

    @property
    def is_service(self) -> bool:
        """Whether no user's proof but the system's own account is behind it."""
        return isinstance(self.request.proof, ServiceProof)


Rule = Callable[[Case], None]


def proof_is_current(case: Case) -> None:
    """A token or grant counts until its expiry."""
    if case.warrant.expires_at <= time.time():
        raise Unauthenticated("the token or grant has expired")


def proof_is_for_this_system(case: Case) -> None:
    """A grant opens one system."""
    if case.warrant.system not in (None, case.system.name):
        raise Forbidden(f"the grant is for the system {case.warrant.system}, not for {case.system.name}")


def account_is_the_callers_own(case: Case) -> None:
    """A user acts under the user name of the token; probes and job watching under the service account."""
    if case.is_service and case.request.username != case.system.service_account:
        raise Forbidden(f"{case.request.username} is not the service account of {case.system.name}")
    if case.request.username != case.warrant.username:
        raise Forbidden(f"{case.warrant.username} cannot act as {case.request.username}")


def account_is_a_persons(case: Case) -> None:
    """Root and system accounts are refused, whatever the token says."""
    name = case.request.username
    if name in case.identity.refused_users or not re.fullmatch(case.identity.username_pattern, name):
        raise Forbidden(f"{name} is no user name that may log in")


def system_admits_user(case: Case) -> None:
    """The system's own settings say who may use it."""
    if not case.is_service and not case.system.admits(case.warrant.username, case.warrant.scopes):
        raise Forbidden(f"{case.warrant.username} may not use the system {case.system.name}")


_KINDS = {
    DelegationMode.PER_COMMAND: {CertificateKind.COMMAND, CertificateKind.JUMP},
    DelegationMode.PER_SESSION: {CertificateKind.COMMAND, CertificateKind.JUMP, CertificateKind.SESSION},
    DelegationMode.STATIC: set[CertificateKind](),
}


def mode_allows_kind(case: Case) -> None:
    """A session's certificate needs mode per-session and a user; with a static key nothing is signed."""
    if case.request.kind not in _KINDS[case.system.delegation.mode]:
        mode = case.system.delegation.mode
        raise Forbidden(f"{case.system.name} has mode {mode}: no certificate for a {case.request.kind} there")
    if case.request.kind is CertificateKind.SESSION and case.is_service:
        raise Forbidden(f"the service account of {case.system.name} gets certificates for single commands only")
    if case.request.kind is CertificateKind.JUMP and case.system.jump_host is None:
        raise Forbidden(f"{case.system.name} has no jump host")


def program_is_named(case: Case) -> None:
    """The command is a program, not an option of the shell's exec, and data on its stdin is not its program."""
    if case.request.kind is not CertificateKind.COMMAND:
        return
    argv = case.request.argv
    if not argv or not argv[0] or argv[0].startswith("-"):
        raise InvalidInput("a command begins with the name of a program")
    if reads_program_from_stdin(argv):
        raise Forbidden(f"{argv[0]} would read its program from standard input, which no certificate covers")


def service_only_reads(case: Case) -> None:
    """Without a user's proof only the read-only commands of probes and job watching are signed."""
    if case.is_service and case.request.kind is CertificateKind.COMMAND and not read_only(case.request.argv):
        raise Forbidden(f"the service account may not run {' '.join(case.request.argv[:1])} with these arguments")


def bounds_hold(case: Case) -> None:
    """The line's own bounds: a marker without meaning to a shell, a time limit, a size."""
    request, limits = case.request, case.system.limits
    if request.kind is not CertificateKind.COMMAND:
        return
    longest = max(limits.command_timeout_seconds, limits.stream_timeout_seconds)
    if not 0 < request.time_limit <= longest:
        raise InvalidInput(f"a command's time limit is more than 0 and at most {longest:g} seconds")
    if request.stdin_size < 0 or not re.fullmatch(r"[0-9a-f]{32}", request.marker):
        raise InvalidInput("a command's marker is 32 hexadecimal digits, and its input's size not negative")


POLICY: tuple[Rule, ...] = (
    proof_is_current,
    proof_is_for_this_system,
    account_is_the_callers_own,
    account_is_a_persons,
    system_admits_user,
    mode_allows_kind,
    program_is_named,
    service_only_reads,
    bounds_hold,
)

GRANT_POLICY: tuple[Rule, ...] = (proof_is_current, account_is_a_persons, system_admits_user)


def judge(case: Case, rules: tuple[Rule, ...]) -> None:
    """Raise what the first broken rule says."""
    for rule in rules:
        rule(case)
