"""qsub: options before directives, the script from a file or standard input, and the variables of its environment."""

import os
import re
import socket
import sys
import time
from getopt import GetoptError, gnu_getopt
from pathlib import Path

from tests.pbs.folder import QUEUES, SERVER, Folder, Job, Refused
from tests.pbs.jobs import cycle
from tests.pbs.variables import encode

OPTIONS = "A:e:fhJ:j:k:l:N:o:q:v:VW:"
NAME = re.compile(r"[A-Za-z0-9_.+-]{1,230}")
BASIC = ("HOME", "LANG", "LOGNAME", "PATH", "MAIL", "SHELL", "TZ")


def qsub(folder: Folder, arguments: list[str]) -> str:
    """The id of the new job."""
    given, operands = _parsed(arguments)
    script, name = _script(operands)
    directives = [word for line in re.findall(r"^#PBS (.*)$", script, re.MULTILINE) for word in line.split()]
    options = {**dict(_parsed(directives)[0]), **dict(given)}
    resources = [value for option, value in [*_parsed(directives)[0], *given] if option == "-l"]
    name = options.get("-N", name)
    if not NAME.fullmatch(name) or ("-N" in options and not name[0].isalpha()):
        raise Refused("illegal -N value", 2)
    if options.get("-q", "workq") not in QUEUES:
        raise Refused("Unknown queue", 170)
    with folder.locked():
        job = _job(folder, options, resources, name, script)
        for each in _tasks(job, options.get("-J")):
            folder.save(each)
        cycle(folder)
        return str(job["id"])


def _parsed(arguments: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        return gnu_getopt(arguments, OPTIONS)
    except GetoptError as error:
        raise Refused(str(error), 2) from None


def _script(operands: list[str]) -> tuple[str, str]:
    if not operands:
        return os.fsdecode(sys.stdin.buffer.read()), "STDIN"
    file = Path(operands[0])
    if not file.exists():
        raise Refused("script file:: No such file or directory", 1)
    return os.fsdecode(file.read_bytes()), file.name


def _job(folder: Folder, options: dict[str, str], resources: list[str], name: str, script: str) -> Job:
    number, here = folder.next_number(), os.environ.get("PWD", os.getcwd())  # noqa: PTH109
    environment = {"LOGNAME": Path(os.environ["HOME"]).name, **os.environ}
    variables = {f"PBS_O_{basic}": environment[basic] for basic in BASIC if basic in environment}
    variables |= {"PBS_O_WORKDIR": here, "PBS_O_SYSTEM": "Linux", "PBS_O_QUEUE": options.get("-q", "workq")}
    variables |= dict(pair.split("=", 1) for pair in filter(None, options.get("-v", "").split(",")))
    listed = encode(variables) + ("," + encode(dict(os.environ)) if "-V" in options else "")
    walltime = next((int(found[1]) for each in resources if (found := re.fullmatch(r"walltime=(\d+)", each))), None)
    array = ".^array_index^" if "-J" in options else ""
    stdout = options.get("-o", f"{here}/{name}.o{number}{array}")
    return {
        "id": f"{number}[].{SERVER}" if "-J" in options else f"{number}.{SERVER}",
        "number": number,
        "index": None,
        "tasks": [],
        "name": name,
        "owner": f"{environment['LOGNAME']}@{socket.gethostname()}",
        "state": "Q",
        "substate": 10,
        "holds": "u" if "-h" in options else "",
        "depend": options.get("-W", "").removeprefix("depend="),
        "queue": options.get("-q", "workq"),
        "account": options.get("-A"),
        "select": next((each.removeprefix("select=") for each in resources if each.startswith("select=")), "1:ncpus=1"),
        "walltime": walltime,
        "variables": listed,
        "script": script,
        "stdout": stdout,
        "stderr": stdout if options.get("-j") == "oe" else options.get("-e", f"{here}/{name}.e{number}{array}"),
        "join": options.get("-j", "n"),
        "keep": options.get("-k", "n"),
        "arguments": " ".join(sys.argv[3:]),
        "made": time.time(),
        "began": None,
        "ended": None,
        "status": None,
        "deleted": False,
        "run": 0,
    }


def _tasks(job: Job, indices: str | None) -> list[Job]:
    """The job, or the array and its tasks."""
    if indices is None:
        return [job]
    match = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?(?:%\d+)?", indices)
    if match is None:
        raise Refused("illegal -J value", 2)
    numbers = range(int(match[1]), int(match[2]) + 1, int(match[3] or 1))
    tasks = [
        {
            **job,
            "id": job["id"].replace("[]", f"[{index}]"),
            "index": index,
            **{file: job[file].replace("^array_index^", str(index)) for file in ("stdout", "stderr")},
        }
        for index in numbers
    ]
    return [{**job, "indices": indices, "tasks": [task["id"] for task in tasks]}, *tasks]
