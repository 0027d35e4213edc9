"""Child processes of the demo: started until ready, bounded in their end, never outliving us."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from firecrest_gql.demo.ports import PortTaken, require_free

GUARD = Path(__file__).with_name("end_with_parent.py")
POLL_SECONDS = 0.02
MAX_LOG_SIZE = 2**20
LAST_LINES = 5


class ProcessFailed(Exception):
    """A child ended, or was not ready in time; the message carries the last lines of its log."""


async def always_ready() -> bool:
    """The probe of a process that nobody has to wait for."""
    return True


@dataclass
class Process:
    """One child in a session of its own; the kernel kills it (SIGKILL, on Linux) when we are gone.

    The thread that starts it must live as long as it should, for the kernel watches the thread.
    """

    name: str
    argv: Sequence[str]
    log: Path
    ready: Callable[[], Awaitable[bool]] = always_ready
    env: Mapping[str, str] | None = field(default=None, repr=False)
    cwd: Path | None = None
    umask: int = -1
    ports: Sequence[int] = ()
    leftovers: Sequence[Path] = ()  # files and sockets that it does not remove itself when it ends
    start_seconds: float = 60
    stop_seconds: float = 8
    _child: asyncio.subprocess.Process | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int:
        """The id of the child as last started."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether the child has been started and has not ended."""
        return self._child is not None and self._child.returncode is None

    async def start(self) -> None:
        """Start the child and wait until it is ready; `PortTaken` or `ProcessFailed` where it cannot be."""
        for port in self.ports:
            require_free(port, self.name)
        self._tidy()
        self._child = await self._spawn()
        try:
            async with asyncio.timeout(self.start_seconds):
                await self._until_ready()
        except TimeoutError as error:
            await self.kill()
            raise ProcessFailed(self._told(f"was not ready within {self.start_seconds:g} s")) from error
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL to the whole session after `stop_seconds`."""
        if not self.running:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.stop_seconds):  # wait_for swallows a cancellation on Python 3.11
                await self.wait()
        except TimeoutError:
            await self.kill()
        self._tidy()

    async def kill(self) -> None:
        """SIGKILL to the child and to what else lives in its process group."""
        if self.running:
            self._signal(signal.SIGKILL)
            await self.wait()
            self._tidy()

    async def restart(self) -> None:
        """Stop the child if it runs, and start it again as before."""
        await self.stop()
        await self.start()

    async def wait(self) -> int:
        """Wait for the child's end; its exit status, negative for a signal."""
        return await self._started().wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _started(self) -> asyncio.subprocess.Process:
        if self._child is None:
            raise ProcessFailed(f"{self.name} has not been started")
        return self._child

    async def _spawn(self) -> asyncio.subprocess.Process:
        output = _open_log(self.log)
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *self.argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.env,
                cwd=self.cwd,
                umask=self.umask,
                start_new_session=True,
            )
        finally:
            os.close(output)

    async def _until_ready(self) -> None:
        while True:
            answered = await self.ready()
            if not self.running:  # looked at last: another program may have answered in its place
                raise ProcessFailed(self._told(f"ended with status {await self.wait()}"))
            if answered:
                return
            await asyncio.sleep(POLL_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has just ended, and asyncio has not told us yet
            (os.killpg if number is signal.SIGKILL else os.kill)(self.pid, number)

    def _tidy(self) -> None:
        for path in self.leftovers:
            with suppress(OSError):
                path.unlink()

    def _told(self, what: str) -> str:
        lines = self.log.read_bytes()[-4096:].decode(errors="replace").splitlines()[-LAST_LINES:]
        return "\n  ".join([f"{self.name} {what}; the end of {self.log}:", *lines])


@asynccontextmanager
async def running(*processes: Process) -> AsyncIterator[None]:
    """Start all at once, and stop all at once; every failure to start is told."""
    try:
        await _start_all(processes)
        yield
    finally:
        async with asyncio.TaskGroup() as group:
            for process in processes:
                group.create_task(process.stop())


async def _start_all(processes: Sequence[Process]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for process in processes:
                group.create_task(process.start())
    except* (ProcessFailed, PortTaken) as failures:
        # An ExceptionGroup's text names none of its parts.
        told = ProcessFailed("\n".join(str(error) for error in failures.exceptions))
    else:
        return
    raise told


def _open_log(path: Path) -> int:
    """Opened to append, readable by us alone; one that has grown is put aside, over the one before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_SIZE:
        path.replace(path.with_suffix(".old"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
