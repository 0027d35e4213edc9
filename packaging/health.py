"""The image's health check: `serve` must answer /livez; a `worker` or `signer`, which listen to nobody, must run."""

import os
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from firecrest_gql.settings import ServerSettings, SettingsError, load_settings

PROGRAM = "firecrest-gql"
PROCESSES = frozenset({"serve", "worker", "signer"})
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 (what to ask where all are bound)
LIMIT_SECONDS = 5


def main() -> int:
    """Zero while the container's process is healthy."""
    try:
        running = processes()
        if "serve" in running:
            ask(load_settings(Path(os.environ["FIRECREST_CONFIG"])).server)
    except (OSError, SettingsError) as error:
        print(f"unhealthy: {error}", file=sys.stderr)
        return 1
    if not running:
        print(f"unhealthy: no {PROGRAM} runs", file=sys.stderr)
    return 0 if running else 1


def processes() -> set[str]:
    """Which of ours run under this user, by their command lines."""
    numbered = (path for path in Path("/proc").iterdir() if path.name.isdecimal())
    return {name for path in numbered if (name := _process(path)) is not None}


def _process(path: Path) -> str | None:
    try:
        if path.stat().st_uid != os.getuid():
            return None
        argv = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):  # ended while we looked
        return None
    program = next((place for place, word in enumerate(argv[:2]) if Path(word).name == PROGRAM), len(argv))
    return next((word for word in argv[program:] if word in PROCESSES), None)


def ask(server: ServerSettings) -> None:
    """Ask /livez of the server's own address, whatever proxy the environment names; raises `OSError`."""
    host = ANY_ADDRESS.get(server.host, server.host)
    address = f"[{host}]" if ":" in host else host
    build_opener(ProxyHandler({})).open(f"http://{address}:{server.port}/livez", timeout=LIMIT_SECONDS).close()


if __name__ == "__main__":
    sys.exit(main())
