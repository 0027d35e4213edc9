"""Who comes in: only somebody whom the centre's identity provider vouches for, now, to this service."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.client import PROTOCOL, Client
from tests.provider import Provider, new_key, signed_with_public_key, unsigned

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

VIEWER = "{ viewer { username subject scopes tokenExpiresAt } }"
STRANGER = new_key()

FORGERIES: dict[str, Callable[[Provider], str]] = {
    "expired": lambda provider: provider.token(exp=int(time.time()) - 60),
    "not yet valid": lambda provider: provider.token(nbf=int(time.time()) + 600),
    "for ever": lambda provider: provider.token(exp=10**20),
    "without an end": lambda provider: provider.token(exp=None),
    "with a word for its end": lambda provider: provider.token(exp="tomorrow"),
    "for another audience": lambda provider: provider.token(aud="another-service"),
    "for no audience": lambda provider: provider.token(aud=None),
    "from another issuer": lambda provider: provider.token(iss="https://elsewhere.example"),
    "from an issuer that only begins alike": lambda provider: provider.token(iss=f"{provider.issuer}.example"),
    "of nobody": lambda provider: provider.token(sub=None),
    "without the scope": lambda provider: provider.token(scope="openid profile"),
    "with a scope that only begins alike": lambda provider: provider.token(scope="firecrest2"),
    "that is an id token": lambda provider: provider.token(header={"typ": "JWT"}),
    "with an unknown critical header": lambda provider: provider.token(header={"crit": ["pardon"], "pardon": 1}),
    "with alg none": lambda provider: unsigned({"alg": "none", "typ": "at+jwt"}, provider.claims()),
    "with alg None": lambda provider: unsigned({"alg": "None", "typ": "at+jwt"}, provider.claims()),
    "with HS256 and the public key": lambda provider: signed_with_public_key(provider.key, provider.claims()),
    "signed by a stranger": lambda provider: provider.token(key=STRANGER),
    "signed by a stranger under a known key id": lambda provider: provider.token(
        key=STRANGER, header={"kid": provider.key.kid}
    ),
    "signed by a stranger without a key id": lambda provider: provider.token(key=STRANGER, header={"kid": None}),
    "that brings its own key": lambda provider: provider.token(
        key=STRANGER, header={"jwk": STRANGER.as_dict(private=False)}
    ),
    "without its signature": lambda provider: provider.token().rpartition(".")[0] + ".",
    "with another's signature": lambda provider: (
        f"{provider.token().rpartition('.')[0]}.{provider.token(jti='x').rpartition('.')[2]}"
    ),
    "of garbage": lambda _: "garbage",
    "of dots": lambda _: "..",
    "of five parts": lambda provider: f"{provider.token()}.a.b",
    "of no text": lambda _: "\x7f\x01",
    "too long": lambda _: "a" * 20_000,
}

NO_TOKEN = {
    "nothing": {},
    "an empty header": {"Authorization": ""},
    "a scheme alone": {"Authorization": "Bearer"},
    "another scheme": {"Authorization": "Basic ZmlyZXVzZXI6eA=="},
    "a token without a scheme": {"Authorization": "eyJhbGciOiJub25lIn0.e30."},
}

SYSTEM_ACCOUNTS = ["root", "bin", "daemon", "nobody", "sshd", "slurm", "munge", "www-data"]
ODD_NAMES: list[Any] = [
    *("Root", "fire user", "../x", "a;b", "$(id)", "-x", "0", "", "x" * 33, "fireuser\n", "fireuser\0", "ﬁreuser"),
    *(5, True, ["fireuser"], {"name": "fireuser"}, None),
]


async def get(described: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(described["graphql_url"], json={"query": VIEWER}, headers=headers)


async def closed_with(described: dict[str, Any], payload: object) -> tuple[int, str]:
    """How the server closes a socket that begins with this payload."""
    async with connect(described["ws_url"], subprotocols=[PROTOCOL], proxy=None) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code is not None
        return socket.close_code, socket.close_reason or ""


def assert_unauthenticated(answer: httpx.Response) -> None:
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Cache-Control"] == "no-store"
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["extensions"]["requestId"] == answer.headers["X-Request-ID"]
    assert error["extensions"]["retryable"] is False
    assert "data" not in answer.json()


async def test_a_good_token_says_who_asks(strict: dict[str, Any], provider: Provider) -> None:
    viewer = (await Client(strict, provider.token(scope="firecrest extra")).ask(VIEWER))["viewer"]
    assert viewer["username"] == "fireuser"
    assert viewer["subject"] == "demo-fireuser"
    assert viewer["scopes"] == ["extra", "firecrest"]


async def test_the_audience_may_be_one_of_several(strict: dict[str, Any], provider: Provider) -> None:
    await Client(strict, provider.token(aud=["another", "firecrest-gql"])).ask(VIEWER)


async def test_the_scheme_is_read_in_any_case(strict: dict[str, Any], provider: Provider) -> None:
    assert (await get(strict, {"Authorization": f"bEARER  {provider.token()}"})).status_code == 200


@pytest.mark.parametrize("headers", NO_TOKEN.values(), ids=NO_TOKEN)
async def test_without_a_bearer_token_nobody_comes_in(strict: dict[str, Any], headers: dict[str, str]) -> None:
    assert_unauthenticated(await get(strict, headers))
    code, _ = await closed_with(strict, headers)
    assert code == 4401


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_nobody_comes_in_with_a_token(
    strict: dict[str, Any], provider: Provider, forge: Callable[[Provider], str]
) -> None:
    token = forge(provider)
    answer = await get(strict, {"Authorization": f"Bearer {token}"})
    assert_unauthenticated(answer)
    code, reason = await closed_with(strict, {"Authorization": f"Bearer {token}"})
    assert code == 4401
    assert token[-40:] not in answer.text + reason


@pytest.mark.parametrize("name", SYSTEM_ACCOUNTS)
async def test_no_token_opens_a_system_account(strict: dict[str, Any], provider: Provider, name: str) -> None:
    headers = {"Authorization": f"Bearer {provider.token(username=name)}"}
    answer = await get(strict, headers)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await closed_with(strict, headers))[0] == 4403


@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
async def test_what_is_no_user_name_comes_nowhere_near_a_system(
    strict: dict[str, Any], provider: Provider, name: Any
) -> None:
    answer = await get(strict, {"Authorization": f"Bearer {provider.token(username=name)}"})
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("payload", [None, {}, {"Authorization": 5}, {"Authorization": None}, {"token": "x"}])
async def test_a_socket_says_who_it_is_in_its_first_message(strict: dict[str, Any], payload: object) -> None:
    assert (await closed_with(strict, payload))[0] == 4401


async def test_the_token_stands_under_the_headers_name_in_any_case(strict: dict[str, Any], provider: Provider) -> None:
    async with connect(strict["ws_url"], subprotocols=[PROTOCOL], proxy=None) as socket:
        payload = {"authorization": f"Bearer {provider.token()}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}


async def test_the_signer_believes_no_gateway_but_the_token_itself(strict: dict[str, Any], provider: Provider) -> None:
    """`strict` believes a provider that the signer does not know: no certificate comes of it."""
    told = await Client(strict, provider.token()).error('{ system(name: "local") { account { uid } } }')
    assert told["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_real_provider_and_the_demo_believe_each_other(user: Client) -> None:
    assert (await user.ask(VIEWER))["viewer"]["username"] == "fireuser"
