"""What becomes of jobs: they wait, are held, begin, run as processes, and end with a status as PBS counts it."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.pbs.folder import Folder, Job
from tests.pbs.variables import decode

ENDED = ("F", "X")
SATISFIED: dict[str, Callable[[Job], bool]] = {
    "after": lambda other: bool(other["began"]),
    "afterok": lambda other: other["state"] in ENDED and other["status"] == 0,
    "afternotok": lambda other: other["state"] in ENDED and other["status"] != 0,
    "afterany": lambda other: other["state"] in ENDED,
}
KILLED_FOR_WALLTIME = -29


def cycle(folder: Folder) -> None:
    """Let everything begin that may, and delete what never can."""
    for job in folder.jobs().values():
        if job["state"] not in ("Q", "H") or job["tasks"]:
            continue
        met = [*_met(job, folder.jobs())]
        if None in met:
            end(folder, job, None, terminated=True)
        elif "u" in job["holds"] or not all(met):
            job.update(state="H", substate=20 if "u" in job["holds"] else 22)
            folder.save(job)
        else:
            job.update(state="R", substate=42, began=time.time())
            folder.save(job)
            folder.start(job)
    for job in folder.jobs().values():
        if job["tasks"]:
            _follow_tasks(folder, job)


def _met(job: Job, jobs: dict[str, Job]) -> Iterator[bool | None]:
    """Whether each dependency is met; None: it never will be."""
    for kind, ids in re.findall(r"(\w+):([^,]+)", job["depend"] or ""):
        for job_id in re.split(r":", ids):
            other = jobs.get(job_id)
            met = other is not None and SATISFIED[kind](other)
            yield None if other is None or (other["state"] in ENDED and not met) else met


def _follow_tasks(folder: Folder, array: Job) -> None:
    tasks = [folder.jobs()[task] for task in array["tasks"]]
    if array["state"] in ENDED:
        return
    if all(task["state"] in ENDED for task in tasks):
        worst = max((task["substate"] == 91, task["status"] or 0) for task in tasks)
        end(folder, array, worst[1], terminated=worst[0])
    elif any(task["began"] for task in tasks):
        array.update(state="B", substate=70, began=min(task["began"] for task in tasks if task["began"]))
        folder.save(array)


def end(folder: Folder, job: Job, status: int | None, *, terminated: bool) -> None:
    """The job into the history: 91 terminated, 92 finished, 93 failed."""
    substate = 91 if terminated else 93 if status else 92
    state = "X" if job["index"] is not None else "F"
    job.update(state=state, substate=substate, status=status, ended=time.time())
    folder.save(job)


def run(folder: Folder, job_id: str, number: int) -> None:
    """Be the node: run the script in the home, and tell the server how it ended."""
    with folder.locked():
        job = folder.jobs()[job_id]
        (folder.spool / f"{job_id}.session").write_text(str(os.getpid()))
    status = 256 + signal.SIGTERM if job["deleted"] else _execute(folder, job)
    with folder.locked():
        job = folder.jobs()[job_id]
        if job["run"] == number:  # else it has been put back into the queue
            (folder.spool / f"{job_id}.session").unlink()  # its number may soon be somebody else's
            end(folder, job, status, terminated=job["deleted"])
            cycle(folder)


def _execute(folder: Folder, job: Job) -> int:
    script = folder.spool / f"{job['id']}.SC"
    script.write_bytes(os.fsencode(job["script"]))
    script.chmod(0o755)
    command = [str(script)] if job["script"].startswith("#!") else ["/bin/sh", str(script)]
    variables = decode(job["variables"])
    home = variables["PBS_O_HOME"]
    variables |= {"HOME": home, "PBS_JOBID": job["id"], "PBS_O_WORKDIR": variables["PBS_O_WORKDIR"]}
    if job["index"] is not None:
        variables["PBS_ARRAY_INDEX"] = str(job["index"])
    with Path(job["stdout"]).open("ab") as output, Path(job["stderr"]).open("ab") as error:
        null = subprocess.DEVNULL
        child = subprocess.Popen(command, cwd=home, env=variables, stdin=null, stdout=output, stderr=error)
        try:
            code = child.wait(job["walltime"])
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return KILLED_FOR_WALLTIME
    return code if code >= 0 else 256 - code


def send(folder: Folder, job: Job, number: int) -> None:
    """The signal to all processes of the job's session but its leader, which is the node's."""
    file = folder.spool / f"{job['id']}.session"
    session = int(file.read_text()) if file.exists() else None
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and int(process.name) != session:
                os.kill(int(process.name), number)
