"""The staging bucket on a real S3 store: what its URLs allow, and what is left afterwards."""

import hashlib
import threading
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from firecrest_gql.errors import NotFound, StorageUnavailable
from firecrest_gql.settings import StorageSettings
from firecrest_gql.settings.storage import LARGEST_OBJECT, LARGEST_PART, MOST_PARTS, SMALLEST_PART
from firecrest_gql.storage.parts import Parts
from firecrest_gql.storage.rules import lifecycle_rule
from firecrest_gql.storage.s3 import ObjectStore, Staged, StoredPart, staging_key

real = pytest.mark.s3
LEAST = 5 * 2**20


@pytest.fixture
def settings(object_store: StorageSettings) -> StorageSettings:
    """A running store's block of the settings."""
    return object_store


@pytest_asyncio.fixture
async def store(settings: StorageSettings) -> AsyncIterator[ObjectStore]:
    """The store, open."""
    async with ObjectStore.open(settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def anybody() -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without keys."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest_asyncio.fixture
async def staged(store: ObjectStore) -> Staged:
    """An upload that has begun."""
    return await store.begin(staging_key("firecrest", "somebody", "transfer"))


async def _uploaded(store: ObjectStore, anybody: httpx.AsyncClient, staged: Staged, *bodies: bytes) -> None:
    for number, body in enumerate(bodies, 1):
        url = await store.sign_part(staged, number, len(body))
        assert (await anybody.put(url, content=body)).status_code == 200


@given(total=st.integers(0, LARGEST_OBJECT), least=st.integers(SMALLEST_PART, LARGEST_PART))
def test_parts_cover_a_file_of_any_size_within_the_limits_of_s3(total: int, least: int) -> None:
    parts = Parts.of(total, least)
    last = parts.count
    assert 1 <= last <= MOST_PARTS
    assert SMALLEST_PART <= parts.part_size <= LARGEST_PART
    assert parts.offset(last) + parts.size(last) == total
    assert parts.size(last) > 0 or total == 0
    assert last == 1 or parts.size(last - 1) == parts.part_size == parts.offset(2)


@real
async def test_parts_arrive_at_presigned_urls_and_become_one_object(
    store: ObjectStore, anybody: httpx.AsyncClient, staged: Staged
) -> None:
    first, second = b"1" * LEAST, b"the rest"
    await _uploaded(store, anybody, staged, first, second)
    parts = await store.parts(staged)
    assert parts == {
        1: StoredPart(1, LEAST, hashlib.md5(first).hexdigest()),
        2: StoredPart(2, 8, hashlib.md5(second).hexdigest()),
    }
    await store.complete(staged, parts)
    await store.complete(staged, parts)  # as a worker does that was killed before it could say so
    assert await store.size(staged.key) == LEAST + 8
    assert (await anybody.get(await store.sign_get(staged.key))).content == first + second


@real
async def test_an_empty_file_is_one_empty_part(store: ObjectStore, anybody: httpx.AsyncClient, staged: Staged) -> None:
    await _uploaded(store, anybody, staged, b"")
    await store.complete(staged, await store.parts(staged))
    assert await store.size(staged.key) == 0


@real
@pytest.mark.parametrize("body", [b"four.", b"not", b""], ids=["longer", "shorter", "empty"])
async def test_a_url_takes_exactly_the_bytes_it_was_signed_for(
    store: ObjectStore, anybody: httpx.AsyncClient, staged: Staged, body: bytes
) -> None:
    url = await store.sign_part(staged, 1, 4)
    assert (await anybody.put(url, content=body)).status_code == 403
    assert (await anybody.put(url.replace("partNumber=1", "partNumber=2"), content=b"four")).status_code == 403
    assert await store.parts(staged) == {}


@real
async def test_what_is_discarded_has_no_url_that_works(
    store: ObjectStore, anybody: httpx.AsyncClient, staged: Staged
) -> None:
    urls = [await store.sign_part(staged, number, 4) for number in (1, 2)]
    assert (await anybody.put(urls[0], content=b"four")).status_code == 200
    await store.discard(staged)
    await store.discard(staged)
    assert [(await anybody.put(url, content=b"four")).status_code for url in urls] == [404, 404]
    with pytest.raises(NotFound):
        await store.parts(staged)
    again = await store.begin(staged.key)
    await _uploaded(store, anybody, again, b"four")
    await store.complete(again, await store.parts(again))
    url = await store.sign_get(again.key)
    await store.discard(again)
    assert (await anybody.get(url)).status_code == 404


@real
async def test_a_download_has_the_file_name_that_the_url_was_signed_with(
    store: ObjectStore, anybody: httpx.AsyncClient, staged: Staged
) -> None:
    await _uploaded(store, anybody, staged, b"text")
    await store.complete(staged, await store.parts(staged))
    url = await store.sign_get(staged.key, file_name="filename*=UTF-8''na%C3%AFve.txt")
    assert (await anybody.get(url)).headers["content-disposition"] == "attachment; filename*=UTF-8''na%C3%AFve.txt"


@real
async def test_urls_are_signed_for_the_address_that_will_be_asked(store: ObjectStore, staged: Staged) -> None:
    url = await store.sign_part(staged, 1, 4, address="https://store.inside.example:9000")
    assert url.startswith("https://store.inside.example:9000/staging/firecrest/")


@real
async def test_the_bucket_gets_our_rules_and_keeps_those_of_others(
    settings: StorageSettings, store: ObjectStore
) -> None:
    client: Any = await store._client()
    other = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "other/"}, "Expiration": {"Days": 3}}
    bucket = settings.bucket
    await client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [other]})
    for origins in (("*",), ("https://portal.example",)):
        async with ObjectStore.open(settings.model_copy(update={"allowed_origins": origins})) as each:
            await each.check()
            await each.check()
    rules = (await client.get_bucket_lifecycle_configuration(Bucket=bucket))["Rules"]
    assert sorted((rule["ID"], rule["Filter"]["Prefix"], rule["Expiration"]["Days"]) for rule in rules) == [
        ("firecrest-gql-firecrest", "firecrest/", 9),
        ("theirs", "other/", 3),
    ]
    assert lifecycle_rule(settings)["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 39
    [cors] = (await client.get_bucket_cors(Bucket=bucket))["CORSRules"]
    assert (cors["AllowedOrigins"], cors["ExposeHeaders"]) == (["https://portal.example"], ["ETag"])


@real
async def test_a_page_of_an_allowed_origin_may_send_parts_and_read_their_etag(
    settings: StorageSettings, anybody: httpx.AsyncClient
) -> None:
    async with ObjectStore.open(settings.model_copy(update={"allowed_origins": ("https://portal.example",)})) as store:
        await store.check()
        url = await store.sign_part(await store.begin("firecrest/page"), 1, 4)
    asked = {"Origin": "https://portal.example", "Access-Control-Request-Method": "PUT"}
    assert (await anybody.options(url, headers=asked)).headers["access-control-allow-origin"] == asked["Origin"]
    answer = await anybody.put(url, content=b"four", headers={"Origin": asked["Origin"]})
    assert answer.headers["access-control-expose-headers"] == "ETag"


@real
async def test_where_we_may_not_set_rules_the_check_says_which_one_is_missing(settings: StorageSettings) -> None:
    strict = settings.model_copy(update={"set_rules": False, "prefix": "unruled"})
    async with ObjectStore.open(strict) as store:
        with pytest.raises(StorageUnavailable, match=r"lacks our Lifecycle rule.*unruled/"):
            await store.check()


class Unruled(BaseHTTPRequestHandler):
    """A store whose buckets have lifecycle rules, and no rules for CORS: MinIO answers so."""

    def do_HEAD(self) -> None:
        """There is a bucket."""
        self._answer(200)

    def do_PUT(self) -> None:
        """Its rules are taken."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200)

    def do_GET(self) -> None:
        """It has none."""
        cors = "cors" in self.path
        self._answer(501 if cors else 404, "NotImplemented" if cors else "NoSuchLifecycleConfiguration")

    def _answer(self, status: int, code: str = "") -> None:
        body = f"<Error><Code>{code}</Code></Error>".encode() if code else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


async def test_a_store_without_rules_for_cors_is_used_and_its_operator_told() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Unruled) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        key = {"access_key_id": "key", "secret_access_key": "secret"}
        url = f"http://127.0.0.1:{server.server_port}"
        settings = StorageSettings.model_validate({"endpoint_url": url, "bucket": "staging", **key})
        async with ObjectStore.open(settings) as store:
            advice = await store.check()
        server.shutdown()
    assert advice is not None
    assert "rules, so that its operator must see to what they do: CORS" in advice


@real
@pytest.mark.parametrize("wrong", [{"bucket": "no-such-bucket"}, {"secret_access_key": SecretStr("hunter2-hunter2")}])
async def test_a_store_that_refuses_is_unavailable_and_its_keys_stay_untold(
    settings: StorageSettings, wrong: dict[str, Any]
) -> None:
    async with ObjectStore.open(settings.model_copy(update=wrong)) as store:
        with pytest.raises((StorageUnavailable, NotFound)) as refused:
            await store.check()
        assert "hunter2" not in f"{refused.value!r} {refused.value}"


def test_the_staging_key_is_valid_and_apart_for_any_user() -> None:
    subjects = ["ada", "Ada", "../ada", "x" * 5000, "日本", ""]
    keys = {staging_key("firecrest", subject, "t1") for subject in subjects}
    assert len(keys) == len(subjects)
    assert all(key.isascii() and len(key) < 100 and ".." not in key for key in keys)
