"""The embedded system and real sshd, with recorders on their PATH and several lanes to act on each at once."""

import os
import pwd
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from firecrest_gql.command import Command, Remote, Stream
from firecrest_gql.errors import FirecrestError
from firecrest_gql.files.road import FileCommand, held_to
from firecrest_gql.files.streaming import FileStream, held_stream
from firecrest_gql.model.identity import Caller
from firecrest_gql.settings import SystemSettings
from firecrest_gql.ssh import Transport
from tests.embedded_system import make_system, remove_homes
from tests.openssh import authority_for, caller, real_sshd, transport_to
from tests.recorder import Lane, Recorder, recording

LANES = 6
DONE = "done"
LIMITS = {"commands_per_user": 2, "costly_per_user": 2, "command_timeout_seconds": 300}


@dataclass(frozen=True)
class Way:
    """A lane, and the system as it is reached there: by a connection that stays, or by one for each command."""

    lane: Lane
    pooled: SystemSettings
    alone: SystemSettings


@dataclass(frozen=True)
class Shore:
    """What is needed to act on a system."""

    transport: Transport
    caller: Caller
    home: Path
    recorder: Recorder
    ways: tuple[Way, ...]

    async def outcome(self, system: SystemSettings, remote: Remote) -> str:
        """How the command ends there, held to the allowed paths: `DONE`, or the code of its error, or of its errors."""
        try:
            told = await self._told(system, held(system, remote))
        except FirecrestError as error:
            return str(error.code)
        failed = {str(each.code) for each in told.values() if isinstance(each, FirecrestError)}
        return " ".join(sorted(failed)) or DONE

    async def _told(self, system: SystemSettings, remote: Remote) -> dict[str, object]:
        if isinstance(remote, Command):
            told = await self.transport.run(system, self.caller, remote)
            return told if isinstance(told, dict) else {}
        assert isinstance(remote, Stream)
        async with self.transport.stream(system, self.caller, remote) as items:
            return {"items": [item async for item in items]}

    @contextmanager
    def made(self, folder: Path, fill: Callable[[], None]) -> Iterator[None]:
        """The folder, with what fills it, as the caller's own; it goes at the end, with whatever is in it then."""
        folder.mkdir()
        fill()
        owner = self.home.stat()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        try:
            yield
        finally:
            shutil.rmtree(folder)


def held(system: SystemSettings, remote: Remote) -> Remote:
    """The command as it runs there."""
    if isinstance(remote, FileStream):
        return held_stream(system, remote)
    assert isinstance(remote, FileCommand)
    return held_to(system, remote)


def ways(recorder: Recorder, count: int, **fields: Any) -> tuple[Way, ...]:
    """So many lanes to the system of these settings; a mode of delegation that stays is its own choice."""

    def way(number: int) -> Way:
        lane = recorder.lane(f"lane{number}")
        scheduler = {"kind": "direct", "path": recorder.path, "environment": lane.environment}
        common = {"scheduler": scheduler, "limits": LIMITS, **fields}
        delegation = {**fields["delegation"], "mode": "per-command"}
        pooled = SystemSettings.model_validate({**common, "name": f"lane{number}"})
        alone = SystemSettings.model_validate({**common, "name": f"lane{number}-alone", "delegation": delegation})
        return Way(lane, pooled, alone)

    return tuple(way(number) for number in range(count))


def systems(shore_ways: tuple[Way, ...]) -> tuple[SystemSettings, ...]:
    """All of them, for an authority."""
    return tuple(system for way in shore_ways for system in (way.pooled, way.alone))


@asynccontextmanager
async def embedded_shore(folder: Path, recorder: Recorder) -> AsyncIterator[Shore]:
    """The embedded system, which takes certificates of one command alone."""
    made = make_system(folder)
    async with made.embedded.process:
        there = ways(
            recorder,
            LANES,
            login_nodes=[{"host": made.embedded.host, "port": made.embedded.port}],
            host_keys=[made.embedded.host_public_key],
            delegation={"source_addresses": ["127.0.0.1"]},
        )
        transport = Transport(authority_for(made.ca, *systems(there)))
        home = made.embedded.homes["fireuser"]
        yield Shore(transport, caller("fireuser", for_hours=True), home, recorder, there)
        await transport.aclose()
    remove_homes(made.embedded)


@asynccontextmanager
async def sshd_shore(folder: Path, recorder: Recorder) -> AsyncIterator[Shore]:
    """Real sshd, by connections that stay."""
    async with real_sshd(folder) as sshd:
        there = ways(
            recorder,
            LANES,
            login_nodes=[{"host": sshd.host, "port": sshd.port}],
            host_keys=[sshd.host_key],
            delegation={"mode": "per-session", "source_addresses": ["127.0.0.1/32"]},
        )
        async with transport_to(sshd, *systems(there)) as transport:
            home = Path(pwd.getpwnam("firebash").pw_dir)
            yield Shore(transport, caller("firebash", for_hours=True), home, recorder, there)


SHORES = {"embedded": embedded_shore, "sshd": sshd_shore}


@pytest.fixture(scope="module", params=["embedded", pytest.param("sshd", marks=pytest.mark.openssh)])
async def shore(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shore]:
    """Each of the two; whatever the tests do there, nothing of it has ever been run."""
    with recording() as recorder:
        async with SHORES[request.param](tmp_path_factory.mktemp("shore"), recorder) as made:
            yield made
        assert recorder.traces() == []
