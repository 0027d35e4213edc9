"""What the injection tests look with: what is run that should not be is seen twice, by its call and by its trace."""

import subprocess
from pathlib import Path

from tests.recorder import Lane, Recorder, comparable, meant, recording


def run(recorder: Recorder, lane: Lane, *argv: str) -> None:
    """A program as a command of this lane would start it."""
    subprocess.run(argv, env={"PATH": recorder.path, **lane.environment}, check=True, stdout=subprocess.DEVNULL)


def test_a_string_that_is_run_leaves_a_trace_and_a_call_that_was_not_meant() -> None:
    with recording() as recorder:
        lane = recorder.lane("lane")
        run(recorder, lane, f"{recorder.folder}/programs/sh", "-c", 'eval "stat $1"', "sh", "/tmp")
        template = lane.taken()
        run(recorder, lane, f"{recorder.folder}/programs/sh", "-c", 'eval "stat $1"', "sh", f"/tmp;{recorder.canary}")
        assert lane.taken() != meant(template, {"/tmp": f"/tmp;{recorder.canary}"})
        assert len(recorder.traces()) == 1
        assert recorder.canary in recorder.traces()[0]


def test_each_call_is_told_once_with_every_byte_of_its_arguments() -> None:
    with recording() as recorder:
        lane, odd = recorder.lane("lane"), ("", "new\nline", "-n", "\udcff", "/x/.firecrest.abcdefgh")
        run(recorder, lane, f"{recorder.folder}/programs/true", *odd)
        calls = lane.taken()
        assert calls == {("true", *odd): 1}
        assert not lane.taken()
        assert comparable(calls, Path("/x")) == {("true", *odd[:-1], "/FOLDER/.firecrest."): 1}
