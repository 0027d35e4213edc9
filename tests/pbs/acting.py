"""The programs that do something to jobs, each with PBS's own words: src/lib/Liblog/pbs_messages.c of OpenPBS."""

import signal
import sys
from collections.abc import Callable
from getopt import gnu_getopt

from tests.pbs.folder import QUEUES, Folder, Job, Refused
from tests.pbs.jobs import ENDED, cycle, end, send

UNKNOWN, FINISHED, BAD_STATE = 15001 % 256, 15139 % 256, 15016 % 256


def each(act: Callable[[Folder, Job, dict[str, str]], None], options: str) -> Callable[[Folder, list[str]], str]:
    """A program that does this to each of the jobs it is given."""

    def program(folder: Folder, arguments: list[str]) -> str:
        given, job_ids = gnu_getopt(arguments, options)
        with folder.locked():
            for job_id in job_ids:
                act(folder, _found(folder, job_id), dict(given))
            cycle(folder)
        return ""

    return program


def _found(folder: Folder, job_id: str) -> Job:
    job = folder.jobs().get(job_id)
    if job is None:
        raise Refused(f"Unknown Job Id {job_id}", UNKNOWN)
    if job["state"] in ENDED:
        raise Refused("Job has finished", FINISHED)
    return job


def _all(folder: Folder, job: Job) -> list[Job]:
    """The job, or the array's tasks that have not ended and itself."""
    jobs = folder.jobs()
    return [*(jobs[task] for task in job["tasks"] if jobs[task]["state"] not in ENDED), job]


def qdel(folder: Folder, job: Job, options: dict[str, str]) -> None:
    """Terminated: at once, or as soon as its processes have ended."""
    for one in _all(folder, job):
        one["deleted"] = True
        if one["state"] == "R":
            folder.save(one)
            send(folder, one, signal.SIGTERM)
        else:
            end(folder, one, None, terminated=True)


def qsig(folder: Folder, job: Job, options: dict[str, str]) -> None:
    """To the processes of a running one."""
    for one in _all(folder, job):
        if one["state"] != "R" and not one["tasks"]:
            raise Refused(f"Request invalid for state of job {one['id']}", BAD_STATE)
        send(folder, one, signal.Signals[f"SIG{options['-s'].removeprefix('SIG')}"])


def qhold(folder: Folder, job: Job, options: dict[str, str]) -> None:
    """A user's hold."""
    for one in _all(folder, job):
        folder.save({**one, "holds": "u"})


def qrls(folder: Folder, job: Job, options: dict[str, str]) -> None:
    """None any more."""
    for one in _all(folder, job):
        state = {"state": "Q", "substate": 10} if one["state"] == "H" else {}
        folder.save({**one, "holds": "", **state})


def qalter(folder: Folder, job: Job, options: dict[str, str]) -> None:
    """Name and time limit."""
    walltime = options.get("-l", "").removeprefix("walltime=")
    changed = {"name": options.get("-N", job["name"]), "walltime": int(walltime) if walltime else job["walltime"]}
    folder.save({**job, **changed})


def qrerun(folder: Folder, arguments: list[str]) -> str:
    """Back into the queue, where it waits for the next cycle."""
    with folder.locked():
        for job_id in arguments:
            job = _found(folder, job_id)
            if job["state"] != "R":
                raise Refused(f"Request invalid for state of job {job_id}", BAD_STATE)
            folder.save({**job, "state": "Q", "substate": 10, "run": job["run"] + 1, "began": None})
            send(folder, job, signal.SIGKILL)
    return ""


def qmove(folder: Folder, arguments: list[str]) -> str:
    """To another queue."""
    queue, *job_ids = arguments
    with folder.locked():
        for job_id in job_ids:
            job = _found(folder, job_id)
            if queue not in QUEUES:
                raise Refused(f"Unknown queue {job_id}", 15018 % 256)
            folder.save({**job, "queue": queue})
    return ""


def run_program(program: Callable[[Folder, list[str]], str], folder: Folder, name: str, arguments: list[str]) -> None:
    """Print what it answers; end with PBS's status where it is refused."""
    try:
        sys.stdout.buffer.write(program(folder, arguments).encode("utf-8", "surrogateescape"))
    except Refused as refused:
        print(f"{name}: {refused}", file=sys.stderr)
        sys.exit(refused.status)
