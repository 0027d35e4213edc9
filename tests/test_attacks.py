"""What strangers, other users and greedy ones try on the running service."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.client import PROTOCOL, Client

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

LARGE = 5 * 2**20  # bytes; what one read gives at most


@pytest.fixture
def large_file(demo: dict[str, Any]) -> str:
    """The path of a file of the first user's on `local`."""
    file = Path(demo["systems"][0]["home"]["fireuser"]) / "large"
    file.write_bytes(b"x" * LARGE)
    file.chmod(0o644)
    return str(file)


@pytest.mark.parametrize(
    "fields",
    [
        "content { " + " ".join(f"a{n}: text" for n in range(40)) + " }",
        "content { " + " ".join(f"a{n}: base64" for n in range(40)) + " }",
        " ".join(f"a{n}: content {{ base64 }}" for n in range(40)),
    ],
    ids=["text many times", "base64 many times", "many reads"],
)
async def test_an_answer_carries_no_more_bytes_of_files_than_it_may(user: Client, large_file: str, fields: str) -> None:
    answer = await user.post(f'{{ system(name: "local") {{ file(path: "{large_file}") {{ {fields} }} }} }}')
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"TOO_LARGE"}
    assert len(answer.content) < 48 * 2**20


async def test_a_chunk_of_output_is_not_asked_for_many_times(user: Client) -> None:
    many = " ".join(f"a{n}: text" for n in range(400))
    query = f'subscription {{ jobOutput(system: "local", jobId: "1") {{ {many} }} }}'
    async with user.socket() as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        message = json.loads(await socket.recv())
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "QUERY_TOO_COMPLEX")


async def test_a_page_under_another_name_for_our_address_is_given_no_secret(demo: dict[str, Any]) -> None:
    """A site whose name its owner points to 127.0.0.1 is of the same origin for the browser (DNS rebinding)."""
    url = httpx.URL(demo["playground_url"]).join("playground/config.json")
    async with httpx.AsyncClient(trust_env=False) as browser:
        ours = await browser.get(url)
        localhost = await browser.get(url, headers={"Host": f"localhost:{url.port}"})
        evil = await browser.get(url, headers={"Host": f"evil.example:{url.port}"})
    secrets = [client["client_secret"] for client in demo["clients"]]
    assert [secret in answer.text for answer in (ours, localhost, evil) for secret in secrets] == [True] * 4 + [
        False
    ] * 2
    assert json.loads(evil.text)["clients"][0]["username"] == "fireuser"


async def test_a_stranger_has_no_large_message_kept(demo: dict[str, Any]) -> None:
    """Its length, in the first bytes, ends the socket; nothing of it is waited for."""
    async with connect(demo["ws_url"], subprotocols=[PROTOCOL], proxy=None) as socket:
        beginning = bytes([0x81, 0xFF]) + (2**20).to_bytes(8, "big") + bytes(4)  # RFC 6455, 5.2
        socket.transport.write(beginning)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
