"""OpenSSH's sshd with a private folder, a host key of its own and trust in our CA alone; needs root."""

import asyncio
import os
import pwd
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.demo.private_files import private_directory, write_private
from firecrest_gql.demo.process import Process

RUN_DIRECTORY = Path("/run/sshd")  # sshd's privilege separation insists on it
_SBIN = f"/usr/sbin:/sbin:{os.environ.get('PATH', '/usr/bin:/bin')}"


async def ensure_account(name: str, shell: str = "/bin/bash") -> Path:
    """Make the account where it is missing, not locked and without a password; its home."""
    with suppress(KeyError):
        return Path(pwd.getpwnam(name).pw_dir)
    # A plain useradd leaves the account locked ("!"), which sshd refuses even with a certificate, and its home open.
    argv = ("useradd", "--create-home", "--key", "HOME_MODE=0700", "--password", "*", "--shell", shell, name)
    child = await asyncio.create_subprocess_exec(*argv, env={**os.environ, "PATH": _SBIN})
    if status := await child.wait():
        raise OSError(f"useradd {name} ended with status {status}")
    return Path(pwd.getpwnam(name).pw_dir)


@dataclass
class OpenSsh:
    """One sshd on loopback; `users` are the only accounts it admits, each by a certificate naming it as principal."""

    folder: Path
    ca_public_key: str
    port: int
    users: Sequence[str]
    set_env: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()  # lines of sshd_config that stand before ours, and so win
    _process: Process | None = field(default=None, init=False, repr=False)

    @property
    def host_public_key(self) -> str:
        """The host key as a line of OpenSSH; the same after a restart."""
        return (self.folder / "host_key.pub").read_text().strip()

    @property
    def pid(self) -> int:
        """The process id of the listener."""
        return self._running().pid

    async def start(self) -> None:
        """Write the configuration, start, and wait until the port greets; `ProcessFailed` or `PortTaken` if not."""
        self._write_files()
        self._process = self._sshd()
        await self._process.start()

    async def stop(self) -> None:
        """End the listener and every connection it has accepted."""
        if self._process is None:
            return
        self.resume()
        connections = [*_descendants(self._process.pid)] if self._process.running else []
        await self._process.stop()
        for pid in connections:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def freeze(self) -> None:
        """Stop the listener and its connections from answering, as a network that swallows packets does."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen sshd go on."""
        self._signal_all(signal.SIGCONT)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _running(self) -> Process:
        if self._process is None:
            raise RuntimeError("sshd has not been started")
        return self._process

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process is None or not self._process.running:
            return
        for pid in (self._process.pid, *_sshd_descendants(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _write_files(self) -> None:
        RUN_DIRECTORY.mkdir(mode=0o755, exist_ok=True)
        private_directory(self.folder)
        self._write_host_key()
        write_private(self.folder / "ca.pub", f"{self.ca_public_key.strip()}\n")
        write_private(self.folder / "sshd_config", "\n".join(self._configuration()) + "\n")

    def _write_host_key(self) -> None:
        file = self.folder / "host_key"
        if not file.exists():
            key = asyncssh.generate_private_key("ssh-ed25519", comment="firecrest-gql")
            write_private(file, key.export_private_key().decode())
            write_private(file.with_suffix(".pub"), key.export_public_key().decode())

    def _sshd(self) -> Process:
        program = shutil.which("sshd", path=_SBIN)
        if program is None:
            raise FileNotFoundError("sshd is not installed: apt-get install openssh-server")
        # sshd starts itself again for each connection and so wants its own absolute path.
        argv = (program, "-D", "-e", "-f", str(self.folder.resolve() / "sshd_config"))
        return Process("sshd", argv, self.folder / "sshd.log", ready=self._greets, ports=(self.port,))

    async def _greets(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        except OSError:
            return False
        try:
            return (await reader.readline()).startswith(b"SSH-2.0-")
        finally:
            writer.close()

    def _configuration(self) -> Iterator[str]:
        folder = self.folder.resolve()
        yield from self.options
        yield f"ListenAddress {LOOPBACK}:{self.port}"
        yield f"HostKey {folder}/host_key"
        yield f"TrustedUserCAKeys {folder}/ca.pub"
        # Without AuthorizedPrincipalsFile a certificate opens the account that it names; that file would be read as
        # the user, who cannot enter our private folder.
        yield f"AllowUsers {' '.join(self.users)}"
        yield from ("PidFile none", "AuthorizedKeysFile none", "AuthenticationMethods publickey")
        yield from ("PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no", "UseDNS no")
        yield from ("MaxStartups 500:30:1000", "PrintMotd no", "LogLevel VERBOSE", "DisableForwarding yes")
        if self.set_env:
            yield "SetEnv " + " ".join(f'"{name}={value}"' for name, value in self.set_env.items())


def _sshd_descendants(pid: int) -> Iterator[int]:
    for child in _descendants(pid):
        with suppress(OSError):
            if Path(f"/proc/{child}/comm").read_text().startswith("sshd"):
                yield child


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
