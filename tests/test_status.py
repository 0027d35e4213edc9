"""How systems are is pushed: the present state of each, then every change of what the checks find."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from firecrest_gql.demo.run import Demo
from firecrest_gql.model.health import ComponentHealth, HealthStatus
from firecrest_gql.status.book import HealthBook
from tests.client import Client

STATUS = (
    "subscription($names: [String!]) { systemStatus(names: $names) { name status checks { name status message } } }"
)


def finding(status: HealthStatus, seconds: float = 0) -> list[ComponentHealth]:
    """What a probe of sshd has found."""
    return [
        ComponentHealth(name="ssh", status=status, latency_seconds=seconds, checked_at=datetime.now(UTC), message=None)
    ]


async def test_each_system_is_told_at_first_and_again_when_something_else_is_found() -> None:
    book = HealthBook()
    book.record("a", finding(HealthStatus.HEALTHY))
    told = book.changes(["a", "b"])
    assert [await anext(told), await anext(told)] == ["a", "b"]
    coming = asyncio.ensure_future(anext(told))
    await asyncio.sleep(0)
    book.record("a", finding(HealthStatus.HEALTHY, seconds=3))
    book.record("other", finding(HealthStatus.HEALTHY))
    book.record("b", finding(HealthStatus.UNAVAILABLE))
    assert await coming == "b"
    book.record("a", finding(HealthStatus.HEALTHY), "23.11")
    assert await anext(told) == "a"


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
@pytest.mark.slurm
async def test_a_system_whose_sshd_is_away_is_told_so_and_told_when_it_is_back(running: Demo, user: Client) -> None:
    assert running.slurm is not None
    told = user.events(STATUS, names=["slurm"])
    await reaching(told, "HEALTHY")
    await running.slurm.ssh.stop()
    try:
        away = await reaching(told, "UNAVAILABLE")
    finally:
        await running.slurm.ssh.start()
    assert away["name"] == "slurm"
    assert away["checks"][0]["name"] == "ssh"
    assert away["checks"][0]["message"]
    await reaching(told, "HEALTHY")


async def reaching(told: AsyncIterator[dict[str, Any]], status: str) -> dict[str, Any]:
    """The first that is told with this status."""
    async with asyncio.timeout(60):
        return await anext(system async for system in told if system["status"] == status)


@pytest.mark.redis
@pytest.mark.s3
@pytest.mark.oidc
async def test_without_names_every_system_of_the_viewers_is_told_and_an_unknown_one_is_not_found(user: Client) -> None:
    names = {system["name"] for system in (await user.ask("{ systems { name } }"))["systems"]}
    told = user.events(STATUS)
    assert {(await anext(told))["name"] for _ in names} == names
    with pytest.raises(AssertionError, match="NOT_FOUND"):
        await anext(user.events(STATUS, names=["nowhere"]))
