"""Become a program that the kernel kills when our parent ends: `end_with_parent.py PARENT_PID PROGRAM ARGUMENT...`.

See prctl(2), PR_SET_PDEATHSIG: it survives execve(2). Elsewhere than on Linux there is none, and the program just runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie_to(parent: int) -> None:
    """Have the kernel send us SIGKILL when the parent ends; exit where it has ended already.

    A process that changes its user calls this afterwards (again), since the change forgets it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent has ended")


if __name__ == "__main__":
    tie_to(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606
