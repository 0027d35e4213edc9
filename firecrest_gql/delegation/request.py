"""What an authority is asked, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum

from firecrest_gql.envelope import Envelope, command_line
from firecrest_gql.model.identity import Proof
from firecrest_gql.settings import SystemSettings


class Purpose(StrEnum):
    """What a grant is for."""

    TASK = "task"
    WATCH = "watch"


class CertificateKind(StrEnum):
    """What a certificate opens."""

    COMMAND = "command"  # exactly one command line
    SESSION = "session"  # any command of the user, for mode per-session
    JUMP = "jump"  # a way through the jump host, and no command there


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A wish for one certificate; the authority itself renders the command line that it signs.

    `time_limit` in seconds and `stdin_size` in bytes become part of the line, `marker` too; `public_key` is one
    line of OpenSSH. A session and a jump have no `argv`.
    """

    kind: CertificateKind
    system: str
    username: str
    public_key: str
    request_id: str
    proof: Proof
    argv: tuple[str, ...] = ()
    marker: str = ""
    stdin_size: int = 0
    time_limit: float = 0

    def line(self, system: SystemSettings) -> str:
        """The command line, with the PATH and the environment that the system's settings name."""
        scheduler = system.scheduler
        envelope = Envelope(self.marker, self.stdin_size, self.time_limit, scheduler.path, scheduler.environment)
        return command_line(self.argv, envelope)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A signed certificate, one line of OpenSSH, and the end of its life in seconds since the epoch."""

    text: str
    expires_at: float
