"""The scripts of transfers' jobs, run by dash as schedulers run them: arguments, ends, signals, what is left."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Command, Result, Stdin
from firecrest_gql.errors import InvalidInput
from firecrest_gql.transfers.folder import Look, Prepare, RemoveRest, Renew, Seen
from firecrest_gql.transfers.script import job_script
from tests.files import names
from tests.waiting import until

T = TypeVar("T")

PATH = os.environ["PATH"]
SHELL = shutil.which("dash") or "/bin/sh"
WORDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30) | st.sampled_from(
    ["", "-n", "'", '"', "$HOME", "`id`", "a\r\nb", "\n", "\\0101", "#SBATCH --hold", "%j", "*", "\udcff\udcfe", "!"]
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": PATH}


def ask(home: Path, command: Command[T]) -> T:
    """The command's answer, run on this machine."""
    assert isinstance(command.stdin, Stdin)
    data = command.stdin.data
    assert isinstance(data, bytes)
    done = subprocess.run(list(command.argv), input=data, capture_output=True, env=environment(home), check=False)
    return command.parse(Result(done.returncode, done.stdout, done.stderr))


def began(home: Path, argv: Sequence[str], folder: str) -> subprocess.Popen[bytes]:
    """The script of this program, begun as a scheduler begins one."""
    script = home / "script"
    script.write_bytes(job_script(argv, folder, PATH).encode("ascii"))
    return subprocess.Popen([SHELL, str(script)], cwd=home, env=environment(home), start_new_session=True)


def prepared(home: Path, input_data: bytes = b"", secrets: bytes = b"") -> str:
    return ask(home, Prepare("task_1", input_data, secrets))


def run(home: Path, *argv: str) -> Seen:
    """What is seen of the program after its end; the script's status is the program's."""
    script = began(home, argv, prepared(home))
    status = script.wait()
    seen = ask(home, Look("task_1"))
    assert seen.end is not None
    assert seen.end.exit_status == status
    return seen


@given(st.lists(WORDS, max_size=6))
def test_every_argument_arrives_as_it_is(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        seen = run(Path(home), "printf", r"%s\0", *arguments)
        assert seen.end is not None
        expected = [os.fsencode(argument) for argument in arguments] or [b""]
        assert seen.end.stdout.split(b"\0")[:-1] == expected


@given(st.lists(WORDS, max_size=6))
def test_a_script_is_ascii_without_a_line_that_a_user_has_written(arguments: list[str]) -> None:
    lines = job_script(["printf", *arguments], "/folder", PATH, ["#SBATCH --constraint=dtn"]).split("\n")
    assert lines[:5] == [
        "#!/bin/sh",
        "#SBATCH --no-requeue",
        "#SBATCH --kill-on-invalid-dep=yes",
        "#PBS -r n",
        "#SBATCH --constraint=dtn",
    ]
    assert lines[5].startswith("set -- ")
    assert "\r" not in "".join(lines)
    assert len(lines) == len(job_script(["printf"], "/folder", PATH).split("\n")) + 1


def test_no_argument_holds_a_nul_byte() -> None:
    with pytest.raises(InvalidInput):
        job_script(["printf", "a\0b"], "/folder", PATH)


def test_statuses_and_words_are_the_programs_own(home: Path) -> None:
    seen = run(home, "sh", "-c", "echo said; echo why >&2; exit 41")
    assert seen.end == Result(41, b"said\n", b"why\n")
    shutil.rmtree(home / ".firecrest")
    seen = run(home, "no-such-program")
    assert seen.end is not None
    assert seen.end.exit_status == 127


def test_the_program_reads_its_input_and_its_secrets_which_nobody_else_may_read(home: Path) -> None:
    folder = prepared(home, b"input\0data", b"a secret")
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    assert (Path(folder) / "secrets").stat().st_mode & 0o777 == 0o600
    assert ask(home, Renew("task_1", b"a newer secret")) is True
    assert began(home, ["sh", "-c", 'cat - "$FIRECREST_TRANSFER/secrets"'], folder).wait() == 0
    seen = ask(home, Look("task_1"))
    assert seen.end is not None
    assert seen.end.stdout == b"input\0dataa newer secret"
    ask(home, RemoveRest("task_1"))
    assert sorted(path.name for path in Path(folder).iterdir()) == ["log", "status", "stderr", "stdout"]


def test_a_script_that_begins_again_or_too_late_does_nothing(home: Path) -> None:
    folder = prepared(home)
    touch = ["touch", str(home / "done")]
    assert began(home, touch, folder).wait() == 0
    (home / "done").unlink()
    assert began(home, touch, folder).wait() == 1
    shutil.rmtree(folder)
    assert began(home, touch, folder).wait() != 0
    assert not (home / "done").exists()
    assert ask(home, Look("task_1")) == Seen()
    assert ask(home, Renew("task_1", b"x")) is False
    ask(home, RemoveRest("task_1"))


def test_a_job_that_begins_once_its_rest_is_removed_does_nothing(home: Path) -> None:
    folder = Path(prepared(home, b"input", b"a secret"))
    for left in ("conf.1", "piece", "sum", ".secrets", ".input"):
        (folder / left).write_text("a secret")
    ask(home, RemoveRest("task_1"))
    assert names(folder) == ["status"]
    assert began(home, ["touch", str(home / "done")], str(folder)).wait() == 1
    assert (names(folder), (home / "done").exists()) == (["status"], False)
    assert ask(home, Look("task_1")) == Seen()
    (folder / "status").unlink()
    assert began(home, ["touch", str(home / "done")], str(folder)).wait() == 1
    assert names(folder) == []


async def test_a_signal_ends_the_program_which_still_clears_up(home: Path) -> None:
    program = f'trap "touch {home}/cleared; exit 7" TERM; touch {home}/begun; while :; do sleep 0.1; done'
    script = began(home, ["sh", "-c", program], prepared(home))
    await until((home / "begun").exists)
    script.send_signal(signal.SIGTERM)
    assert script.wait() == 7
    assert (home / "cleared").exists()


async def test_what_is_made_beside_a_target_is_measured_and_removed_by_its_note(home: Path) -> None:
    beside = home / ".firecrest.x\ny"
    program = f"""d='{beside}'; mkdir "$d"; printf 12345 >"$d/file"; chmod 555 "$d"
        printf %s "$d" >"$FIRECREST_TRANSFER/beside"; sleep 60"""
    script = began(home, ["sh", "-c", program], prepared(home))

    def done() -> int:
        return ask(home, Look("task_1")).done or 0

    await until(lambda: done() >= 5)
    os.killpg(script.pid, signal.SIGKILL)
    script.wait()
    ask(home, RemoveRest("task_1"))
    assert not beside.exists()


async def test_what_a_program_counts_itself_is_told(home: Path) -> None:
    program = 'echo "70 100" >"$FIRECREST_TRANSFER/counted"; sleep 60'
    script = began(home, ["sh", "-c", program], prepared(home))
    await until(lambda: ask(home, Look("task_1")) == Seen(70, 100))
    os.killpg(script.pid, signal.SIGKILL)
    script.wait()
