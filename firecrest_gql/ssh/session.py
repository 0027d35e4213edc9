"""One command in flight on a channel: its output as it comes, with back-pressure, and its end."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

import asyncssh

from firecrest_gql.command import Result, Stdin
from firecrest_gql.envelope import HEARTBEAT, HEARTBEAT_SECONDS
from firecrest_gql.errors import CommandFailed, CommandTimeout, FirecrestError, InvalidInput, SystemUnavailable
from firecrest_gql.ssh.reading import AfterMarker, Errors, TooNoisy
from firecrest_gql.ssh.wish import Wish

HIGH_WATER = 256 * 1024  # bytes read and not yet taken, above which the remote side is slowed
PIECE = 32 * 1024
HELD_SECONDS = 1.0  # after the command's end, for output that a process of its own session holds open


class Session(asyncssh.SSHClientSession[bytes]):
    """Reads the channel of one command; `chunks` gives its standard output, `result` its end."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._output = AfterMarker(wish.marker)
        self._errors = Errors(wish.marker)
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._over = False
        self._failure: Exception | None = None
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._started = self._ended = time.monotonic()
        self._holding: asyncio.TimerHandle | None = None

    @property
    def opened(self) -> bool:
        """Whether the channel was opened: from then on the command may have started."""
        return self._channel is not None

    @property
    def status(self) -> str:
        """What the log says of the end so far: an exit status, the code of an error, or that the reader left."""
        if isinstance(self._failure, FirecrestError):
            return str(self._failure.code)
        ending = self._errors.ending()
        return str(ending[0]) if ending else "left"

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Standard output as it comes, until its end; raises what ended the command early."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._size -= len(chunk)
                self._flow()
                yield chunk
            if self._over:
                break
            self._news.clear()
            await self._news.wait()
        if self._failure is not None:
            raise self._failure

    def result(self, stdout: bytes = b"") -> Result:
        """How the command ended; raises where it did not end by itself."""
        if self._failure is not None:
            raise self._failure
        ending = self._errors.ending()
        timely = self._ended - self._started < self._wish.time_limit
        if ending is None and not (self._output.seen or self._errors.after_marker.seen):
            raise self._refused_by_shell()
        if not timely and (ending is None or ending[1]):
            raise self.timed_out()
        if ending is None:
            raise self.cut()
        return Result(ending[0], stdout, self._errors.text())

    async def feed(self, stdin: Stdin) -> None:
        """Send the data, then a sign of life now and then, until cancelled."""
        await self._send(stdin)
        while True:
            await self._write(HEARTBEAT)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def fail(self, error: Exception) -> None:
        """End the command; whoever reads it gets the error. The first one counts."""
        if not self._over:
            self._failure = error
            self._end()
            self.abort()

    def abort(self) -> None:
        """Close the channel at once, which ends the remote command if it still runs."""
        if self._channel is not None:
            self._channel.abort()

    def timed_out(self) -> CommandTimeout:
        """The error of a command whose time was over."""
        wish = self._wish
        return CommandTimeout(
            f"{wish.program} on {wish.system.name} took longer than its limit of {wish.time_limit:g} s and was ended"
        )

    def cut(self) -> SystemUnavailable:
        """The error of a command that may or may not have run to its end."""
        wish = self._wish
        return SystemUnavailable(
            f"the connection to {wish.system.name} was lost while {wish.program} ran: look whether it took effect"
        )

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open (asyncssh calls this)."""
        self._channel = chan
        self._started = time.monotonic()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Output has come (asyncssh calls this)."""
        try:
            if datatype is None:
                self._take(self._output.feed(data))
            else:
                self._errors.feed(data)
        except TooNoisy:
            self.fail(self._refused_by_shell())
        self._watch_held()

    def eof_received(self) -> bool:
        """Both outputs are closed, which does not close our side: that would end the command."""
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed (asyncssh calls this); without an error, all of the output has come."""
        if exc is not None and not self._over:
            self._failure = self.cut()
        self._end()

    def pause_writing(self) -> None:
        """The remote side takes no more data for now (asyncssh calls this)."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It takes data again (asyncssh calls this)."""
        self._writable.set()

    async def _send(self, stdin: Stdin) -> None:
        left = stdin.size
        async for piece in _pieces(stdin):
            left -= len(piece)
            if left < 0:
                break
            await self._write(piece)
        if left:
            raise InvalidInput(f"the data for {self._wish.program} is not {stdin.size} bytes long, as announced")

    async def _write(self, data: bytes) -> None:
        await self._writable.wait()
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def _take(self, data: bytes) -> None:
        if data and not self._over:
            self._chunks.append(data)
            self._size += len(data)
            self._news.set()
            self._flow()

    def _flow(self) -> None:
        if self._channel is None or self._over:
            return
        if self._size > HIGH_WATER:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def _watch_held(self) -> None:
        """A process in a session of its own may keep the outputs open: after a while of silence the end is the end."""
        if self._over or self._errors.ending() is None:
            return
        if self._holding is not None:
            self._holding.cancel()
        self._holding = asyncio.get_running_loop().call_later(HELD_SECONDS, self._let_go)

    def _let_go(self) -> None:
        if self._size > HIGH_WATER:  # it is we who read slowly
            self._watch_held()
            return
        self._end()
        self.abort()

    def _end(self) -> None:
        if not self._over:
            self._ended = time.monotonic()
        self._over = True
        self._news.set()
        self._writable.set()
        if self._holding is not None:
            self._holding.cancel()

    def _refused_by_shell(self) -> CommandFailed:
        wish = self._wish
        noise = bytes(self._output.noise[-200:] + self._errors.after_marker.noise[-200:])
        return CommandFailed(
            f"the login shell of {wish.caller.username} on {wish.system.name} did not run {wish.program}: "
            f"{noise.decode('utf-8', 'replace').strip() or 'it said nothing'}"
        )


async def _pieces(stdin: Stdin) -> AsyncIterator[bytes]:
    if isinstance(stdin.data, bytes):
        for start in range(0, len(stdin.data), PIECE):
            yield stdin.data[start : start + PIECE]
        return
    async for chunk in stdin.data:
        yield chunk
