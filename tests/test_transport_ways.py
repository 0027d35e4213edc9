"""The way to a system: login nodes, host keys, queues, pools; and sshd when it is not there."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from firecrest_gql.demo.ports import remembered_ports
from firecrest_gql.errors import (
    DelegationUnavailable,
    FirecrestError,
    InvalidInput,
    Overloaded,
    PermissionDenied,
    SystemUnavailable,
    TooLarge,
)
from firecrest_gql.model.health import HealthStatus
from firecrest_gql.model.identity import Caller, ServiceProof
from firecrest_gql.settings import SystemSettings
from firecrest_gql.ssh import Transport
from tests.openssh import (
    SHELLS,
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
BOB = caller("firebash")
HELLO = Words(("echo", "hello"))
STRANGER = asyncssh.generate_private_key("ssh-ed25519")
POOLED = {"mode": "per-session", "source_addresses": ["127.0.0.1"], "certificate_seconds": 600}


@pytest.fixture(scope="module")
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealSshd]:
    """A running one."""
    async with real_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


async def run(sshd: RealSshd, system: SystemSettings, times: int = 1, who: Caller = BOB) -> list[Any]:
    """The answers, or errors, of so many `echo hello` at once over one transport."""
    async with transport_to(sshd, system) as transport:
        return await asyncio.gather(*(transport.run(system, who, HELLO) for _ in range(times)), return_exceptions=True)


def closed_port(folder: Path) -> int:
    """A port at which nobody listens."""
    return remembered_ports(folder / "ports.json", ["nobody"])["nobody"]


@contextmanager
def logins(sshd: RealSshd) -> Iterator[list[str]]:
    """The lines of successful logins that come meanwhile."""
    log, lines = sshd.daemon.folder / "sshd.log", list[str]()
    before = len(log.read_text())
    yield lines
    lines += [line for line in log.read_text()[before:].splitlines() if line.startswith("Accepted publickey")]


async def test_a_host_key_that_is_not_configured_is_refused(sshd: RealSshd) -> None:
    system = system_of(sshd, host_keys=[STRANGER.export_public_key().decode()])
    with logins(sshd) as seen:
        (error,) = await run(sshd, system)
    assert isinstance(error, SystemUnavailable)
    assert "127.0.0.1 shows a host key that is not among the configured ones" in error.message
    assert not seen


async def test_a_host_key_signed_by_a_host_authority_is_accepted(tmp_path: Path) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    async with real_sshd(tmp_path) as sshd:
        key = asyncssh.import_public_key(sshd.host_key)
        for host, good in (("127.0.0.1", True), ("elsewhere.example", False)):
            signed = authority.generate_host_certificate(key, "id", principals=[host])
            signed.write_certificate(tmp_path / "host-cert.pub")
            sshd.daemon.options = (f"HostCertificate {tmp_path}/host-cert.pub",)
            await sshd.daemon.stop()
            await sshd.daemon.start()
            system = system_of(sshd, host_keys=[], host_authorities=[authority.export_public_key().decode()])
            (answer,) = await run(sshd, system)
            assert isinstance(answer, FirecrestError) is not good


async def test_a_dead_login_node_is_skipped(sshd: RealSshd, tmp_path: Path) -> None:
    nodes = [{"host": "127.0.0.1", "port": closed_port(tmp_path)}, {"host": "127.0.0.1", "port": sshd.port}]
    system = system_of(sshd, login_nodes=nodes)
    answers = await run(sshd, system, times=3)
    assert [answer.stdout for answer in answers] == [b"hello\n"] * 3
    async with transport_to(sshd, system) as transport:
        health = await transport.probe(system)
    assert (health.status, health.name) == (HealthStatus.DEGRADED, "ssh")
    assert health.message == "127.0.0.1 refuses connections"


async def test_a_system_without_a_login_node_that_answers_says_so(sshd: RealSshd, tmp_path: Path) -> None:
    system = system_of(sshd, login_nodes=[{"host": "127.0.0.1", "port": closed_port(tmp_path)}])
    (error,) = await run(sshd, system)
    assert isinstance(error, SystemUnavailable)
    assert error.retryable
    assert error.message == "no login node of real can be used: 127.0.0.1 refuses connections; try again soon"


async def test_sshd_may_stop_and_start_again(sshd: RealSshd) -> None:
    for system in (system_of(sshd), system_of(sshd, delegation=POOLED)):
        async with transport_to(sshd, system) as transport:
            assert (await transport.run(system, BOB, HELLO)).stdout == b"hello\n"
            await sshd.daemon.stop()
            with pytest.raises(SystemUnavailable):
                await transport.run(system, BOB, HELLO)
            assert (await transport.probe(system)).status is HealthStatus.UNAVAILABLE
            await sshd.daemon.start()
            assert (await transport.run(system, BOB, HELLO)).stdout == b"hello\n"
            assert (await transport.probe(system)).status is HealthStatus.HEALTHY


async def test_a_restart_of_sshd_under_a_command_not_yet_begun_is_not_seen(sshd: RealSshd) -> None:
    system = system_of(sshd)
    async with transport_to(sshd, system) as transport:
        await sshd.daemon.stop()
        running = [asyncio.create_task(transport.run(system, BOB, HELLO)) for _ in range(5)]
        await asyncio.sleep(0)
        await sshd.daemon.start()
        assert [(await task).stdout for task in running] == [b"hello\n"] * 5


async def test_a_connection_lost_under_a_command_is_not_tried_again(sshd: RealSshd) -> None:
    system = system_of(sshd)
    with logins(sshd) as seen:
        async with transport_to(sshd, system) as transport:
            lost = asyncio.create_task(_first_lines(transport, system, sshd.daemon.stop))
            with pytest.raises(SystemUnavailable, match="look whether it took effect"):
                await lost
            await sshd.daemon.start()
    assert len(seen) == 1


async def _first_lines(transport: Transport, system: SystemSettings, then: Callable[[], Awaitable[None]]) -> None:
    async with transport.stream(system, BOB, Lines(("sh", "-c", "echo one; sleep 604"))) as lines:
        assert await anext(lines) == b"one"
        await then()
        await anext(lines)


async def test_a_frozen_login_node_is_given_up_after_the_connections_limit(sshd: RealSshd) -> None:
    system = system_of(sshd, limits={"connect_seconds": 0.5})
    sshd.daemon.freeze()
    (error,) = await run(sshd, system)
    sshd.daemon.resume()
    assert isinstance(error, SystemUnavailable)
    assert "127.0.0.1 does not answer in time" in error.message


async def test_a_login_that_is_refused_names_the_account_and_is_not_repeated(sshd: RealSshd) -> None:
    (error,) = await run(sshd, system_of(sshd), who=caller("stranger"))
    assert isinstance(error, PermissionDenied)
    assert "refused the login of stranger" in error.message


async def test_arguments_that_cannot_be_are_refused_before_anybody_is_asked(sshd: RealSshd) -> None:
    system = system_of(sshd)
    async with transport_to(sshd, system) as transport:
        for words, kind in ((("stat", "a\0"), InvalidInput), (("stat", "a" * 40_000), TooLarge), ((), InvalidInput)):
            with logins(sshd) as seen, pytest.raises(kind):
                await transport.run(system, BOB, Words(words))
            assert not seen


async def test_many_commands_wait_for_their_turn(sshd: RealSshd) -> None:
    for delegation in ({"mode": "per-command", "source_addresses": ["127.0.0.1"]}, POOLED):
        answers = await run(sshd, system_of(sshd, delegation=delegation, limits={"commands_per_user": 3}), times=20)
        assert [answer.stdout for answer in answers] == [b"hello\n"] * 20


async def test_too_many_are_refused_by_count_and_by_time(sshd: RealSshd) -> None:
    limits = {"commands_per_user": 1, "queued_per_user": 2, "queue_seconds": 0.3}
    system, slow = system_of(sshd, limits=limits), Words(("sleep", "1"))
    async with transport_to(sshd, system) as transport:
        tasks = [transport.run(system, BOB, slow) for _ in range(5)]
        answers = await asyncio.gather(*tasks, transport.run(system, caller("firedash"), HELLO), return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["Result", *["Overloaded"] * 4, "Result"]
    told = [answer.message for answer in answers if isinstance(answer, Overloaded)]
    assert sorted({message.partition(": ")[2].partition(":")[0] for message in told}) == [
        "1 run at once and 2 wait",
        "1 run at once, and none ended within 0.3 s",
    ]


async def test_followed_files_leave_room_for_commands(sshd: RealSshd) -> None:
    system = system_of(sshd, delegation=POOLED, limits={"commands_per_user": 1, "streams_per_user": 1})
    async with transport_to(sshd, system) as transport, transport.stream(system, BOB, Lines(("sleep", "605"))):
        assert (await transport.run(system, BOB, HELLO)).stdout == b"hello\n"


@pytest.mark.parametrize("most", [2, 10])
async def test_more_commands_than_max_sessions_all_have_their_answers(most: int, tmp_path: Path) -> None:
    async with real_sshd(tmp_path, (f"MaxSessions {most}", "MaxStartups 10:30:100")) as sshd:
        system = system_of(sshd, delegation=POOLED, limits={"commands_per_user": 24})
        answers = await run(sshd, system, times=24)
        assert [getattr(answer, "stdout", answer) for answer in answers] == [b"hello\n"] * 24


async def test_pooled_connections_are_used_again_each_by_its_user_alone(sshd: RealSshd) -> None:
    system = system_of(sshd, delegation=POOLED)
    with logins(sshd) as seen:
        async with transport_to(sshd, system) as transport:
            for _ in range(4):
                for account in SHELLS:
                    who = await transport.run(system, caller(account), Words(("id", "-un")))
                    assert who.stdout.decode().strip() == account
    assert len(seen) == len(SHELLS)


async def test_a_pooled_connection_ends_with_its_certificate(sshd: RealSshd) -> None:
    system = system_of(sshd, delegation=POOLED | {"certificate_seconds": 5})
    with logins(sshd) as seen:
        async with transport_to(sshd, system) as transport:
            with pytest.raises(SystemUnavailable, match="lost while sleep ran"):
                await transport.run(system, BOB, Words(("sleep", "60606"), seconds=60))
            await until(lambda: not processes_with("60606"), seconds=15)
            assert (await transport.run(system, BOB, HELLO)).stdout == b"hello\n"
    assert len(seen) == 2


async def test_the_service_account_runs_certified_commands_alone(sshd: RealSshd) -> None:
    system = system_of(sshd, delegation=POOLED, scheduler={"kind": "slurm"}, service_account="firedash")
    service = Caller("service", "firedash", ServiceProof(), "probe-1")
    async with transport_to(sshd, system) as transport:
        assert (await transport.run(system, service, Words(("id", "-un")))).stdout == b"firedash\n"
        with pytest.raises(FirecrestError, match="may not run echo"):
            await transport.run(system, service, HELLO)


async def test_a_static_key_opens_what_it_opens(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "key")
    (tmp_path / "keys").mkdir()
    options = (f"AuthorizedKeysFile {tmp_path}/keys/%u", "StrictModes no")
    open_to_all(tmp_path)
    key.write_public_key(tmp_path / "keys" / "firebash")
    async with real_sshd(tmp_path / "sshd", options) as sshd:
        system = system_of(sshd, delegation={"mode": "static", "key_file": tmp_path / "key"})
        with logins(sshd) as seen:
            answers = await run(sshd, system, times=8)
        assert [answer.stdout for answer in answers] == [b"hello\n"] * 8
        assert len(seen) == 1
        (error,) = await run(sshd, system, who=caller("firedash"))
        assert isinstance(error, PermissionDenied)
        (error,) = await run(sshd, system_of(sshd, delegation={"mode": "static", "key_file": tmp_path / "none"}))
        assert isinstance(error, DelegationUnavailable)


async def test_the_way_leads_through_a_jump_host(sshd: RealSshd, tmp_path: Path) -> None:
    async with real_sshd(tmp_path, ("DisableForwarding no", "AllowTcpForwarding yes")) as jump:
        trusting = RealSshd(jump.daemon, sshd.ca_key)
        jump.daemon.ca_public_key = sshd.ca_key.export_public_key().decode()
        await jump.daemon.stop()
        await jump.daemon.start()
        way = {"jump_host": {"host": jump.host, "port": jump.port}, "host_keys": [sshd.host_key, jump.host_key]}
        for delegation in ({"mode": "per-command", "source_addresses": ["127.0.0.1"]}, POOLED):
            with logins(trusting) as through, logins(sshd) as seen:
                (answer,) = await run(sshd, system_of(sshd, delegation=delegation, **way))
            assert answer.stdout == b"hello\n"
            assert (len(through), len(seen)) == (1, 1)


async def test_a_probe_does_not_log_in(sshd: RealSshd) -> None:
    system = system_of(sshd)
    with logins(sshd) as seen:
        async with transport_to(sshd, system) as transport:
            health = await transport.probe(system)
            wrong = await transport.probe(system_of(sshd, host_keys=[STRANGER.export_public_key().decode()]))
    assert health.status is HealthStatus.HEALTHY
    assert health.latency_seconds is not None
    assert health.checked_at is not None
    assert health.checked_at.timestamp() <= time.time()
    assert (wrong.status, "host key" in (wrong.message or "")) == (HealthStatus.UNAVAILABLE, True)
    assert not seen
