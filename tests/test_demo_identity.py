"""The demo's identity provider, asked as a client, a user at a terminal and a browser would."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet

from firecrest_gql.demo.identity import COMMAND_LINE_CLIENT, DemoClient, IdentityProvider, make_identity_provider

pytestmark = pytest.mark.oidc
ORIGIN = "http://127.0.0.1:8000"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REDIRECT = "http://127.0.0.1:51234/callback"
REGISTRATION = {
    "client_name": "pipeline",
    "grant_types": ["client_credentials"],
    "response_types": [],
    "redirect_uris": [],
    "username": "fireuser",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[IdentityProvider]:
    """The provider, running; pages of ORIGIN may ask it for tokens."""
    made = make_identity_provider(tmp_path_factory.mktemp("identity"), [ORIGIN])
    async with made.process:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, follows no redirect by itself."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def ask_token(client: httpx.AsyncClient, provider: IdentityProvider, **fields: str) -> httpx.Response:
    """What the token endpoint answers to client credentials; `fields` change the request."""
    known = provider.clients[0]
    form = {"grant_type": "client_credentials", "client_id": known.client_id, "client_secret": known.client_secret}
    return await client.post(provider.token_url, data=form | fields)


async def claims(client: httpx.AsyncClient, provider: IdentityProvider, token: str) -> dict[str, Any]:
    """The token's claims, once its signature holds."""
    keys = KeySet.import_key_set((await client.get(f"{provider.issuer}/jwks")).json())
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    assert decoded.header["typ"] == "at+jwt"
    return decoded.claims


async def test_a_clients_token_names_the_user_the_audience_and_the_scope(
    provider: IdentityProvider, browser: httpx.AsyncClient
) -> None:
    answer = (await ask_token(browser, provider)).json()
    said = await claims(browser, provider, answer["access_token"])
    assert said["username"] == "fireuser"
    assert (said["iss"], said["aud"], said["scope"]) == (provider.issuer, "firecrest-gql", "firecrest")
    assert said["exp"] - said["iat"] == answer["expires_in"] == 600


async def test_a_wrong_secret_gets_no_token(provider: IdentityProvider, browser: httpx.AsyncClient) -> None:
    answer = await ask_token(browser, provider, client_secret="guess")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


async def test_a_token_for_another_service_is_not_given(provider: IdentityProvider, browser: httpx.AsyncClient) -> None:
    answer = await ask_token(browser, provider, resource="urn:other")
    assert answer.json()["error"] == "invalid_target"


@pytest.mark.parametrize(("origin", "status"), [(ORIGIN, 200), ("http://evil.example", 400)])
async def test_only_pages_of_the_playground_are_given_tokens(
    provider: IdentityProvider, browser: httpx.AsyncClient, origin: str, status: int
) -> None:
    browser.headers["Origin"] = origin
    answer = await ask_token(browser, provider)
    assert answer.status_code == status
    assert ("access-control-allow-origin" in answer.headers) is (status == 200)


async def test_it_answers_under_its_own_name_only(provider: IdentityProvider, browser: httpx.AsyncClient) -> None:
    url = f"{provider.issuer}/.well-known/openid-configuration"
    assert (await browser.get(url, headers={"Host": "evil.example"})).status_code == 421


async def test_a_user_at_a_terminal_signs_in_by_device_flow(
    provider: IdentityProvider, browser: httpx.AsyncClient
) -> None:
    form = {"client_id": COMMAND_LINE_CLIENT, "scope": "firecrest"}
    device = (await browser.post(f"{provider.issuer}/device/auth", data=form)).json()
    poll = {"grant_type": DEVICE_GRANT, "client_id": COMMAND_LINE_CLIENT, "device_code": device["device_code"]}
    assert (await browser.post(provider.token_url, data=poll)).json()["error"] == "authorization_pending"

    page = await browser.get(device["verification_uri_complete"])
    page = await send_form(browser, page)  # a page that sends itself
    page = await send_form(browser, page, confirm="yes")
    await log_in_and_allow(browser, page, provider.clients[1])

    token = (await browser.post(provider.token_url, data=poll)).json()["access_token"]
    said = await claims(browser, provider, token)
    assert (said["username"], said["aud"], said["scope"]) == ("fireuser2", "firecrest-gql", "firecrest")


async def test_a_program_on_loopback_signs_its_user_in_with_pkce(
    provider: IdentityProvider, browser: httpx.AsyncClient
) -> None:
    verifier = "v" * 43
    page = await authorize(browser, provider, verifier)
    location = await log_in_and_allow(browser, page, provider.clients[0])
    answer = parse_qs(urlsplit(location).query)
    assert answer["iss"] == [provider.issuer]
    form = {"grant_type": "authorization_code", "client_id": COMMAND_LINE_CLIENT, "redirect_uri": REDIRECT}
    form |= {"code": answer["code"][0], "code_verifier": verifier}
    token = (await browser.post(provider.token_url, data=form)).json()["access_token"]
    assert (await claims(browser, provider, token))["username"] == "fireuser"


async def test_a_wrong_password_goes_no_further(provider: IdentityProvider, browser: httpx.AsyncClient) -> None:
    page = await authorize(browser, provider, "v" * 43)
    answer = await send_form(browser, page, username="fireuser", password="guess")
    assert answer.status_code == 403
    assert "Wrong user name or password" in answer.text


async def test_registering_a_client_needs_the_services_own_token(
    provider: IdentityProvider, browser: httpx.AsyncClient
) -> None:
    answer = await browser.post(f"{provider.issuer}/reg", json=REGISTRATION)
    assert answer.status_code == 401


async def test_a_registered_client_acts_for_its_user_and_is_known_after_a_kill(
    provider: IdentityProvider, browser: httpx.AsyncClient
) -> None:
    client = await register(browser, provider)
    await provider.process.kill()
    await provider.process.start()
    answer = await ask_token(browser, provider, client_id=client["client_id"], client_secret=client["client_secret"])
    assert (await claims(browser, provider, answer.json()["access_token"]))["username"] == "fireuser"


async def test_a_registered_client_is_renamed_and_deleted_but_not_given_to_another_user(
    provider: IdentityProvider, browser: httpx.AsyncClient
) -> None:
    client = await register(browser, provider)
    browser.headers["Authorization"] = f"Bearer {client['registration_access_token']}"
    url, now = client["registration_client_uri"], {"client_id": client["client_id"], **REGISTRATION}
    assert (await browser.put(url, json=now | {"client_name": "renamed"})).json()["client_name"] == "renamed"
    stolen = await browser.put(url, json=now | {"username": "fireuser2"})
    assert stolen.json()["error_description"] == "username cannot be changed"
    assert (await browser.delete(url)).status_code == 204
    assert (await browser.get(url)).status_code == 401


async def test_a_client_cannot_be_registered_for_something_that_is_no_user_name(
    provider: IdentityProvider, browser: httpx.AsyncClient
) -> None:
    browser.headers["Authorization"] = f"Bearer {provider.registration_token}"
    answer = await browser.post(f"{provider.issuer}/reg", json=REGISTRATION | {"username": "fireuser; id"})
    assert answer.json()["error"] == "invalid_client_metadata"


async def register(client: httpx.AsyncClient, provider: IdentityProvider) -> dict[str, Any]:
    """A new client of fireuser, as RFC 7591 answers."""
    headers = {"Authorization": f"Bearer {provider.registration_token}"}
    answer = await client.post(f"{provider.issuer}/reg", json=REGISTRATION, headers=headers)
    assert answer.status_code == 201
    registered: dict[str, Any] = answer.json()
    return registered


async def authorize(browser: httpx.AsyncClient, provider: IdentityProvider, verifier: str) -> httpx.Response:
    """The first page of an authorization request (RFC 7636)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {"response_type": "code", "client_id": COMMAND_LINE_CLIENT, "redirect_uri": REDIRECT, "scope": "firecrest"}
    query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    return await follow(browser, await browser.get(f"{provider.issuer}/auth", params=query))


async def log_in_and_allow(browser: httpx.AsyncClient, page: httpx.Response, user: DemoClient) -> str:
    """Go through both pages; where the provider sends the browser at last."""
    page = await send_form(browser, page, username=user.username, password=user.client_secret)
    assert f"act as <b>{user.username}</b>" in page.text
    done = await send_form(browser, page, answer="allow")
    return str(done.headers.get("location", ""))


async def send_form(browser: httpx.AsyncClient, page: httpx.Response, **fields: str) -> httpx.Response:
    """Send the page's form with its hidden fields and these."""
    form = Form(page.text)
    url = urljoin(str(page.url), form.action)
    return await follow(browser, await browser.post(url, data=form.fields | fields))


async def follow(browser: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    """Follow redirects as long as they stay at the provider."""
    while answer.is_redirect and (target := urljoin(str(answer.url), answer.headers["location"])) != REDIRECT:
        if urlsplit(target).netloc != answer.url.netloc.decode():
            return answer
        answer = await browser.get(target)
    return answer


class Form(HTMLParser):
    """The action and the named inputs of a page's only form."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(re.sub(r"(?s)<(style|script).*?</\1>", "", text))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag == "form":
            self.action = named.get("action") or ""
        elif tag == "input" and named.get("name"):
            self.fields[str(named["name"])] = named.get("value") or ""
