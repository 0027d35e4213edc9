"""Become a program that the kernel kills when our parent ends: `end_with_parent.py PARENT_PID PROGRAM ARGUMENT...`.

See prctl(2), PR_SET_PDEATHSIG: it survives execve(2). Elsewhere than on Linux there is none, and the program just runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, argv: list[str]) -> None:
    """Ask the kernel, see that the parent had not ended before, and become the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent has ended")
    os.execvp(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
