"""A server that tells how late its event loop is: `python -m tests.lagging_server FILE --config SETTINGS`.

Each line of the file: how late the loop came round, and how long it worked meanwhile itself, in seconds. On a machine
that others use too, only the second is the server's own doing.
"""

import asyncio
import sys
import time
from pathlib import Path

import uvicorn

from firecrest_gql.app import build_app
from firecrest_gql.settings import load_settings

TICK = 0.005


async def record(file: Path) -> None:
    """A line for each tick, until cancelled."""
    with file.open("a", buffering=1) as lines:
        while True:
            due, worked = time.monotonic() + TICK, time.thread_time()
            await asyncio.sleep(TICK)
            lines.write(f"{time.monotonic() - due:.6f} {time.thread_time() - worked:.6f}\n")


async def serve(config: Path, file: Path) -> None:
    """Serve until a signal."""
    settings = load_settings(config)
    where = settings.server
    server = uvicorn.Server(uvicorn.Config(build_app(settings), host=where.host, port=where.port, log_config=None))
    recording = asyncio.create_task(record(file))
    await server.serve()
    recording.cancel()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[3]), Path(sys.argv[1])))
