"""What runs on a login node ends with its time, with its caller, and with us."""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from firecrest_gql.errors import CommandTimeout
from firecrest_gql.settings import SystemSettings
from firecrest_gql.ssh import Transport
from tests.openssh import (
    Lines,
    RealSshd,
    Words,
    caller,
    open_to_all,
    processes_with,
    real_sshd,
    system_of,
    transport_to,
)
from tests.waiting import until

pytestmark = pytest.mark.openssh
POOLED = {"mode": "per-session", "source_addresses": ["127.0.0.1"], "certificate_seconds": 600}
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealSshd]:
    """A running one."""
    async with real_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(params=["per-command", "per-session"])
async def system(request: pytest.FixtureRequest, sshd: RealSshd) -> SystemSettings:
    """The sshd by a certificate for each command, and by pooled connections."""
    return system_of(sshd) if request.param == "per-command" else system_of(sshd, delegation=POOLED)


@pytest.fixture
async def transport(sshd: RealSshd, system: SystemSettings) -> AsyncIterator[Transport]:
    """A transport to it."""
    async with transport_to(sshd, system) as made:
        yield made


def sleep(folder: Path, word: str) -> tuple[str, ...]:
    """Ten minutes of nothing, with a child."""
    return ("sh", "-c", "sleep 600 & sleep 600", word)


def checksum(folder: Path, word: str) -> tuple[str, ...]:
    """Hours of work: the checksum of a large file."""
    with (folder / word).open("wb") as file:
        file.truncate(2**43)
    return ("sha256sum", "--", str(folder / word))


def quiet_tail(folder: Path, word: str) -> tuple[str, ...]:
    """Follows a file to which nobody writes, and so never notices that nobody reads."""
    (folder / word).touch()
    return ("tail", "-F", "--", str(folder / word))


@pytest.fixture(params=[sleep, checksum, quiet_tail], ids=lambda make: make.__name__)
def argv(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Each of the three, with a word in it that no other process has."""
    make: Callable[[Path, str], tuple[str, ...]] = request.param
    folder = tmp_path_factory.getbasetemp()
    open_to_all(folder)
    return make(folder, uuid.uuid4().hex)


async def test_it_is_gone_when_its_time_is_over(
    argv: tuple[str, ...], transport: Transport, system: SystemSettings
) -> None:
    with pytest.raises(CommandTimeout):
        await transport.run(system, caller("firebash"), Words(argv, seconds=0.5))
    await until(lambda: not processes_with(argv[-1]), seconds=15)


async def test_it_is_gone_when_its_caller_leaves(
    argv: tuple[str, ...], transport: Transport, system: SystemSettings
) -> None:
    running = asyncio.create_task(transport.run(system, caller("firebash"), Words(argv, seconds=600)))
    await until(lambda: bool(processes_with(argv[-1])), seconds=15)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not processes_with(argv[-1]), seconds=15)


async def test_it_is_gone_with_its_caller_though_it_has_not_read_its_data(
    argv: tuple[str, ...], transport: Transport, system: SystemSettings
) -> None:
    words = Words(argv, data=b"x" * 1_000_000, seconds=600)
    running = asyncio.create_task(transport.run(system, caller("firebash"), words))
    await until(lambda: bool(processes_with(argv[-1])), seconds=15)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not processes_with(argv[-1]), seconds=15)


async def test_it_is_gone_when_its_stream_is_left(
    argv: tuple[str, ...], transport: Transport, system: SystemSettings
) -> None:
    async with transport.stream(system, caller("firebash"), Lines(argv, seconds=600)):
        await until(lambda: bool(processes_with(argv[-1])), seconds=15)
    await until(lambda: not processes_with(argv[-1]), seconds=15)


async def test_it_is_gone_when_our_own_process_is_killed(
    argv: tuple[str, ...], sshd: RealSshd, system: SystemSettings
) -> None:
    key = sshd.ca_key.export_private_key().decode()
    program = ("-m", "tests.transport_program", system.model_dump_json(), key, json.dumps(argv))
    ours = await asyncio.create_subprocess_exec(sys.executable, *program, cwd=ROOT)
    try:
        await until(lambda: bool(set(processes_with(argv[-1])) - {ours.pid}), seconds=15)
    finally:
        ours.kill()
        await ours.wait()
    await until(lambda: not processes_with(argv[-1]), seconds=30)


async def test_it_is_gone_when_sshd_ends_the_connection(sshd: RealSshd, argv: tuple[str, ...]) -> None:
    system = system_of(sshd)
    async with transport_to(sshd, system) as transport:
        async with transport.stream(system, caller("firebash"), Lines(argv, seconds=600)):
            await until(lambda: bool(processes_with(argv[-1])), seconds=15)
            await sshd.daemon.stop()
        await until(lambda: not processes_with(argv[-1]), seconds=15)
        await sshd.daemon.start()


async def test_a_session_of_its_own_survives_and_holds_nobody(transport: Transport, system: SystemSettings) -> None:
    word = uuid.uuid4().hex
    script = 'setsid sh -c "echo begun; sleep 20" "$1" & sleep 0.2; echo "submitted"'  # and it keeps the outputs open
    result = await transport.run(system, caller("firebash"), Words(("sh", "-c", script, "submit", word)))
    assert result.stdout == b"begun\nsubmitted\n"
    assert processes_with(word)
