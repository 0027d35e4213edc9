"""The demo's real parts: ready together, private, and the same again after they were killed."""

import stat
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aioboto3
import httpx
import pytest
import pytest_asyncio
from botocore.config import Config
from botocore.exceptions import ClientError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError

from firecrest_gql.demo.object_store import ObjectStore
from firecrest_gql.demo.parts import Parts, StateInUse, running_parts
from firecrest_gql.demo.ports import LOOPBACK

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder, shared by the tests of this module."""
    return tmp_path_factory.mktemp("demo")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def parts(state: Path) -> AsyncIterator[Parts]:
    """The three parts, running."""
    async with running_parts(state) as running:
        yield running


def s3(store: ObjectStore) -> AbstractAsyncContextManager[Any]:
    """A client of the store, with its keys."""
    session = aioboto3.Session(store.access_key, store.secret_key, region_name=store.region)
    client: AbstractAsyncContextManager[Any] = session.client(
        "s3", endpoint_url=store.endpoint_url, config=Config(signature_version="s3v4")
    )
    return client


async def test_valkey_wants_its_password(parts: Parts) -> None:
    async with Redis(host=LOOPBACK, port=parts.valkey.port, retry=Retry(NoBackoff(), 0)) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.get("key")


async def test_valkey_has_its_data_again_after_it_was_killed(parts: Parts) -> None:
    async with Redis.from_url(parts.valkey.url) as client:
        await client.set("key", "value")
    await parts.valkey.process.kill()
    await parts.valkey.process.start()
    async with Redis.from_url(parts.valkey.url) as client:
        assert await client.get("key") == b"value"


async def test_the_object_store_has_its_objects_again_after_it_was_killed(parts: Parts) -> None:
    store = parts.object_store
    body = bytes(range(256)) * 20_000
    async with s3(store) as client:
        await client.put_object(Bucket=store.bucket, Key="some/object", Body=body)
    await store.process.kill()
    await store.process.start()
    async with s3(store) as client:
        answer = await client.get_object(Bucket=store.bucket, Key="some/object")
        assert await answer["Body"].read() == body


async def test_a_presigned_url_of_the_object_store_serves_only_what_was_signed(parts: Parts) -> None:
    store = parts.object_store
    async with s3(store) as client:
        await client.put_object(Bucket=store.bucket, Key="one", Body=b"1")
        await client.put_object(Bucket=store.bucket, Key="two", Body=b"2")
        url = await client.generate_presigned_url("get_object", {"Bucket": store.bucket, "Key": "one"}, ExpiresIn=60)
    async with httpx.AsyncClient(trust_env=False) as anybody:
        assert (await anybody.get(url)).content == b"1"
        assert (await anybody.get(url.replace("/one", "/two"))).status_code == 403
        assert (await anybody.get(f"{store.endpoint_url}/{store.bucket}/one")).status_code == 403


async def test_other_keys_do_not_open_the_object_store(parts: Parts) -> None:
    store = parts.object_store
    other = ObjectStore(store.endpoint_url, store.bucket, store.region, "other", "keys", store.process)
    async with s3(other) as client:
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            await client.list_objects_v2(Bucket=store.bucket)


async def test_the_inner_services_of_the_object_store_give_nothing_without_its_secrets(parts: Parts) -> None:
    ports = [port for port in parts.object_store.process.ports if port < 22_000]
    path = f"/buckets/{parts.object_store.bucket}/"
    async with httpx.AsyncClient(trust_env=False) as anybody:
        answers = [await anybody.get(f"http://{LOOPBACK}:{port}{path}") for port in ports]
    assert [answer.status_code for answer in answers if answer.is_success] == []


@pytest.mark.usefixtures("parts")
def test_everything_in_the_state_folder_is_its_owners_alone(state: Path) -> None:
    outermost = [state, *state.iterdir()]  # folders, which close what is below them, and files
    assert [path for path in outermost if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    secret = [path for kind in ("*.json", "*.toml", "*.conf", "*.key") for path in state.rglob(kind)]
    assert [path for path in secret if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_no_secret_is_on_a_command_line_or_in_what_is_printed(parts: Parts) -> None:
    secrets = [
        parts.object_store.secret_key,
        parts.identity.registration_token,
        parts.identity.clients[0].client_secret,
    ]
    secrets.append(parts.valkey.url.split(":")[2].split("@")[0])
    processes = (parts.valkey.process, parts.object_store.process, parts.identity.process)
    shown = repr(parts) + "".join(Path(f"/proc/{child.pid}/cmdline").read_text() for child in processes)
    assert [secret for secret in secrets if secret in shown] == []


async def test_a_second_demo_on_the_same_folder_is_told_so(parts: Parts, state: Path) -> None:
    assert parts.valkey.process.running
    with pytest.raises(StateInUse):
        async with running_parts(state):
            pytest.fail("it must not start")


async def test_the_next_start_finds_the_same_keys_and_clients_and_leaves_no_socket(tmp_path: Path) -> None:
    async with running_parts(tmp_path) as first:
        keys = await key_set(first)
        sockets = first.object_store.process.leftovers
    assert [socket for socket in sockets if socket.exists()] == []
    assert not (tmp_path / "lock").exists()
    async with running_parts(tmp_path) as second:
        assert await key_set(second) == keys
    assert second.identity.clients == first.identity.clients
    assert second.identity.issuer == first.identity.issuer
    assert second.valkey.url == first.valkey.url
    assert second.object_store.access_key == first.object_store.access_key


async def key_set(parts: Parts) -> Any:
    """The provider's public keys."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{parts.identity.issuer}/jwks")).json()
