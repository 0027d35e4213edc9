"""What another user of the machine can do to the demo's object store over loopback: nothing."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aioboto3
import httpx
import pytest
import pytest_asyncio

from firecrest_gql.demo.object_store import ObjectStore, make_object_store
from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.demo.process import running
from firecrest_gql.demo.store_security import make_security

pytestmark = [pytest.mark.s3]

# A collection of SeaweedFS is what holds a bucket's bytes; its master signs whatever it is asked to.
MASTERS = ("/dir/assign", "/dir/lookup?fileId=1,01&read=yes", "/vol/grow?count=1", "/col/delete?collection={bucket}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ObjectStore]:
    """The store, running."""
    state = tmp_path_factory.mktemp("store")
    made = make_object_store(state)
    async with running(made.process):
        yield made


async def test_who_has_no_certificate_cannot_have_a_buckets_bytes_deleted_nor_requests_signed(
    store: ObjectStore,
) -> None:
    session = aioboto3.Session(store.access_key, store.secret_key, region_name=store.region)
    stranger = httpx.AsyncClient(trust_env=False, verify=_anything())
    inner = [port for port in store.process.ports if port < 22_000 and str(port) not in store.endpoint_url]
    async with session.client("s3", endpoint_url=store.endpoint_url) as client, stranger:
        await client.put_object(Bucket=store.bucket, Key="staged", Body=b"bytes")
        asked = [path.format(bucket=store.bucket) for path in MASTERS]
        urls = [
            f"{scheme}://{LOOPBACK}:{port}{path}" for port in inner for path in asked for scheme in ("http", "https")
        ]
        assert [url for url in urls if await _succeeds(stranger, url)] == []
        answer = await client.get_object(Bucket=store.bucket, Key="staged")
        assert await answer["Body"].read() == b"bytes"


def test_a_store_of_an_earlier_version_is_closed_at_its_next_start(tmp_path: Path) -> None:
    (tmp_path / "security.toml").write_text("[jwt.signing]\n")
    make_security(tmp_path)
    closed = (tmp_path / "security.toml").read_text()
    make_security(tmp_path)
    assert "[https.master]" in closed
    assert (tmp_path / "security.toml").read_text() == closed


def _anything() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _succeeds(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except (httpx.TransportError, ssl.SSLError):
        return False
