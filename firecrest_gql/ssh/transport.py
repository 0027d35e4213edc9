"""The one road: every command and stream, on every system, for every caller."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TypeVar

import asyncssh

from firecrest_gql.command import Command, Remote, Stream
from firecrest_gql.delegation import Authority
from firecrest_gql.errors import FirecrestError, InvalidInput, TooLarge, Unsupported
from firecrest_gql.model.health import ComponentHealth, HealthStatus
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import LoginNode, SystemSettings
from firecrest_gql.ssh.connecting import Connector, verify_host
from firecrest_gql.ssh.places import Places
from firecrest_gql.ssh.roads import Roads
from firecrest_gql.ssh.session import Session
from firecrest_gql.ssh.wish import Wish

log = logging.getLogger("firecrest_gql.ssh")
T = TypeVar("T")

LARGE = 32 * 1024  # bytes of output, above which it is read in a thread: of a listing that is some 3 ms of work
PATIENCE = 4  # seconds beyond a command's time limit, within which the system itself should have ended it


class Transport:
    """Runs commands and streams: quotes, gets the certificate, bounds time, output and number, and logs."""

    def __init__(self, authority: Authority) -> None:
        self._connector = Connector()
        self._roads = Roads(authority, self._connector)
        self._places = Places()
        # Its lines of INFO would carry command lines.
        logging.getLogger("asyncssh").setLevel(logging.WARNING)

    async def run(self, system: SystemSettings, caller: Caller, command: Command[T]) -> T:
        """The command's answer; `FirecrestError` as the command's parser, or the way there, tells it."""
        limits = system.limits
        wish = _wish(system, caller, command, limits.command_timeout_seconds)
        allowed = command.output_limit or limits.max_output_size
        async with (
            self._turn(wish, command),
            self._place(wish, "commands", limits.commands_per_user),
            self._started(wish, command) as session,
        ):
            result = session.result(await _collected(session, wish, allowed))
        if len(result.stdout) > LARGE:
            return await asyncio.to_thread(command.parse, result)
        return command.parse(result)

    def stream(
        self, system: SystemSettings, caller: Caller, stream: Stream[T]
    ) -> AbstractAsyncContextManager[AsyncIterator[T]]:
        """The stream's items while the context is open; leaving it ends the remote command."""
        return self._streaming(system, caller, stream)

    async def probe(self, system: SystemSettings) -> ComponentHealth:
        """TCP, key exchange and host key of every login node; no login."""
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._probe_node(system, node)) for node in system.login_nodes]
        faults = [fault for task in tasks if (fault := task.result()) is not None]
        return ComponentHealth(
            name="ssh",
            status=_status(len(faults), len(tasks)),
            latency_seconds=time.monotonic() - start,
            checked_at=datetime.now(UTC),
            message="; ".join(faults) or None,
        )

    async def aclose(self) -> None:
        """Close what is kept open."""
        await self._roads.aclose()

    @asynccontextmanager
    async def _streaming(
        self, system: SystemSettings, caller: Caller, stream: Stream[T]
    ) -> AsyncGenerator[AsyncIterator[T], None]:
        wish = _wish(system, caller, stream, system.limits.stream_timeout_seconds)
        async with (
            self._place(wish, "streams", system.limits.streams_per_user),
            self._started(wish, stream) as session,
        ):
            yield _items(stream, session)

    def _turn(self, wish: Wish, command: Remote) -> AbstractAsyncContextManager[None]:
        """What is costly waits for its turn before it takes a place that others could use."""
        if command.operation is None:
            return nullcontext()
        return self._place(wish, "costly operations", wish.system.limits.costly_per_user)

    def _place(self, wish: Wish, kind: str, size: int) -> AbstractAsyncContextManager[None]:
        limits, name, user = wish.system.limits, wish.system.name, wish.caller.username
        told = f"{user} has too many {kind} on {name}"
        return self._places.place((name, user, kind), size, limits.queued_per_user, limits.queue_seconds, told)

    @asynccontextmanager
    async def _started(self, wish: Wish, remote: Remote) -> AsyncGenerator[Session, None]:
        """The session of the started command, which is fed and timed; it ends with the context, and is logged."""
        start, status = time.monotonic(), "left"
        try:
            opened = await self._roads.start(wish)
            try:
                with _tended(opened.session, wish, remote):
                    yield opened.session
            finally:
                status = opened.session.status
                opened.release()
        except FirecrestError as error:
            status = error.code
            raise
        finally:
            _log(wish, time.monotonic() - start, status)

    async def _probe_node(self, system: SystemSettings, node: LoginNode) -> str | None:
        try:
            await verify_host(system, node)
        except (OSError, asyncssh.Error) as error:
            return self._connector.note(node, error)
        return None


def _wish(system: SystemSettings, caller: Caller, remote: Remote, longest: float) -> Wish:
    if not remote.argv:
        raise InvalidInput("a command needs the name of a program")
    if remote.operation in system.disabled_operations:
        raise Unsupported(f"{remote.operation}: is switched off on {system.name}")
    limit, gentle = remote.time_limit or longest, remote.operation is not None
    return Wish(system, caller, tuple(remote.argv), remote.stdin.size, limit, gentle)


@contextmanager
def _tended(session: Session, wish: Wish, remote: Remote) -> Iterator[None]:
    """Feed the command, and end it on our side where the system has not ended it in time."""
    loop = asyncio.get_running_loop()
    feeding = loop.create_task(session.feed(remote.stdin))
    feeding.add_done_callback(lambda task: _note_failure(session, task))
    late = loop.call_later(wish.time_limit + PATIENCE, lambda: session.fail(session.timed_out()))
    try:
        yield
    finally:
        late.cancel()
        feeding.cancel()


def _note_failure(session: Session, feeding: asyncio.Task[None]) -> None:
    if not feeding.cancelled() and isinstance(error := feeding.exception(), Exception):
        session.fail(error)


async def _collected(session: Session, wish: Wish, allowed: int) -> bytes:
    output = bytearray()
    async for chunk in session.chunks():
        output += chunk
        if len(output) > allowed:
            raise TooLarge(
                f"{wish.program} on {wish.system.name} gave more than the limit of {allowed} bytes: ask for less"
            )
    return bytes(output)


async def _items(stream: Stream[T], session: Session) -> AsyncIterator[T]:
    async with aclosing(session.chunks()) as chunks:
        async for item in stream.items(chunks):
            yield item
    stream.check(session.result())


def _status(faults: int, nodes: int) -> HealthStatus:
    if faults == nodes:
        return HealthStatus.UNAVAILABLE
    return HealthStatus.DEGRADED if faults else HealthStatus.HEALTHY


def _log(wish: Wish, seconds: float, status: str) -> None:
    caller = wish.caller
    log.info(
        "request=%s user=%s system=%s program=%s seconds=%.3f status=%s",
        *(caller.request_id, caller.username, wish.system.name, wish.program, seconds, status),
    )
