"""The embedded system, spoken to as any SSH server is: who gets in, and what runs."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from firecrest_gql.demo.embedded import make_embedded
from tests.embedded_system import System, make_system, remove_homes
from tests.waiting import until


@pytest_asyncio.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    found = make_system(tmp_path_factory.mktemp("state"))
    async with found.embedded.process:
        yield found
    remove_homes(found.embedded)


async def test_the_forced_command_runs_and_not_what_was_asked(system: System) -> None:
    done = await system.run("cat; echo trouble >&2; exit 7", b"some\0bytes\xff")
    assert (done.stdout, done.stderr, done.exit_status) == (b"some\0bytes\xff", b"trouble\n", 7)


async def test_a_login_has_its_home_and_its_name_and_nothing_of_the_server(system: System) -> None:
    done = await system.run('cd && pwd && env | sort && test "$(id -u)" != 0', username="fireuser2")
    home = system.embedded.homes["fireuser2"]
    assert done.exit_status == 0
    assert isinstance(done.stdout, bytes)
    assert done.stdout.decode().splitlines() == [
        str(home),
        f"HOME={home}",
        "LOGNAME=fireuser2",
        *(["OLDPWD=" + str(home)] if b"OLDPWD" in done.stdout else []),
        "PATH=/usr/local/bin:/usr/bin:/bin",
        f"PWD={home}",
        "SHELL=/bin/sh",
        "USER=fireuser2",
    ]


async def test_a_signal_is_reported_as_a_signal(system: System) -> None:
    done = await system.run("kill -9 $$")
    assert done.exit_signal is not None
    assert done.exit_signal[0] == "KILL"


REFUSED: dict[str, dict[str, Any]] = {
    "no principals": {"principals": []},
    "another user's name": {"principals": ["fireuser2"]},
    "a pattern for a name": {"principals": ["*"]},
    "an expired certificate": {"valid_after": "-2h", "valid_before": "-1h"},
    "a certificate of the future": {"valid_after": "+1h", "valid_before": "+2h"},
    "another address": {"source_address": ["192.0.2.0/24"]},
    "a host certificate": {"kind": "host"},
    "another CA": {"ca": asyncssh.generate_private_key("ssh-ed25519")},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_only_a_valid_user_certificate_of_our_ca_that_names_the_user_gets_in(
    system: System, changes: dict[str, Any]
) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with system.connection(system.credential("true", **changes)):
            pass


async def test_neither_a_bare_key_nor_an_unknown_user_gets_in(system: System) -> None:
    key, _ = system.credential("true")
    for credential, username in ((key, "fireuser"), (system.ca, "fireuser"), (None, "fireuser")):
        with pytest.raises(asyncssh.PermissionDenied):
            async with system.connection(credential, username):
                pass
    with pytest.raises(asyncssh.PermissionDenied):
        async with system.connection(system.credential("true", principals=["root"]), "root"):
            pass


async def test_a_certificate_without_a_command_opens_no_session(system: System) -> None:
    async with system.connection(system.credential(None, permit_pty=True)) as connection:
        with pytest.raises(asyncssh.ChannelOpenError, match="one command"):
            await connection.run("id")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()


async def test_there_is_no_terminal_no_forwarding_and_no_file_transfer(system: System) -> None:
    credential = system.credential("cat", permit_pty=True, permit_port_forwarding=True)
    async with system.connection(credential) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process(term_type="xterm")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", system.embedded.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)
        # A subsystem is answered by the forced command: cat gives the request back, and that is no answer.
        with pytest.raises(asyncssh.SFTPError):
            await connection.start_sftp_client()


async def test_a_slow_reader_stops_the_command_and_loses_nothing(system: System) -> None:
    size = 32 * 2**20
    async with system.connection(system.credential(f"head -c {size} /dev/zero")) as connection:
        process = await connection.create_process(encoding=None, window=2**16)
        received = 0
        while chunk := await process.stdout.read(2**15):
            received += len(chunk)
    assert received == size


async def test_much_input_reaches_a_command_that_reads_late(system: System) -> None:
    data = os.urandom(8 * 2**20)
    # Many at once: its end must come at every moment of the writing.
    done = await asyncio.gather(*(system.run("sleep 0.3; wc -c", data) for _ in range(20)))
    assert {each.stdout for each in done} == {f"{len(data)}\n".encode()}


async def test_a_command_that_closes_its_input_does_not_hold_up_the_client(system: System) -> None:
    done = await system.run("exec <&-; sleep 0.2; echo done", bytes(8 * 2**20))
    assert done.stdout == b"done\n"


async def test_a_client_that_leaves_takes_the_commands_input_away(system: System) -> None:
    file = system.embedded.homes["fireuser"] / "left"
    async with system.connection(system.credential("echo started; cat; echo gone >left")) as connection:
        process = await connection.create_process(encoding=None)
        assert await process.stdout.readline() == b"started\n"

    async def noticed() -> bool:
        return file.exists() and file.read_bytes() == b"gone\n"

    await until(noticed)


async def test_the_keys_and_homes_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    first, second = (make_embedded(tmp_path, "ssh-ed25519 AAAA") for _ in range(2))
    assert (first.host_public_key, first.homes, first.port) == (second.host_public_key, second.homes, second.port)
    assert (tmp_path / "embedded-keys" / "host_key").stat().st_mode & 0o777 == 0o600
    remove_homes(first)
