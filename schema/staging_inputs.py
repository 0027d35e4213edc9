"""What the mutations of transfers through the object store take and answer."""

import strawberry

from firecrest_gql.model.files import Compression
from firecrest_gql.model.transfers import DownloadWish, Terms, UploadWish
from schema.fields import given
from schema.scalars import BigInt
from schema.transfer_inputs import KEY
from schema.transfer_payloads import TransferPayload

ACCOUNT = "The account that the job is charged to."
TIME_LIMIT = "How long the job may run; without, what the site gives, or more for many bytes."


@strawberry.input(description="What to bring to a system, and to which place.")
class StartUploadInput:
    """What to bring to a system, and to which place."""

    system: str = given("Where it goes.")
    path: str = given("Its place there.")
    size: BigInt = given("Its bytes.")
    sha256: str | None = given("Its checksum, 64 hexadecimal digits: the file is in place only if it has it.", None)
    overwrite: bool = given("Replace the file that is there.", False)
    mode: str | None = given("Its permissions, octal; without, those of the file that it replaces, or 0644.", None)
    account: str | None = given(ACCOUNT, None)
    time_limit_seconds: int | None = given(TIME_LIMIT, None)
    idempotency_key: str | None = given(KEY, None)

    def terms(self) -> Terms:
        """On what terms its job runs."""
        return Terms(self.account, self.time_limit_seconds)

    def wish(self) -> UploadWish:
        """As the domain has it."""
        return UploadWish(path=self.path, size=self.size, sha256=self.sha256, overwrite=self.overwrite, mode=self.mode)


@strawberry.input(description="A part as the store answered for it.")
class UploadedPartInput:
    """A part as the store answered for it."""

    number: int = given("Its number.")
    etag: str = given("The header ETag of the answer to its PUT.")


@strawberry.input(description="Which upload has all its parts.")
class CompleteUploadInput:
    """Which upload has all its parts."""

    transfer_id: strawberry.ID = given("The upload.")
    parts: list[UploadedPartInput] | None = given("What was sent; without, the server lists what is stored.", None)

    def etags(self) -> dict[int, str] | None:
        """By number."""
        return None if self.parts is None else {part.number: part.etag for part in self.parts}


@strawberry.input(description="What to fetch from a system.")
class StartDownloadInput:
    """What to fetch from a system."""

    system: str = given("Where it is.")
    path: str = given("A file, or a directory, which comes as an archive.")
    compression: Compression | None = given(
        "Of the archive; without, a file comes as it is, a directory with GZIP.", None
    )
    account: str | None = given(ACCOUNT, None)
    time_limit_seconds: int | None = given(TIME_LIMIT, None)
    idempotency_key: str | None = given(KEY, None)

    def terms(self) -> Terms:
        """On what terms its job runs."""
        return Terms(self.account, self.time_limit_seconds)

    def wish(self) -> DownloadWish:
        """As the domain has it."""
        return DownloadWish(path=self.path, compression=self.compression)


@strawberry.input(description="Which transfer to take up again.")
class ResumeTransferInput:
    """Which transfer to take up again."""

    transfer_id: strawberry.ID = given("The transfer, which has failed or was cancelled.")


@strawberry.type(description="The upload that was begun.")
class StartUploadPayload(TransferPayload):
    """The upload that was begun."""


@strawberry.type(description="The upload that has all its parts.")
class CompleteUploadPayload(TransferPayload):
    """The upload that has all its parts."""


@strawberry.type(description="The download that was begun.")
class StartDownloadPayload(TransferPayload):
    """The download that was begun."""


@strawberry.type(description="The transfer that goes on.")
class ResumeTransferPayload(TransferPayload):
    """The transfer that goes on."""
