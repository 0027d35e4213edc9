"""One command of one caller on one system."""

import secrets
from dataclasses import dataclass, field

from firecrest_gql.delegation import CertificateKind, CertificateRequest
from firecrest_gql.delegation.programs import program_name
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings

# Nobody who works on the login node waits for it; -t: where the kernel allows no idle class, it is none (ionice(1)).
GENTLY = ("sh", "-c", 'command -v ionice > /dev/null && set -- ionice -t -c 3 "$@"; exec nice -n 19 "$@"', "sh")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be run, `gentle` at low priority; `time_limit` in seconds, `stdin_size` in bytes."""

    system: SystemSettings
    caller: Caller
    argv: tuple[str, ...] = field(repr=False)
    stdin_size: int
    time_limit: float
    gentle: bool = False
    marker: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def program(self) -> str:
        """The name by which messages and logs call the command; its arguments are the user's."""
        return program_name(self.argv)

    def request(self, kind: CertificateKind) -> CertificateRequest:
        """What an authority is asked; only a command's certificate tells of the command."""
        caller, name = self.caller, self.system.name
        if kind is not CertificateKind.COMMAND:
            return CertificateRequest(kind, name, caller.username, "", caller.request_id, caller.proof)
        return CertificateRequest(
            kind,
            name,
            caller.username,
            "",
            caller.request_id,
            caller.proof,
            (*GENTLY, *self.argv) if self.gentle else self.argv,
            self.marker,
            self.stdin_size,
            self.time_limit,
        )

    def line(self) -> str:
        """The command line for a login that no certificate binds to one; `InvalidInput` and `TooLarge` as it says."""
        return self.request(CertificateKind.COMMAND).line(self.system)
