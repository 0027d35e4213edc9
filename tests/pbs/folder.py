"""The queue in its folder: a file of each job, one lock for all, and the process that runs a job."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Job: TypeAlias = dict[str, Any]

SERVER = "pbs"
QUEUES = ("workq", "xfer")


class Refused(Exception):
    """What a program says on standard error, and its status."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


class Folder:
    """What the server knows, between two runs of a program."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool

    @contextmanager
    def locked(self) -> Iterator["Folder"]:
        """Alone, for as long as the context lasts."""
        os.umask(0)
        with (self.spool / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self

    def jobs(self) -> dict[str, Job]:
        """All jobs by their ids, arrays before their tasks."""
        found = [json.loads(file.read_text()) for file in self.spool.glob("*.job")]
        return {job["id"]: job for job in sorted(found, key=lambda job: (job["number"], job["index"] or 0))}

    def save(self, job: Job) -> None:
        """Keep the job as it is now."""
        file = self.spool / f"{job['id']}.job"
        file.with_suffix(".new").write_text(json.dumps(job))
        file.with_suffix(".new").rename(file)

    def next_number(self) -> int:
        """The number of a new job."""
        return max((job["number"] for job in self.jobs().values()), default=0) + 1

    def start(self, job: Job) -> None:
        """Run the job in a session of its own, which outlives this program."""
        library = Path(__file__).parents[2]
        command = [sys.executable, "-IS", str(library), str(self.spool), "run", job["id"], str(job["run"])]
        null = subprocess.DEVNULL
        subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True, cwd="/")
