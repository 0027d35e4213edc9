"""The end of the demo is the end of its jobs, as CANCELLED; a killed process of ours ends none."""

import asyncio
from typing import TypeVar

from firecrest_gql.command import Command, Result
from firecrest_gql.demo.embedded_account import Account
from firecrest_gql.errors import FirecrestError
from firecrest_gql.model.jobs import JobFilter, JobState
from firecrest_gql.schedulers.direct import Direct

T = TypeVar("T")

LIVE = JobFilter(states=(JobState.PENDING, JobState.HELD, JobState.RUNNING, JobState.COMPLETING))
POLL_SECONDS = 0.1
END_SECONDS = 9  # SIGTERM, SIGKILL after 5 s, and the record of it


async def cancel_jobs(accounts: list[Account]) -> None:
    """Cancel every job of these accounts and wait for their ends; raises `FirecrestError` or `TimeoutError`."""
    async with asyncio.timeout(END_SECONDS), asyncio.TaskGroup() as group:
        for account in accounts:
            group.create_task(_cancel_of(account))


async def _cancel_of(account: Account) -> None:
    direct = Direct()
    queue = direct.queue(LIVE, account.name, "local")
    while jobs := await _run(queue, account):
        if going_on := [job.job_id for job in jobs if job.state is not JobState.COMPLETING]:
            await _run(direct.cancel(going_on), account)
        await asyncio.sleep(POLL_SECONDS)


async def _run(command: Command[T], account: Account) -> T:
    """The command as the account, without SSH: the SSH server has closed."""
    data = command.stdin.data
    child = await asyncio.create_subprocess_exec(
        *command.argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=account.home,
        env=account.environment,
    )
    if not isinstance(data, bytes):
        raise FirecrestError("only commands with a fixed input run here")
    stdout, stderr = await child.communicate(data)
    return command.parse(Result(child.returncode or 0, stdout, stderr))
