"""The demo's child processes: ready when started, gone when ended, told of when they fail."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from firecrest_gql.demo.parts import StateInUse, locked
from firecrest_gql.demo.ports import PortTaken, remembered_ports
from firecrest_gql.demo.private_files import kept_json
from firecrest_gql.demo.process import Process, ProcessFailed, running
from tests.waiting import until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
# A parent that starts one child, says the child's id, and waits to be killed.
PARENT = """
import asyncio, sys
from pathlib import Path
from firecrest_gql.demo.process import Process

async def main(log, *child):
    async with Process("child", child, Path(log)) as child:
        print(child.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""
DROPPING = """
import os, time
from firecrest_gql.demo.end_with_parent import tie_to
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
tie_to(os.getppid())
print("dropped", flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


async def never() -> bool:
    """The probe of a child that is never ready."""
    return False


async def test_a_child_that_ends_before_it_is_ready_is_told_with_what_it_said_last(tmp_path: Path) -> None:
    child = Process("the oracle", [sys.executable, "-c", "print('no'); exit(3)"], tmp_path / "log", ready=never)
    with pytest.raises(ProcessFailed, match=r"(?s)the oracle ended with status 3.*no"):
        await child.start()
    assert not child.running


async def test_a_child_that_never_becomes_ready_is_ended_and_told(tmp_path: Path) -> None:
    child = Process("the oracle", SLEEPER, tmp_path / "log", ready=never, start_seconds=0.2)
    with pytest.raises(ProcessFailed, match=r"was not ready within 0\.2 s"):
        await child.start()
    assert not alive(child.pid)


async def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .* wanted by the oracle, is taken"):
            await Process("the oracle", SLEEPER, tmp_path / "log", ports=[port]).start()


async def test_a_killed_child_starts_again(tmp_path: Path) -> None:
    async with Process("child", SLEEPER, tmp_path / "log") as child:
        first = child.pid
        await child.kill()
        assert await child.wait() == -signal.SIGKILL
        await child.restart()
        assert child.running
        assert child.pid != first
    assert not alive(child.pid)


async def test_a_child_that_ignores_sigterm_is_killed_after_its_time(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def deaf() -> bool:
        return b"deaf" in log.read_bytes()

    async with Process("child", STUBBORN, log, ready=deaf, stop_seconds=0.2) as child:
        pass
    assert await child.wait() == -signal.SIGKILL


async def test_what_a_child_leaves_behind_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "child.sock"
    async with Process("child", SLEEPER, tmp_path / "log", leftovers=[left]):
        left.touch()
    assert not left.exists()


async def test_when_one_child_cannot_start_the_others_are_stopped_and_it_is_told(tmp_path: Path) -> None:
    good = Process("good", SLEEPER, tmp_path / "good.log")
    bad = Process("bad", [sys.executable, "-c", "exit(3)"], tmp_path / "bad.log", ready=never)
    with pytest.raises(ProcessFailed, match="bad ended with status 3"):
        async with running(good, bad):
            pytest.fail("it must not start")
    assert not good.running


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_no_child_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent, child = await parent_and_child(tmp_path / "log", *STUBBORN)
    await until(lambda: b"deaf" in (tmp_path / "log").read_bytes(), seconds=30)
    parent.kill()
    await until(lambda: not alive(child), seconds=30)
    await parent.wait()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root changes its user")
async def test_nor_does_one_that_has_changed_its_user(tmp_path: Path) -> None:
    parent, child = await parent_and_child(tmp_path / "log", sys.executable, "-c", DROPPING)
    await until(lambda: b"dropped" in (tmp_path / "log").read_bytes(), seconds=30)
    parent.kill()
    await until(lambda: not alive(child), seconds=30)
    await parent.wait()


async def parent_and_child(log: Path, *child: str) -> tuple[asyncio.subprocess.Process, int]:
    """A parent that has started the child, and the child's id."""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(log), *child), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    return parent, int(await parent.stdout.readline())


def test_ports_are_the_same_at_the_next_start_and_others_when_taken(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = remembered_ports(file, ["a", "b"])
    assert remembered_ports(file, ["b", "a"]) == first
    with socket.create_server(("127.0.0.1", first["a"])):
        second = remembered_ports(file, ["a", "b"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]
    assert json.loads(file.read_text()) == second


# Finds ports free, says which, and stays until its standard input ends.
OTHER = """
import sys
from pathlib import Path
from firecrest_gql.demo.ports import remembered_ports

print(*remembered_ports(Path(sys.argv[1]), map(str, range(300))).values(), flush=True)
sys.stdin.read()
"""


def test_two_processes_never_find_the_same_port_free(tmp_path: Path) -> None:
    """Of 300 and 300 by chance a dozen would be the same."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", OTHER, tmp_path / "theirs"], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        theirs = set(map(int, other.stdout.readline().split()))
        ours = set(remembered_ports(tmp_path / "ours", map(str, range(300))).values())
        other.communicate()
    assert (len(theirs), len(ours), theirs & ours) == (300, 300, set())


def test_what_is_kept_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keys.json"
    assert kept_json(file, lambda: {"key": "1"}) == kept_json(file, lambda: {"key": "2"}) == {"key": "1"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_demos_do_not_share_a_state_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StateInUse, match="another demo runs"), locked(tmp_path):
        pytest.fail("it must not be had twice")
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
