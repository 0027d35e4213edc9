"""The envelope: one line for every shell, and what its program promises."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql import envelope
from firecrest_gql.envelope import SILENCE_SECONDS, Envelope, command_line
from firecrest_gql.errors import InvalidInput, TooLarge
from firecrest_gql.ssh.reading import Errors
from tests.words import ODD_WORDS, as_bytes

SHELLS = ("sh", "bash", "dash", "tcsh", "fish", *filter(shutil.which, ("ksh", "zsh")))
MARKER = "0123456789abcdef0123456789abcdef"
PATH = "/usr/local/bin:/usr/bin:/bin"
LIFE = b"."

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """Each shell that a promise was made for, and others that are here."""
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    return name


def start(*argv: str, size: int = 0, seconds: float = 10, shell: str = "sh") -> subprocess.Popen[bytes]:
    """The command in its envelope, as sshd starts it."""
    return start_line(command_line(argv, Envelope(MARKER, size, seconds, PATH)), shell)


def start_line(line: str, shell: str = "sh") -> subprocess.Popen[bytes]:
    """A line, as sshd starts it: by the shell, in a session of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen([shell, "-c", line], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def answer(child: subprocess.Popen[bytes], sent: bytes = b"") -> tuple[bytes, int]:
    """The output after the marker and the status of the trailer, for a client that sends this and stays."""
    assert child.stdin
    assert child.stdout
    assert child.stderr
    try:
        child.stdin.write(sent)
        child.stdin.flush()
    except BrokenPipeError:
        pass  # it ended without its data
    output, errors = child.stdout.read(), child.stderr.read()
    child.wait()
    noise, found, output = output.partition(MARKER.encode() + b"\n")
    assert found, (noise, errors)
    return output, int(errors.rpartition(MARKER.encode())[2].split()[0])


def hang_up(child: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What still came after the client left."""
    return child.communicate(timeout=20)


def test_every_shell_hands_over_odd_words_byte_for_byte(shell: str) -> None:
    output, status = answer(start("printf", r"%s\0", *ODD_WORDS, shell=shell))
    assert (output.split(b"\0")[:-1], status) == ([as_bytes(word) for word in ODD_WORDS], 0)


@given(st.lists(st.binary(max_size=12).filter(lambda word: b"\0" not in word), min_size=1, max_size=20))
def test_every_shell_hands_over_any_words_byte_for_byte(words: list[bytes]) -> None:
    decoded = [word.decode("utf-8", "surrogateescape") for word in words]
    for shell in filter(shutil.which, SHELLS):
        output, _ = answer(start("printf", r"%s\0", *decoded, shell=shell))
        assert output.split(b"\0")[:-1] == words, shell


def test_no_shell_finds_anything_of_its_own_in_the_program() -> None:
    assert not [sign for sign in ("'", "\n", "\\\\") if sign in "".join(envelope._PROGRAMS.values())]


def test_a_word_with_a_nul_byte_is_refused() -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        command_line(["stat", "a\0b"], Envelope(MARKER, 0, 1, PATH))


def test_a_word_with_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="half a character"):
        command_line(["stat", "a\ud800"], Envelope(MARKER, 0, 1, PATH))


def test_a_line_above_32_kib_is_refused() -> None:
    with pytest.raises(TooLarge, match="32768"):
        command_line(["stat", "a" * 33_000], Envelope(MARKER, 0, 1, PATH))


def test_variables_reach_the_command_and_odd_ones_are_refused() -> None:
    variables = {"SLURM_CONF": "/etc/a b.conf"}
    line = command_line(["printenv", "SLURM_CONF", "LC_ALL"], Envelope(MARKER, 0, 5, PATH, variables))
    assert answer(start_line(line)) == (b"/etc/a b.conf\nC\n", 0)
    with pytest.raises(InvalidInput, match="EVIL"):
        command_line(["true"], Envelope(MARKER, 0, 5, PATH, {"EVIL": "it's"}))


@pytest.mark.parametrize("size", [0, 1, 65_537, 1_000_000])
def test_standard_input_is_exactly_the_announced_bytes(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    output, status = answer(start("sha256sum", size=size), data[:size] + LIFE * 3)
    expected = subprocess.run(["sha256sum"], input=data[:size], capture_output=True, check=True).stdout
    assert (output, status) == (expected, 0)


def test_data_cut_short_never_looks_whole(tmp_path: Path) -> None:
    child = start("sh", "-c", 'cat >/dev/null; echo whole >"$1"', "save", str(tmp_path / "saved"), size=1000)
    assert child.stdin
    child.stdin.write(b"x" * 999)
    hang_up(child)
    assert not (tmp_path / "saved").exists()


def test_a_command_may_end_before_it_has_read_its_data() -> None:
    assert answer(start("true", size=1_000_000), b"x" * 1_000_000 + LIFE) == (b"", 0)


def test_a_command_may_close_its_input_and_go_on() -> None:
    script = "head -c 3; exec <&-; sleep 0.3; echo done"
    assert answer(start("sh", "-c", script, size=500_000), b"x" * 500_000 + LIFE) == (b"xxxdone\n", 0)


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("exit 124", 124), ("kill -9 $$", 137)])
def test_the_status_is_the_commands_own(script: str, status: int) -> None:
    assert answer(start("sh", "-c", script)) == (b"", status)


def test_a_program_that_is_not_there_has_the_status_127() -> None:
    assert answer(start("no-such-program")) == (b"", 127)


def test_the_name_of_a_shells_builtin_is_no_program() -> None:
    assert answer(start("exit", "0")) == (b"", 127)


def test_at_the_limit_the_command_is_ended_even_if_it_ignores_sigterm() -> None:
    child = start("sh", "-c", 'trap "" TERM; sleep 61 & sleep 61; sleep 61', seconds=0.3)
    output, errors = child.stdout.read(), child.stderr.read()  # type: ignore[union-attr]
    assert (output, errors.count(MARKER.encode()), child.wait()) == (MARKER.encode() + b"\n", 1, -9)


def test_the_command_ends_with_its_children_when_the_client_leaves() -> None:
    child = start("sh", "-c", "sleep 62 & sleep 62")
    assert child.stdout
    child.stdout.readline()
    output, errors = hang_up(child)
    assert b"143 1" in errors
    assert output == b""


def test_a_command_that_does_not_read_its_data_ends_too_when_the_client_leaves() -> None:
    child = start("sleep", "66", size=1_000_000)
    assert child.stdin
    assert child.stdout
    assert child.stderr
    os.set_blocking(child.stdin.fileno(), False)
    child.stdout.readline()
    with suppress(BlockingIOError):  # once both pipes are full
        while child.stdin.write(b"x" * 4096):
            child.stdin.flush()
    for pipe in (child.stdout, child.stderr):
        pipe.close()
    with suppress(BlockingIOError):
        child.stdin.close()
    assert child.wait(20) < 0


def test_signs_of_life_are_no_words_of_the_command() -> None:
    script = 'sleep 2.5; echo "some words" >&2; cat | wc -c; exit 3'
    child = start("sh", "-c", script, size=100_000)
    errors = Errors(MARKER)
    assert child.stdin
    assert child.stderr
    child.stdin.write(b"x" * 100_000 + LIFE)
    child.stdin.flush()
    said = child.stderr.read()
    errors.feed(said)
    assert said.count(MARKER.encode()) > 2
    assert (errors.text(), errors.ending()) == (b"some words\n", (3, False))


def test_a_silent_client_counts_as_gone() -> None:
    line = command_line(["sleep", "63"], Envelope(MARKER, 0, 600, PATH))
    child = start_line(line.replace(f"--foreground {SILENCE_SECONDS}", "--foreground 1"))
    output, status = answer(child)  # which would last for the 63 seconds
    assert (output, status) == (b"", 143)


def test_what_a_command_leaves_in_its_group_ends_with_it_and_a_session_of_its_own_survives(tmp_path: Path) -> None:
    mark = tmp_path / "lives"
    script = 'sleep 64 & setsid sh -c "sleep 0.5; echo yes >$1" >/dev/null 2>&1 </dev/null & sleep 0.1'
    assert answer(start("sh", "-c", script, "leave", str(mark))) == (b"", 0)
    deadline = time.monotonic() + 20
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert mark.exists()
