"""The command `firecrest-gql`: serve, worker, signer, demo."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn

from firecrest_gql.app import build_app, run_signer, run_worker
from firecrest_gql.demo.run import run_demo
from firecrest_gql.settings import Settings, SettingsError, load_settings

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
STOP_SECONDS = 5


def main() -> int:
    """Run the process that the command line names; its exit status."""
    options = _parser().parse_args()
    logging.basicConfig(level=options.log_level.upper(), format=LOG_FORMAT)
    for chatty in ("asyncssh", "httpx", "saq"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        return int(options.run(options))
    except SettingsError as error:
        print(f"firecrest-gql: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firecrest-gql", description="Supercomputers behind one GraphQL endpoint.")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, sentence in (
        ("serve", _serve, "answer GraphQL over HTTP and websockets; any number may run"),
        ("worker", _worker, "do the tasks; any number may run"),
        ("signer", _signer, "sign certificates; the only process that reads the CA key"),
    ):
        command = commands.add_parser(name, help=sentence, description=sentence)
        default = os.environ.get("FIRECREST_CONFIG", "firecrest.yaml")
        command.add_argument("--config", type=Path, default=Path(default), help="settings (FIRECREST_CONFIG)")
        command.set_defaults(run=run)
    demo = commands.add_parser("demo", help="all of them, with embedded parts, on loopback")
    demo.add_argument("--slurm", action="store_true", help="add the system slurm: real sshd and Slurm (root, Debian)")
    demo.set_defaults(run=_demo)
    return parser


def _serve(options: argparse.Namespace) -> int:
    settings = load_settings(options.config)
    uvicorn.run(
        build_app(settings),
        host=settings.server.host,
        port=settings.server.port,
        log_config=None,
        access_log=False,  # the gateway writes its own line for each request, without the query
        server_header=False,
        ws_max_size=min(settings.limits.max_message_size, settings.limits.max_body_size),
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return 0


def _worker(options: argparse.Namespace) -> int:
    asyncio.run(run_worker(load_settings(options.config)))
    return 0


def _signer(options: argparse.Namespace) -> int:
    return _until_signal(run_signer, load_settings(options.config))


def _demo(options: argparse.Namespace) -> int:
    state = Path(os.environ.get("FIRECREST_DEMO_STATE", ".demo"))
    port = int(os.environ.get("FIRECREST_DEMO_PORT", "8000"))
    return run_demo(state, port, with_slurm=options.slurm)


def _until_signal(process: Callable[[Settings], Awaitable[None]], settings: Settings) -> int:
    """Run until SIGINT or SIGTERM, which cancel it."""

    async def run() -> None:
        work = asyncio.ensure_future(process(settings))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, work.cancel)
        await asyncio.wait({work})
        if not work.cancelled():
            work.result()

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
