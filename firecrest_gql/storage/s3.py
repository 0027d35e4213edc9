"""Any S3 store, by aioboto3: multipart uploads and presigned URLs; no byte of a file passes here."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from firecrest_gql.errors import NotFound, StorageUnavailable
from firecrest_gql.settings import StorageSettings
from firecrest_gql.storage.ruled import ruled

CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"max_attempts": 2},
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    # Stores other than Amazon's know no checksums beyond MD5, and a URL must demand no header that a client won't send.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
GONE: Final = ("NoSuchUpload", "NoSuchKey", "NoSuchTagSet", "404")
NO_RULES: Final = ("NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration")

NOT_IMPLEMENTED: Final = ("NotImplemented", "501")
UNRULED: Final = "the store has no such rules of buckets, so that its operator must see to what they do"


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as the store recorded it on arrival: its bytes and their MD5, which S3 gives as the `ETag`."""

    number: int
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Staged:
    """An object of the staging bucket, and the multipart upload that makes it."""

    key: str
    upload_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lying:
    """What the bucket has of ours: an object or, with an `upload_id`, parts of one; `since` when it last changed."""

    key: str
    since: datetime
    upload_id: str | None = field(default=None, repr=False)


def staging_key(prefix: str, subject: str, transfer_id: str) -> str:
    """Where a user's transfer is staged: a name that is valid, and tells nothing, for any subject."""
    return f"{prefix}/{hashlib.sha256(subject.encode()).hexdigest()[:32]}/{transfer_id}"


class ObjectStore:
    """The staging bucket; every method raises `StorageUnavailable`, and `NotFound` for what is not there."""

    def __init__(self, settings: StorageSettings, clients: AsyncExitStack) -> None:
        self.settings = settings
        self._clients = clients
        self._by_address: dict[str, Any] = {}
        self._signing = asyncio.Lock()
        self._session = aioboto3.Session(
            aws_access_key_id=settings.access_key_id.get_secret_value(),
            aws_secret_access_key=settings.secret_access_key.get_secret_value(),
            region_name=settings.region,
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: StorageSettings) -> AsyncIterator["ObjectStore"]:
        """The store, with connections that end with the context."""
        async with AsyncExitStack() as clients:
            store = cls(settings, clients)
            for address in (None, settings.public_url):  # which takes a tenth of a second, for which no request waits
                await store._client(address)
            yield store

    async def check(self) -> str | None:
        """Ask for the bucket, and see that its rules are in place; what its owner must see to, if anything."""
        await self.answers()
        with _store_answers():
            return await ruled(await self._client(), self.settings)

    async def answers(self) -> None:
        """Ask for the bucket."""
        client = await self._client()
        with _store_answers():
            await client.head_bucket(Bucket=self.settings.bucket)

    async def begin(self, key: str) -> Staged:
        """A new multipart upload."""
        client = await self._client()
        with _store_answers():
            answer = await client.create_multipart_upload(**self._object(key))
        return Staged(key, answer["UploadId"])

    async def parts(self, staged: Staged) -> dict[int, StoredPart]:
        """The parts that have arrived, by number."""
        try:
            return await self._parts(staged)
        except NotFound:
            # SeaweedFS says so as well where it could not look.
            if await self._goes_on(staged):
                raise StorageUnavailable("the object store lists an upload and does not find it") from None
            raise

    async def complete(self, staged: Staged, parts: Mapping[int, StoredPart]) -> None:
        """Make the object of these parts; to repeat it is harmless."""
        client = await self._client()
        listed = [{"PartNumber": number, "ETag": f'"{parts[number].md5}"'} for number in sorted(parts)]
        try:
            with _store_answers():
                await client.complete_multipart_upload(**self._upload(staged), MultipartUpload={"Parts": listed})
        except NotFound:  # an earlier attempt was cut off after the store had done it
            await self.size(staged.key)

    async def size(self, key: str) -> int:
        """The object's bytes."""
        client = await self._client()
        with _store_answers():
            return int((await client.head_object(**self._object(key)))["ContentLength"])

    async def remember(self, key: str, **tags: str) -> None:
        """Keep these words, such as a checksum, with the object."""
        client = await self._client()
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        with _store_answers():
            await client.put_object_tagging(**self._object(key), Tagging={"TagSet": listed})

    async def abort(self, staged: Staged) -> None:
        """Remove the parts of an upload that made no object."""
        client = await self._client()
        with suppress(NotFound), _store_answers():
            await client.abort_multipart_upload(**self._upload(staged))

    async def discard(self, staged: Staged) -> None:
        """Remove the object or what there is of it: its URLs are dead."""
        await self.abort(staged)
        client = await self._client()
        with suppress(NotFound), _store_answers():
            await client.delete_object(**self._object(staged.key))

    async def objects(self, *, after: str, first: int) -> list[Lying]:
        """At most so many of our objects, in the order of their keys, from behind this key."""
        client = await self._client()
        ours = {"Bucket": self.settings.bucket, "Prefix": f"{self.settings.prefix}/", "StartAfter": after}
        found = []
        with _store_answers():
            pages = client.get_paginator("list_objects_v2").paginate(**ours, PaginationConfig={"MaxItems": first})
            async for page in pages:
                found += [Lying(each["Key"], each["LastModified"]) for each in page.get("Contents", ())]
        return found[:first]

    async def uploads(self, *, page: int) -> AsyncIterator[list[Lying]]:
        """Our uploads that have made no object yet, so many at a time; stores differ in how they order them."""
        client = await self._client()
        ours = {"Bucket": self.settings.bucket, "Prefix": f"{self.settings.prefix}/"}
        with _store_answers():
            pages = client.get_paginator("list_multipart_uploads").paginate(**ours, PaginationConfig={"PageSize": page})
            async for found in pages:
                yield [Lying(each["Key"], each["Initiated"], each["UploadId"]) for each in found.get("Uploads", ())]

    async def remove(self, lying: Lying) -> None:
        """Remove the object, or the parts."""
        if lying.upload_id is not None:
            await self.abort(Staged(lying.key, lying.upload_id))
            return
        client = await self._client()
        with suppress(NotFound), _store_answers():
            await client.delete_object(**self._object(lying.key))

    async def sign_part(self, staged: Staged, number: int, size: int | None, *, address: str | None = None) -> str:
        """The URL for a PUT of this part, with exactly so many bytes; `address`: the store's for who will use it."""
        exact = {} if size is None else {"ContentLength": size}
        asked = {**self._upload(staged), "PartNumber": number, **exact}
        return await self._signed("upload_part", asked, address)

    async def sign_get(
        self, key: str, *, file_name: str | None = None, address: str | None = None, seconds: int | None = None
    ) -> str:
        """The URL that the object is fetched from, by a browser under the file name (ASCII; RFC 6266)."""
        named = {} if file_name is None else {"ResponseContentDisposition": f"attachment; {file_name}"}
        return await self._signed("get_object", {**self._object(key), **named}, address, seconds)

    async def _parts(self, staged: Staged) -> dict[int, StoredPart]:
        client = await self._client()
        found: dict[int, StoredPart] = {}
        with _store_answers():
            async for page in client.get_paginator("list_parts").paginate(**self._upload(staged)):
                found |= {part["PartNumber"]: _stored(part) for part in page.get("Parts", ())}
        return found

    async def _goes_on(self, staged: Staged) -> bool:
        client = await self._client()
        with _store_answers():
            answer = await client.list_multipart_uploads(Bucket=self.settings.bucket, Prefix=staged.key)
        return any(upload["UploadId"] == staged.upload_id for upload in answer.get("Uploads", ()))

    async def _signed(
        self, operation: str, asked: Mapping[str, Any], address: str | None, seconds: int | None = None
    ) -> str:
        client = await self._client(address or self.settings.public_url)
        expiry = seconds or self.settings.url_seconds
        async with self._signing:  # it takes a millisecond, and a request may ask for thousands: others get their turn
            await asyncio.sleep(0)
            url: str = await client.generate_presigned_url(operation, asked, ExpiresIn=expiry)
        return url

    async def _client(self, address: str | None = None) -> Any:
        """The client that talks to, or signs for, the store at this address."""
        url = address or self.settings.endpoint_url
        if url not in self._by_address:
            made = self._session.client("s3", endpoint_url=url, config=CONFIG)
            self._by_address[url] = await self._clients.enter_async_context(made)
        return self._by_address[url]

    def _object(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.settings.bucket, "Key": key}

    def _upload(self, staged: Staged) -> dict[str, Any]:
        return {**self._object(staged.key), "UploadId": staged.upload_id}


@contextmanager
def _store_answers() -> Iterator[None]:
    """Turns the store's errors into ours; its words may hold keys, so that only their kind is told."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in GONE:
            raise NotFound(f"the object store has no such object or upload: {code}") from None
        raise StorageUnavailable(f"the object store refuses: {code or 'without a reason'}") from None
    except (BotoCoreError, OSError) as error:
        raise StorageUnavailable(f"the object store does not answer: {type(error).__name__}") from None


def _stored(part: Mapping[str, Any]) -> StoredPart:
    return StoredPart(part["PartNumber"], part["Size"], part["ETag"].strip('"'))
