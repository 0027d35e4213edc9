"""How soon what makes a task is answered while a part of the system is silent: each is stopped in turn."""

import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from firecrest_gql.demo.run import Demo

ROUNDS = 5
Post = Callable[..., Awaitable[dict[str, Any]]]
Act = Callable[[], Awaitable[object]]
ASKED: dict[str, dict[str, Any]] = {
    "submitJob": {"name": "bench", "script": "#!/bin/sh\ntrue\n"},
    "cancelJobs": {"jobIds": ["1"]},
    "queryJobs": {},
}


@dataclass(frozen=True)
class Part:
    """A part of a system, and what stops it from answering and lets it go on."""

    system: str
    name: str
    stop: Callable[[], None]
    go_on: Callable[[], None]


def parts(running: Demo) -> Iterator[Part]:
    """Those of the demo."""
    signals = (partial(os.kill, running.embedded.pid, number) for number in (signal.SIGSTOP, signal.SIGCONT))
    yield Part("local", "local's sshd", *signals)
    if (slurm := running.slurm) is not None:
        yield Part("slurm", "slurmctld", slurm.freeze_controller, slurm.resume_controller)
        yield Part("slurm", "slurm's sshd", slurm.ssh.freeze, slurm.ssh.resume)


async def measure_silent(
    running: Demo,
    post: Post,
    timed: Callable[[Act, int], Awaitable[list[float]]],
    row: Callable[[str, list[float]], None],
) -> None:
    """A row of each mutation and each part."""
    for part in parts(running):
        part.stop()
        try:
            for name, asked in ASKED.items():
                kind = f"{name[0].upper()}{name[1:]}Input"
                document = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ task {{ id status }} }} }}"
                act = partial(post, document, input={"system": part.system, **asked})
                row(f"{name} answered, {part.name} stopped", await timed(act, ROUNDS))
        finally:
            part.go_on()
