"""The provider's keys: read when needed, again for an unknown key id, and not more often than the cool-down allows."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey

from firecrest_gql.errors import Forbidden, IdentityProviderUnavailable, Unauthenticated
from firecrest_gql.iam.keys import ProviderKeys
from firecrest_gql.iam.tokens import TokenVerifier
from firecrest_gql.settings import IdentitySettings
from tests.provider import AUDIENCE, SCOPE, Provider, new_key, running_provider

NOT_AGAIN = 3600
AT_ONCE = 0


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running_provider(tmp_path) as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        yield client


def keys_of(issuer: str, http: httpx.AsyncClient, cooldown: float = NOT_AGAIN) -> ProviderKeys:
    return ProviderKeys(issuer, http, cooldown_seconds=cooldown)


def verifier(provider: Provider, keys: ProviderKeys, **changes: object) -> TokenVerifier:
    said = {"issuer": provider.issuer, "audience": AUDIENCE, "required_scope": SCOPE, "username_claim": "username"}
    return TokenVerifier(IdentitySettings.model_validate(said | changes), keys)


async def test_the_keys_are_read_once_for_all_tokens(provider: Provider, http: httpx.AsyncClient) -> None:
    verify = verifier(provider, keys_of(provider.issuer, http)).verify
    for _ in range(5):
        assert (await verify(provider.token())).username == "fireuser"
    assert provider.reads == 1


async def test_a_rotated_key_is_fetched_without_a_restart(provider: Provider, http: httpx.AsyncClient) -> None:
    verify = verifier(provider, keys_of(provider.issuer, http, AT_ONCE)).verify
    old = provider.token()
    await verify(old)
    provider.keys = [new_key()]
    await verify(provider.token())
    assert provider.reads == 2
    with pytest.raises(Unauthenticated):  # the provider has withdrawn it
        await verify(old)


async def test_unknown_key_ids_do_not_make_us_ask_more_often_than_the_cool_down_allows(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    verify = verifier(provider, keys_of(provider.issuer, http)).verify
    await verify(provider.token())
    stranger = new_key()
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await verify(provider.token(key=stranger, header={"kid": f"invented-{number}"}))
    assert provider.reads == 1
    assert (await verify(provider.token())).username == "fireuser"


async def test_a_token_without_a_key_id_is_tried_with_the_known_keys(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    verify = verifier(provider, keys_of(provider.issuer, http)).verify
    assert (await verify(provider.token(header={"kid": None}))).username == "fireuser"


async def test_keys_of_kinds_that_nobody_knows_yet_spoil_none_of_the_others(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    secret = OctKey.generate_key(256, auto_kid=True)
    curve = ECKey.generate_key("P-256", auto_kid=True).as_dict(private=False)
    provider.published = [{"kty": "FUTURE", "kid": "f"}, {"kty": "RSA"}, curve, secret.as_dict(private=True)]
    verify = verifier(provider, keys_of(provider.issuer, http)).verify
    assert (await verify(provider.token())).username == "fireuser"


async def test_a_silent_provider_is_no_fault_of_the_token(provider: Provider, http: httpx.AsyncClient) -> None:
    provider.silent = True
    verify = verifier(provider, keys_of(provider.issuer, http, AT_ONCE)).verify
    with pytest.raises(IdentityProviderUnavailable) as told:
        await verify(provider.token())
    assert told.value.retryable
    provider.silent = False
    assert (await verify(provider.token())).username == "fireuser"


async def test_known_keys_go_on_holding_while_the_provider_is_silent(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    keys = keys_of(provider.issuer, http, AT_ONCE)
    verify = verifier(provider, keys).verify
    await verify(provider.token())
    provider.silent = True
    assert (await verify(provider.token())).username == "fireuser"
    with pytest.raises(Unauthenticated):
        await verify(provider.token(key=new_key()))
    with pytest.raises(IdentityProviderUnavailable):  # and who looks after it is told
        await keys.check()


async def test_nobody_listening_is_a_silent_provider(provider: Provider, http: httpx.AsyncClient) -> None:
    keys = keys_of("http://127.0.0.1:1", http)
    with pytest.raises(IdentityProviderUnavailable):
        await verifier(provider, keys).verify(provider.token())


async def test_a_discovery_document_of_another_issuer_is_not_believed(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    address = provider.issuer
    provider.issuer = "https://elsewhere.example"
    with pytest.raises(IdentityProviderUnavailable, match="another issuer"):
        await keys_of(address, http).check()


async def test_the_user_name_is_the_claim_that_the_site_says_in_the_form_that_it_says(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    keys = keys_of(provider.issuer, http)
    verify = verifier(provider, keys, username_claim="login", username_pattern="[a-z]{2}[0-9]{3}").verify
    assert (await verify(provider.token(login="ab123"))).username == "ab123"
    for name in ("ab1234", "xab123", "AB123"):
        with pytest.raises(Forbidden):
            await verify(provider.token(login=name))


async def test_a_provider_that_types_its_tokens_jwt_is_believed_where_the_site_says_so(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    verify = verifier(provider, keys_of(provider.issuer, http), access_token_type=False).verify
    assert (await verify(provider.token(header={"typ": "JWT"}))).username == "fireuser"


async def test_a_small_difference_of_clocks_is_forgiven(provider: Provider, http: httpx.AsyncClient) -> None:
    verify = verifier(provider, keys_of(provider.issuer, http), leeway_seconds=120).verify
    now = provider.claims()["iat"]
    await verify(provider.token(exp=now - 30))
    with pytest.raises(Unauthenticated):
        await verify(provider.token(exp=now - 300))


def test_the_settings_admit_no_algorithm_that_shares_a_secret() -> None:
    said = {"issuer": "https://id.example", "audience": AUDIENCE}
    for name in ("HS256", "none"):
        with pytest.raises(ValueError, match="asymmetric"):
            IdentitySettings.model_validate(said | {"algorithms": ["RS256", name]})


async def test_the_token_is_in_no_representation_of_the_principal(provider: Provider, http: httpx.AsyncClient) -> None:
    token = provider.token()
    principal = await verifier(provider, keys_of(provider.issuer, http)).verify(token)
    assert token not in repr(principal)
    assert token not in repr(principal.caller("request"))
