"""Commands of the dialects, run as a login on the system would run them, without SSH."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from firecrest_gql.command import Command, Result

T = TypeVar("T")
PATH = "/usr/local/bin:/usr/bin:/bin"


class Runs(Protocol):
    """Runs a command somewhere, as somebody."""

    async def __call__(self, command: Command[T], /) -> T:
        """The command's answer."""


async def run_in(
    command: Command[T], home: Path, environment: Mapping[str, str] | None = None, as_user: str | None = None
) -> T:
    """The answer of a child process with a login's variables and the envelope's locale."""
    assert isinstance(command.stdin.data, bytes)
    drop = [] if as_user is None else ["setpriv", f"--reuid={as_user}", f"--regid={as_user}", "--clear-groups"]
    child = await asyncio.create_subprocess_exec(
        *drop,
        *(argument.encode("utf-8", "surrogateescape") for argument in command.argv),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
        env={"PATH": PATH, "HOME": str(home), "LC_ALL": "C", **(environment or {})},
        start_new_session=True,
    )
    async with asyncio.timeout(60):
        stdout, stderr = await child.communicate(command.stdin.data)
    return command.parse(Result(child.returncode or 0, stdout, stderr))
