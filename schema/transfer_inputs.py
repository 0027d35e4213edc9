"""What the mutations of transfers take."""

import strawberry

from firecrest_gql.model.files import Compression
from firecrest_gql.model.transfers import Terms
from schema.fields import given

KEY = "The same key and input give the first task again."


@strawberry.input(description="On what terms a transfer's job runs.")
class TermsInput:
    """What all transfers inside a system share."""

    account: str | None = given("The account that the job is charged to.", None)
    time_limit_seconds: int | None = given("How long the job may run.", None)
    after_job: str | None = given("A job of the same system that must have succeeded before.", None)
    idempotency_key: str | None = given(KEY, None)

    def terms(self) -> Terms:
        """As the domain has them."""
        return Terms(self.account, self.time_limit_seconds, self.after_job)


@strawberry.input(description="What to copy, and where to.")
class StartCopyInput(TermsInput):
    """What to copy, and where to."""

    system: str = given("Where it is.")
    path: str = given("What: a file, or a directory with everything in it.")
    target_system: str | None = given("The system that it goes to; without, the same.", None)
    target: str = given("The copy.")
    dereference: bool = given("Copy what links point to, and not the links.", False)
    overwrite: bool = given("Replace what is at the target; never a directory that holds something.", False)


@strawberry.input(description="What to move, and where to.")
class StartMoveInput(TermsInput):
    """What to move, and where to."""

    system: str = given("Where.")
    path: str = given("What: a file, or a directory with everything in it.")
    target: str = given("Its new place.")
    overwrite: bool = given("Replace what is at the target; never a directory that holds something.", False)


@strawberry.input(description="What to remove.")
class StartRemoveInput(TermsInput):
    """What to remove."""

    system: str = given("Where.")
    path: str = given("What; of a link the link itself.")
    recursive: bool = given("Remove a directory with everything in it.", False)


@strawberry.input(description="Which directory is to be like which other.")
class StartSyncInput(TermsInput):
    """Which directory is to be like which other."""

    system: str = given("Where both are.")
    path: str = given("The directory that stays as it is.")
    target: str = given("The directory that becomes like it; it is made if it is not there.")
    delete: bool = given("Remove from the target what the other does not have, once everything has come.", False)


@strawberry.input(description="A file or directory to make an archive of.")
class StartCompressInput(TermsInput):
    """A file or directory to make an archive of."""

    system: str = given("Where.")
    path: str = given("What: a file, or a directory with everything in it; pipes, sockets and devices are left out.")
    target: str = given("The archive's own path.")
    compression: Compression = given("How it is compressed.", Compression.GZIP)
    match: str | None = given("A pattern of find -name: only files and links of such names come in.", None)
    dereference: bool = given("Whether links come in as what they point to.", False)
    overwrite: bool = given("Whether an existing file is replaced.", False)


@strawberry.input(description="An archive to take apart.")
class StartExtractInput(TermsInput):
    """An archive to take apart."""

    system: str = given("Where.")
    path: str = given("The archive.")
    target: str = given("The directory for what it holds: a new one, or one that is there and takes what comes.")
    compression: Compression | None = given("What it is; by its bytes and its name where nothing is said.", None)
    overwrite: bool = given("Whether existing files are replaced; else nothing is unpacked where one is there.", False)


@strawberry.input(description="A transfer that is no longer wanted.")
class DiscardTransferInput:
    """A transfer that is no longer wanted."""

    transfer_id: strawberry.ID = given("Which.")
