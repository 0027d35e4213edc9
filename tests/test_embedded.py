"""The embedded system, spoken to as any SSH server is: who gets in, what runs, and what is left behind."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from firecrest_gql.command import Command, Result
from firecrest_gql.demo.embedded import Embedded, make_embedded
from firecrest_gql.demo.ports import is_free
from firecrest_gql.envelope import Envelope, command_line
from firecrest_gql.model.jobs import Job, JobFilter, JobSpec, JobState
from firecrest_gql.schedulers.direct import Direct

MARKER = "0123456789abcdef"


@dataclass(frozen=True)
class System:
    """The running system, and the CA that it trusts."""

    embedded: Embedded
    ca: asyncssh.SSHKey

    def credential(self, command: str | None, ca: asyncssh.SSHKey | None = None, **changes: Any) -> Any:
        key = asyncssh.generate_private_key("ssh-ed25519")
        made: dict[str, Any] = {
            "principals": ["fireuser"],
            "valid_after": "-30s",
            "valid_before": "+60s",
            "force_command": command,
            "source_address": ["127.0.0.1/32"],
            "permit_pty": False,
            **changes,
        }
        kind = made.pop("kind", "user")
        make = (ca or self.ca).generate_user_certificate if kind == "user" else _host_certificate(ca or self.ca)
        return key, make(key.convert_to_public(), "a-key-id", **made)

    @asynccontextmanager
    async def connection(
        self, credential: Any, username: str = "fireuser"
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        known = asyncssh.import_known_hosts(f"* {self.embedded.host_public_key}\n")
        async with asyncssh.connect(
            self.embedded.host,
            self.embedded.port,
            username=username,
            client_keys=[credential] if credential else None,
            known_hosts=known,
            config=None,
            agent_path=None,
        ) as connection:
            yield connection

    async def run(self, command: str, stdin: bytes = b"", username: str = "fireuser") -> asyncssh.SSHCompletedProcess:
        async with self.connection(self.credential(command, principals=[username]), username) as connection:
            return await connection.run("whatever was asked", input=stdin, encoding=None)

    async def ask(self, command: Command[Any]) -> Any:
        """A command by the envelope, as the transport sends it."""
        assert isinstance(command.stdin.data, bytes)
        envelope = Envelope(MARKER, len(command.stdin.data), 30, "/usr/local/bin:/usr/bin:/bin")
        credential = self.credential(command_line(command.argv, envelope))
        async with self.connection(credential) as connection:
            process = await connection.create_process(encoding=None)
            process.stdin.write(command.stdin.data + b".")
            stdout, stderr = await asyncio.gather(process.stdout.read(), process.stderr.read())
            return command.parse(_result(stdout, stderr))


def _host_certificate(ca: asyncssh.SSHKey) -> Callable[..., Any]:
    def make(key: asyncssh.SSHKey, key_id: str, **options: Any) -> Any:
        wanted = {name: options[name] for name in ("principals", "valid_after", "valid_before")}
        return ca.generate_host_certificate(key, key_id, **wanted)

    return make


def _result(stdout: bytes, stderr: bytes) -> Result:
    marker = f"{MARKER}\n".encode()
    errors, _, status = stderr.partition(marker)[2].rpartition(f"\n{MARKER} ".encode())
    return Result(int(status.split()[0]), stdout.partition(marker)[2], errors)


def remove_homes(embedded: Embedded) -> None:
    """Started by root they are outside the test's folder."""
    shutil.rmtree(embedded.homes["fireuser"].parent)


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so; only a hang takes a minute."""
    async with asyncio.timeout(60):
        while not await happened():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    ca = asyncssh.generate_private_key("ssh-ed25519")
    embedded = make_embedded(tmp_path_factory.mktemp("state"), ca.export_public_key().decode())
    async with embedded.process:
        yield System(embedded, ca)
    remove_homes(embedded)


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
    done = await system.run("sleep 0.3; wc -c", data)
    assert isinstance(done.stdout, bytes)
    assert int(done.stdout) == len(data)


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


async def test_a_job_outlives_its_connection_and_is_followed_over_others(system: System) -> None:
    script = "#!/bin/sh\necho hello; until test -e go; do sleep 0.1; done; echo done\n"
    direct = Direct()
    job_id = await system.ask(direct.submit(JobSpec(name="hello", script=script), "task_outlives"))
    home = system.embedded.homes["fireuser"]

    async def job() -> Job:
        [found] = await system.ask(direct.queue(JobFilter(job_ids=(job_id,)), "fireuser", "local"))
        assert isinstance(found, Job)
        return found

    output = Path((await job()).stdout_path or "")

    async def greeted() -> bool:
        return _text(output) == "hello\n"

    await until(greeted)
    assert (await job()).state is JobState.RUNNING
    (home / "go").touch()

    async def ended() -> bool:
        return (await job()).state is JobState.COMPLETED

    await until(ended)
    assert _text(output) == "hello\ndone\n"


async def test_a_killed_server_leaves_jobs_running_and_a_stopped_one_cancels_them(tmp_path: Path) -> None:
    ca = asyncssh.generate_private_key("ssh-ed25519")
    embedded = make_embedded(tmp_path, ca.export_public_key().decode())
    system, direct = System(embedded, ca), Direct()
    spec = JobSpec(script="#!/bin/sh\necho $$ >pid; (trap '' TERM; setsid sleep 1000)\n")
    await embedded.process.start()
    await system.ask(direct.submit(spec, "task_killed"))
    await embedded.process.kill()
    await embedded.process.start()
    [job] = await system.ask(direct.queue(JobFilter(), "fireuser", "local"))
    assert job.state is JobState.RUNNING
    await embedded.process.stop()
    await embedded.process.start()
    [job] = await system.ask(direct.queue(JobFilter(), "fireuser", "local"))
    await embedded.process.stop()
    assert job.state is JobState.CANCELLED
    assert not _processes_with(str(embedded.homes["fireuser"]))
    remove_homes(embedded)


async def test_jobs_can_be_cancelled_without_serving_anybody(tmp_path: Path) -> None:
    ca = asyncssh.generate_private_key("ssh-ed25519")
    embedded = make_embedded(tmp_path, ca.export_public_key().decode())
    system, direct = System(embedded, ca), Direct()
    await embedded.process.start()
    await system.ask(direct.submit(JobSpec(script="#!/bin/sh\nsleep 1000\n"), "task_left"))
    await embedded.process.kill()
    child = await asyncio.create_subprocess_exec(*embedded.process.argv, "--cancel-jobs", env=embedded.process.env)
    assert await child.wait() == 0
    assert not _processes_with(str(embedded.homes["fireuser"]))
    remove_homes(embedded)


PARENT = """
import asyncio, pathlib, sys
from firecrest_gql.demo.embedded import make_embedded

async def main():
    embedded = make_embedded(pathlib.Path(sys.argv[1]), sys.argv[2])
    async with embedded.process:
        print(embedded.process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_killed_demo_takes_the_server_along_and_leaves_the_jobs(tmp_path: Path) -> None:
    ca = asyncssh.generate_private_key("ssh-ed25519")
    authority = ca.export_public_key().decode()
    embedded = make_embedded(tmp_path, authority)
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path), authority),
        stdout=asyncio.subprocess.PIPE,
        env=embedded.process.env,
    )
    assert parent.stdout is not None
    await parent.stdout.readline()
    system, direct = System(embedded, ca), Direct()
    await system.ask(direct.submit(JobSpec(script="#!/bin/sh\nsleep 1000\n"), "task_orphan"))
    parent.kill()
    await parent.wait()

    async def gone() -> bool:
        return is_free(embedded.port)

    await until(gone)
    async with embedded.process:
        [job] = await system.ask(direct.queue(JobFilter(), "fireuser", "local"))
        assert job.state is JobState.RUNNING
    remove_homes(embedded)


async def test_the_keys_and_homes_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    first, second = (make_embedded(tmp_path, "ssh-ed25519 AAAA") for _ in range(2))
    assert (first.host_public_key, first.homes, first.port) == (second.host_public_key, second.homes, second.port)
    assert (tmp_path / "embedded-keys" / "host_key").stat().st_mode & 0o777 == 0o600
    remove_homes(first)


def _text(file: Path) -> str:
    return file.read_text()


def _processes_with(home: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found
