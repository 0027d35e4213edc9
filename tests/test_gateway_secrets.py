"""What nobody may read afterwards: tokens, secrets and keys are in no log, no error and no process's arguments."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.client import Client, fetch_token
from tests.processes import processes

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]


def logs(state: Path) -> str:
    """Everything that any process has logged."""
    return "\n".join(file.read_text(errors="replace") for file in (state / "log").iterdir())


def secrets_of(demo: dict[str, Any], state: Path) -> list[str]:
    """What the demo's processes know and may not tell."""
    settings = yaml.safe_load((state / "firecrest.yaml").read_text())
    return [
        *(client["client_secret"] for client in demo["clients"]),
        settings["storage"]["secret_access_key"],
        *(state / "authority" / "ca_key").read_text().splitlines()[1:-1],
    ]


async def everything(client: Client) -> list[str]:
    """The answers to what goes through every part, and to what is refused."""
    folder = (
        '{ system(name: "local") { account { home } file(path: "~") { entries { totalCount } } jobs { totalCount } } }'
    )
    submit = 'mutation { submitJob(input: { system: "local", script: "x" }, waitSeconds: 20) { task { status } } }'
    asked = [folder, submit, "{", "{ nothing }", '{ system(name: "local") { file(path: "/nowhere") { name } } }']
    return [(await client.post(query)).text for query in asked]


async def test_no_secret_is_logged_or_told(demo: dict[str, Any]) -> None:
    state = Path(demo["state"])
    token = await fetch_token(demo)
    stale = token[:-6] + "AAAAAA"
    told = await everything(Client(demo, token)) + await everything(Client(demo, stale))
    async with Client(demo, token).socket() as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{ nothing }"}}))
        told.append(str(await socket.recv()))
    said = logs(state) + "\n".join(told)
    for secret in [token, token.rpartition(".")[2], stale, *secrets_of(demo, state)]:
        assert secret not in said


async def test_no_secret_stands_in_the_arguments_of_a_process(demo: dict[str, Any]) -> None:
    arguments = "\n".join(word for _, argv in processes() for word in argv)
    for secret in secrets_of(demo, Path(demo["state"])):
        assert secret not in arguments


async def test_the_files_with_secrets_are_the_owners_alone(demo: dict[str, Any]) -> None:
    state = Path(demo["state"])
    for name in ("demo.json", "firecrest.yaml", "playground.json", "authority/ca_key", "authority/seal_key"):
        assert (state / name).stat().st_mode & 0o077 == 0, name


async def test_each_remote_command_is_logged_with_its_request_and_user(demo: dict[str, Any], user: Client) -> None:
    query = '{ system(name: "local") { file(path: "/etc") { name } } }'
    answer = await user.post(query, headers={"X-Request-ID": "a-request-to-find"})
    assert answer.status_code == 200
    lines = [line for line in logs(Path(demo["state"])).splitlines() if "request=a-request-to-find" in line]
    assert any("firecrest_gql.ssh" in line and "user=fireuser system=local" in line for line in lines)
    assert any("gateway" in line and "status=200" in line for line in lines)
