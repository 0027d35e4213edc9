"""Commands and streams over a real sshd, under accounts with every shell that we promise."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firecrest_gql.command import Result, Stdin
from firecrest_gql.errors import CommandFailed, CommandTimeout, InvalidInput, TooLarge
from firecrest_gql.jobs.patience import Patience
from firecrest_gql.settings import SystemSettings
from firecrest_gql.ssh import Transport
from tests.openssh import SHELLS, Lines, Words, caller, processes_with, real_sshd, system_of, transport_to
from tests.waiting import until
from tests.words import ODD_WORDS, as_bytes

pytestmark = pytest.mark.openssh
PER_SESSION = {"mode": "per-session", "source_addresses": ["127.0.0.1"], "certificate_seconds": 600}


@dataclass(frozen=True)
class Lab:
    """One sshd, reached by a certificate for each command and by pooled connections."""

    transport: Transport
    real: SystemSettings
    pooled: SystemSettings


@pytest.fixture(scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """A running one."""
    async with real_sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        real, pooled = system_of(sshd), system_of(sshd, name="pooled", delegation=PER_SESSION)
        async with transport_to(sshd, real, pooled) as transport:
            yield Lab(transport, real, pooled)


@pytest.mark.parametrize("account", SHELLS)
async def test_odd_words_arrive_byte_for_byte_under_every_shell(account: str, lab: Lab) -> None:
    for system in (lab.real, lab.pooled):
        result = await lab.transport.run(system, caller(account), Words(("printf", r"%s\0", *ODD_WORDS)))
        assert result == Result(0, b"".join(as_bytes(word) + b"\0" for word in ODD_WORDS), b"")


@given(words=st.lists(st.binary(max_size=12).filter(lambda word: b"\0" not in word), min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_words_arrive_byte_for_byte_under_every_shell(words: list[bytes], lab: Lab) -> None:
    command = Words(("printf", r"%s\0", *(word.decode("utf-8", "surrogateescape") for word in words)))
    for account in SHELLS:
        result = await lab.transport.run(lab.pooled, caller(account), command)
        assert result.stdout.split(b"\0")[:-1] == words


async def test_what_start_up_files_print_is_no_output(lab: Lab) -> None:
    result = await lab.transport.run(lab.real, caller("firenoisy"), Words(("sh", "-c", "echo out; echo err >&2")))
    assert result == Result(0, b"out\n", b"err\n")


@pytest.mark.parametrize("size", [0, 1, 65_537, 3_000_000])
async def test_data_arrives_whole_and_comes_back(size: int, lab: Lab) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    assert (await lab.transport.run(lab.real, caller("firefish"), Words(("cat",), data))).stdout == data


@dataclass(frozen=True)
class Announced(Words):
    """A command whose data comes in pieces, and not as long as announced."""

    pieces: tuple[bytes, ...] = ()

    @property
    def stdin(self) -> Stdin:
        """Three bytes are announced."""

        async def data() -> AsyncIterator[bytes]:
            for piece in self.pieces:
                yield piece

        return Stdin(3, data())


async def test_data_may_come_in_pieces_and_must_be_as_long_as_announced(lab: Lab, tmp_path: Path) -> None:
    run = lab.transport.run
    assert (await run(lab.real, caller("firebash"), Announced(("cat",), pieces=(b"a", b"bc")))).stdout == b"abc"
    script = 'cat >/dev/null; echo whole >"$HOME/announced"'
    for pieces in ((b"a",), (b"ab", b"cd")):
        with pytest.raises(InvalidInput, match="3 bytes"):
            await run(lab.real, caller("firebash"), Announced(("sh", "-c", script), pieces=pieces))
    status = await run(lab.real, caller("firebash"), Words(("sh", "-c", "test -e ~/announced")))
    assert status.exit_status == 1


async def test_a_command_that_ends_before_its_data_is_read_has_its_answer(lab: Lab) -> None:
    result = await lab.transport.run(lab.real, caller("firetcsh"), Words(("head", "-c", "3"), b"x" * 5_000_000))
    assert result == Result(0, b"xxx", b"")


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("exit 124", 124), ("kill -KILL $$", 137)])
async def test_the_status_is_the_commands_own(script: str, status: int, lab: Lab) -> None:
    result = await lab.transport.run(lab.real, caller("firedash"), Words(("sh", "-c", script)))
    assert result.exit_status == status


async def test_a_missing_program_is_a_status_and_a_sentence(lab: Lab) -> None:
    result = await lab.transport.run(lab.real, caller("firebash"), Words(("no-such-program",)))
    assert result.exit_status == 127
    assert b"no-such-program: not found" in result.stderr


async def test_a_command_without_end_is_ended_at_its_limit_which_the_error_names(lab: Lab) -> None:
    with pytest.raises(CommandTimeout, match=r"sleep on real took longer than its limit of 0\.5 s"):
        await lab.transport.run(lab.real, caller("firebash"), Words(("sleep", "601"), seconds=0.5))
    script = 'trap "" TERM; sleep 602; sleep 602'
    with pytest.raises(CommandTimeout):
        await lab.transport.run(lab.real, caller("firebash"), Words(("sh", "-c", script), seconds=0.5))


async def test_output_without_end_is_cut_at_the_limit_which_the_error_names(lab: Lab) -> None:
    with pytest.raises(TooLarge, match="100000 bytes"):
        await lab.transport.run(lab.real, caller("firebash"), Words(("yes", "without-end"), limit=100_000))
    await until(lambda: not processes_with("without-end"), seconds=15)


async def test_a_look_at_a_hundred_thousand_jobs_has_room_where_a_request_has_not(lab: Lab) -> None:
    size = 90 * 2**20
    told = Words(("head", "-c", str(size), "/dev/zero"))
    with pytest.raises(TooLarge):
        await lab.transport.run(lab.pooled, caller("firebash"), told)
    assert len((await Patience(lab.transport).run(lab.pooled, caller("firebash"), told)).stdout) == size


async def test_errors_without_end_are_kept_in_part(lab: Lab) -> None:
    script = "head -c 3000000 /dev/zero >&2; echo out; exit 5"
    result = await lab.transport.run(lab.real, caller("firebash"), Words(("sh", "-c", script)))
    assert (result.exit_status, result.stdout) == (5, b"out\n")
    assert 0 < len(result.stderr) < 100_000


@dataclass(frozen=True)
class ReadBy(Words):
    """A command whose answer is the thread that read it."""

    def parse(self, result: Result) -> Result:
        """Where are we?"""
        return Result(0, threading.current_thread().name.encode(), b"")


async def test_large_output_is_read_beside_the_event_loop(lab: Lab) -> None:
    small, large = (ReadBy(("head", "-c", size, "/dev/zero")) for size in ("1000", "1000000"))
    readers = [(await lab.transport.run(lab.real, caller("firebash"), command)).stdout for command in (small, large)]
    assert (readers[0] == b"MainThread", readers[1] == b"MainThread") == (True, False)


async def test_a_streams_items_come_while_it_runs(lab: Lab) -> None:
    script = 'echo first; while test ! -e "$1"; do sleep 0.02; done; echo last; rm "$1"'
    go_on = "/tmp/firecrest-stream-goes-on"
    items = []
    async with lab.transport.stream(lab.real, caller("firebash"), Lines(("sh", "-c", script, "s", go_on))) as lines:
        async for line in lines:
            items.append(line)
            if line == b"first":
                await lab.transport.run(lab.real, caller("firebash"), Words(("touch", go_on)))
    assert items == [b"first", b"last"]


async def test_a_stream_that_fails_says_so_at_its_end(lab: Lab) -> None:
    with pytest.raises(CommandFailed, match="status 4"):
        async with lab.transport.stream(lab.real, caller("firebash"), Lines(("sh", "-c", "echo a; exit 4"))) as lines:
            assert [line async for line in lines] == [b"a"]


async def test_a_slow_reader_slows_the_remote_side_and_loses_nothing(lab: Lab) -> None:
    size = 8_000_123
    script = f"head -c {size} /dev/zero | tr '\\0' '\\n'"
    async with lab.transport.stream(lab.real, caller("firebash"), Lines(("sh", "-c", script))) as lines:
        await anext(lines)
        before = -1
        while before != (before := _written(str(size))):  # noqa: ASYNC110  (proc(5) rings no bell)
            await asyncio.sleep(0.3)
        assert 0 < before < size / 2
        assert 1 + sum([1 async for _ in lines]) == size


def _written(word: str) -> int:
    """Bytes that the busiest process with this argument has written so far; proc(5), io."""
    return max(int(Path(f"/proc/{pid}/io").read_text().split()[3]) for pid in processes_with(word))


async def test_the_log_has_a_line_for_each_command_without_its_arguments(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await lab.transport.run(lab.real, caller("firebash"), Words(("sh", "-c", "exit 7", "secret")))
    with pytest.raises(CommandTimeout):
        await lab.transport.run(lab.real, caller("firebash"), Words(("sleep", "603"), seconds=0.1))
    lines = [record.getMessage() for record in caplog.records if record.name == "firecrest_gql.ssh"]
    assert [line.partition(" seconds=")[0] for line in lines] == [
        "request=request-1 user=firebash system=real program=sh",
        "request=request-1 user=firebash system=real program=sleep",
    ]
    assert [line.rpartition("=")[2] for line in lines] == ["7", "COMMAND_TIMEOUT"]
    assert "secret" not in caplog.text
