"""Which program is which."""

import sys
from pathlib import Path

from tests.pbs import acting, printing
from tests.pbs.folder import Folder
from tests.pbs.jobs import run
from tests.pbs.submitting import qsub

PROGRAMS = {
    "qsub": lambda folder, arguments: f"{qsub(folder, arguments)}\n",
    "qdel": acting.each(acting.qdel, ""),
    "qsig": acting.each(acting.qsig, "s:"),
    "qhold": acting.each(acting.qhold, ""),
    "qrls": acting.each(acting.qrls, ""),
    "qalter": acting.each(acting.qalter, "N:l:"),
    "qrerun": acting.qrerun,
    "qmove": acting.qmove,
    "qstat": printing.qstat,
    "qselect": printing.qselect,
    "pbsnodes": printing.pbsnodes,
    "pbs_rstat": lambda folder, arguments: "",
}


def main() -> None:
    """The program that the second argument names, over the queue in the folder that the first one names."""
    spool, name, *arguments = sys.argv[1:]
    folder = Folder(Path(spool))
    if name == "run":
        run(folder, arguments[0], int(arguments[1]))
    else:
        acting.run_program(PROGRAMS[name], folder, name, arguments)
