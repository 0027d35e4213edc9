"""A forced command's process, its pipes tied to an SSH channel: a slow reader on either side stops the writer."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import asyncssh

from firecrest_gql.demo.embedded_account import Account

STDIN, STDOUT, STDERR = 0, 1, 2
SHELL = "/bin/sh"


class Child(asyncio.SubprocessProtocol):
    """The process as asyncio tells of it; it is over once it has ended and its outputs are closed."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], over: Callable[[], None]) -> None:
        self._channel = channel
        self._over = over
        self._process: asyncio.SubprocessTransport | None = None
        self._early = bytearray()  # what came before the process was there: at most the channel's window
        self._eof = self._released = False

    async def start(self, command: str, account: Account) -> None:
        """Run the line by the account's shell, in a session of its own, at home, with a login's variables alone."""
        try:
            await asyncio.get_running_loop().subprocess_exec(
                lambda: self,
                *(SHELL, "-c", command),
                cwd=account.home,
                env=account.environment,
                start_new_session=True,
            )
        except OSError as error:
            self._channel.write_stderr(f"{SHELL}: {error.strerror}\n".encode())
            self._channel.exit(126)
            self._over()

    def feed(self, data: bytes) -> None:
        """Bytes for its standard input; dropped where it has closed that."""
        if self._process is None:
            self._early += data
        elif not (stdin := self._pipe(STDIN)).is_closing():
            stdin.write(data)

    def feed_eof(self) -> None:
        """No more will come; closed a moment later, for asyncio drops what is written while it resumes and closes."""
        self._eof = True
        if self._process is not None:
            asyncio.get_running_loop().call_soon(self._pipe(STDIN).close)

    def pause_outputs(self, paused: bool) -> None:
        """Stop reading its outputs, or go on."""
        for number in (STDOUT, STDERR) if self._process is not None else ():
            pipe = cast("asyncio.ReadTransport", self._process.get_pipe_transport(number))  # type: ignore[union-attr]
            if not pipe.is_closing():
                (pipe.pause_reading if paused else pipe.resume_reading)()

    def release(self) -> None:
        """Take its pipes away, as sshd does when the client is gone; the process is not signalled."""
        self._released = True
        if self._process is None:
            return
        self._pipe(STDIN).abort()
        for number in (STDOUT, STDERR):
            cast("asyncio.ReadTransport", self._process.get_pipe_transport(number)).close()

    def kill(self) -> None:
        """SIGKILL to its process group."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.get_pid(), signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process runs: hand over what has come already."""
        self._process = cast("asyncio.SubprocessTransport", transport)
        if self._early:
            self._pipe(STDIN).write(bytes(self._early))
        self._early.clear()
        if self._eof:
            self.feed_eof()
        if self._released:
            self.release()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It wrote."""
        if not self._channel.is_closing():
            self._channel.write(data, asyncssh.EXTENDED_DATA_STDERR if fd == STDERR else None)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """It closed one of the three; who still sends to a closed input is not kept waiting."""
        if fd == STDIN and not self._channel.is_closing():
            self._channel.resume_reading()

    def pause_writing(self) -> None:
        """It reads more slowly than the client sends."""
        self._channel.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._channel.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended and its outputs are closed: report how."""
        code = cast("asyncio.SubprocessTransport", self._process).get_returncode() or 0
        if not self._channel.is_closing():
            if code < 0:
                self._channel.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
            else:
                self._channel.exit(code)
        self._over()

    def _pipe(self, number: int) -> asyncio.WriteTransport:
        assert self._process is not None  # noqa: S101
        return cast("asyncio.WriteTransport", self._process.get_pipe_transport(number))
