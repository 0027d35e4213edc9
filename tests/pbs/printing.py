"""qstat, qselect and pbsnodes: the attributes, as OpenPBS 23 prints them."""

import json
import re
import time
from getopt import gnu_getopt
from typing import Any

from tests.pbs.acting import FINISHED, UNKNOWN
from tests.pbs.folder import QUEUES, SERVER, Folder, Job, Refused
from tests.pbs.jobs import ENDED
from tests.pbs.variables import shown

VERSION = "23.06.06"


def qstat(folder: Folder, arguments: list[str]) -> str:
    """Jobs; with -Q the queues, with -B the server. JSON where it is asked for."""
    given, wanted = gnu_getopt(arguments, "BfQEtxF:")
    options = dict(given)
    if "-Q" in options:
        return _document("Queue", {name: _queue() for name in QUEUES})
    if "-B" in options:
        return _document("Server", {SERVER: _server()})
    jobs = _chosen(folder, options, wanted)
    if "-F" not in options:
        return "".join(f"Job Id: {job['id']}\n    job_state = {job['state']}\n\n" for job in jobs)
    # Asked one by one, this release tells but of the first: https://github.com/openpbs/openpbs/issues/2672
    told = jobs if "-E" in options or not wanted else jobs[:1]
    return _document("Jobs", {job["id"]: _attributes(job) for job in told})


def _chosen(folder: Folder, options: dict[str, str], wanted: list[str]) -> list[Job]:
    jobs = folder.jobs()
    for job_id in () if "-E" in options and set(wanted) & jobs.keys() else wanted:
        if job_id not in jobs:
            raise Refused(f"Unknown Job Id {job_id}", UNKNOWN)
        if _in_history(jobs[job_id], jobs) and "-x" not in options:
            words = "Job has finished, use -x or -H to obtain historical job information"
            raise Refused(f"{job_id} {words}", FINISHED)
    tasks = {task for job_id in wanted for task in (jobs[job_id]["tasks"] if job_id in jobs else ())}
    return [
        job
        for job in jobs.values()
        if (not wanted or job["id"] in wanted or ("-t" in options and job["id"] in tasks))
        and ("-x" in options or not _in_history(job, jobs))
        and ("-t" in options or job["index"] is None or job["id"] in wanted)
    ]


def _in_history(job: Job, jobs: dict[str, Job]) -> bool:
    """A task goes there with its array."""
    whole = jobs.get(re.sub(r"\[\d*\]", "[]", job["id"]), job)
    return bool(whole["state"] == "F")


def qselect(folder: Folder, arguments: list[str]) -> str:
    """The ids, a line each, without those of tasks."""
    options = dict(gnu_getopt(arguments, "HxTu:t:")[0])
    users, since = options.get("-u"), options.get("-t", "m.ge.19700101000000").removeprefix("m.ge.").replace(".", "")
    moment = time.mktime(time.strptime(since.ljust(14, "0"), "%Y%m%d%H%M%S"))
    chosen = (
        job["id"]
        for job in folder.jobs().values()
        if job["index"] is None
        and (users is None or job["owner"].split("@")[0] in users.split(","))
        and (job["state"] in ENDED if "-H" in options else "-x" in options or job["state"] not in ENDED)
        and (job["ended"] or job["made"]) >= moment
    )
    return "".join(f"{job_id}\n" for job_id in chosen)


def pbsnodes(folder: Folder, arguments: list[str]) -> str:
    """The one node."""
    node = {
        "Mom": "pbs",
        "ntype": "PBS",
        "state": "free",
        "pcpus": 8,
        "resources_available": {"arch": "linux", "host": "pbs", "mem": "16336296kb", "ncpus": 8, "vnode": "pbs"},
        "resources_assigned": {"mem": "0kb", "ncpus": 0},
        "resv_enable": "True",
        "sharing": "default_shared",
    }
    return _document("nodes", {"pbs": node})


def _document(name: str, members: dict[str, Any]) -> str:
    root = {"timestamp": int(time.time()), "pbs_version": VERSION, "pbs_server": SERVER}
    whole = {**root, name: members} if members or name != "Jobs" else root
    return json.dumps(whole, indent="\t", separators=(",", ":\t"), ensure_ascii=False) + "\n"


def _queue() -> dict[str, Any]:
    return {
        "queue_type": "Execution",
        "total_jobs": 0,
        "state_count": "Transit:0 Queued:0 Held:0 Waiting:0 Running:0 Exiting:0 Begun:0 ",
        "enabled": "True",
        "started": "True",
    }


def _server() -> dict[str, Any]:
    return {
        "server_state": "Active",
        "default_queue": "workq",
        "job_history_enable": "True",
        "pbs_version": VERSION,
    }


def _attributes(job: Job) -> dict[str, Any]:
    begun, ended = job["began"], job["ended"]
    select = re.match(r"(\d+)(?::|$)(.*)", job["select"])
    count = int(select[1]) if select else 1
    asked = dict(part.split("=") for part in (select[2] if select else "").split(":") if part)
    whole = {
        "Job_Name": job["name"],
        "Job_Owner": job["owner"],
        "resources_used": begun
        and {"cpupercent": 0, "mem": "7060kb", "walltime": _length((ended or time.time()) - begun)},
        "job_state": job["state"],
        "queue": job["queue"],
        "server": SERVER,
        "Account_Name": job["account"],
        "array": "True" if job["tasks"] else None,
        "array_indices_submitted": job.get("indices"),
        "ctime": time.ctime(job["made"]),
        "depend": job["depend"] or None,
        "Error_Path": f"pbs:{job['stderr']}",
        "exec_host": begun and "pbs/0",
        "Hold_Types": job["holds"] or ("s" if job["substate"] == 22 else "n"),
        "Join_Path": job["join"],
        "Keep_Files": job["keep"],
        "mtime": time.ctime(ended or begun or job["made"]),
        "Output_Path": f"pbs:{job['stdout']}",
        "Priority": 0,
        "qtime": time.ctime(job["made"]),
        "Rerunable": "True",
        "Resource_List": {
            "mem": asked.get("mem"),
            "ncpus": count * int(asked.get("ncpus", 1)),
            "ngpus": count * int(asked["ngpus"]) if "ngpus" in asked else None,
            "nodect": count,
            "place": "pack",
            "select": job["select"],
            "walltime": job["walltime"] and _length(job["walltime"]),
        },
        "stime": begun and time.ctime(begun),
        "obittime": ended and time.ctime(ended),
        "substate": job["substate"],
        "Variable_List": {name: _parsed(value) for name, value in shown(job["variables"]).items()},
        "Exit_status": job["status"],
        "Submit_arguments": job["arguments"],
        "project": "_pbs_project_default",
    }
    return _present(whole)


def _present(attributes: dict[str, Any]) -> dict[str, Any]:
    told = {name: _present(value) if isinstance(value, dict) else value for name, value in attributes.items()}
    return {name: value for name, value in told.items() if value is not None}


def _parsed(value: str) -> Any:
    """qstat prints what could be JSON as JSON."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _length(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
