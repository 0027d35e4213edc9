"""What mutations take."""

import strawberry
from strawberry.file_uploads import Upload

from firecrest_gql.model import jobs as model
from firecrest_gql.model.files import Compression
from schema.fields import given
from schema.scalars import BigInt


@strawberry.input(description="A variable of a job's environment.")
class EnvironmentVariable:
    """A variable of a job's environment."""

    name: str = given("Letters, digits and _.")
    value: str = given("Any text; a comma or a quote in it makes no other variable.")


BESIDE = frozenset({"system", "script_file", "validate_only", "idempotency_key"})
"""What is given with a job and is no part of it."""


@strawberry.input(description="A job to submit: a script, and what its scheduler is told of it.")
class SubmitJobInput:
    """A job to submit: a script, and what its scheduler is told of it."""

    system: str = given("Where.")
    script: str | None = given("The batch script itself …", None)
    script_file: Upload | None = given("… or an uploaded one (GraphQL multipart request) …", None)
    script_path: str | None = given("… or the path of one already on the system; exactly one of the three.", None)
    arguments: list[str] | None = given("The script's arguments.", None)
    working_directory: str | None = given("Where it runs; the home where nothing is said.", None)
    name: str | None = given("The job's name.", None)
    partition: str | None = given("The queue.", None)
    account: str | None = given("What it is charged to.", None)
    qos: str | None = given("The quality of service.", None)
    reservation: str | None = given("A reservation to run in.", None)
    constraint: str | None = given("Features that its nodes must have.", None)
    stdin_path: str | None = given("A file to read.", None)
    stdout_path: str | None = given("Where its output goes.", None)
    stderr_path: str | None = given("Where its error output goes.", None)
    environment: list[EnvironmentVariable] | None = given("Variables of its environment.", None)
    time_limit_seconds: int | None = given("How long it may run.", None)
    node_count: int | None = given("How many nodes.", None)
    task_count: int | None = given("How many tasks.", None)
    cpus_per_task: int | None = given("How many processors for each task.", None)
    memory: BigInt | None = given("Bytes of memory on each node.", None)
    gpu_count: int | None = given("How many GPUs.", None)
    array: str | None = given("Which tasks of an array, and how many at once: 0-9, 1,3,5-9:2%4.", None)
    dependency: str | None = given("What it waits for, in the scheduler's notation.", None)
    options: list[str] | None = given("Further options of the scheduler, each as --name or --name=value.", None)
    validate_only: bool = given("Have the scheduler check it and submit nothing: the result is an estimate.", False)
    idempotency_key: str | None = given(
        "The same key and input give the first task again, for 7 days: never a second job.", None
    )

    def spec(self) -> model.JobSpec:
        """What to submit, as the domain has it, but for an uploaded script."""
        values = {name: value for name, value in vars(self).items() if name not in BESIDE}
        values["arguments"] = tuple(self.arguments or ())
        values["options"] = tuple(self.options or ())
        values["environment"] = tuple((variable.name, variable.value) for variable in self.environment or ())
        return model.JobSpec(**values)


@strawberry.input(description="Jobs to cancel.")
class CancelJobsInput:
    """Jobs to cancel."""

    system: str = given("Where.")
    job_ids: list[str] = given("Which.")
    signal: str | None = given("A signal to send instead of ending them: TERM, USR1.", None)
    idempotency_key: str | None = given("The same key and input give the first task again.", None)


@strawberry.input(description="A task to cancel.")
class CancelTaskInput:
    """A task to cancel."""

    id: strawberry.ID = given("Which.")


@strawberry.input(description="A small file to write.")
class UploadFileInput:
    """A small file to write."""

    system: str = given("Where.")
    path: str = given("The file's path.")
    content: Upload = given("The bytes (GraphQL multipart request), at most limits.maxInlineFileSize.")
    overwrite: bool = given("Whether an existing file is replaced.", False)
    mode: str | None = given(
        "Octal, as in 0644; without, that of the file it replaces, or by the account's umask.", None
    )


@strawberry.input(description="A directory to make.")
class CreateDirectoryInput:
    """A directory to make."""

    system: str = given("Where.")
    path: str = given("The directory's path.")
    parents: bool = given("Whether missing parents are made too, and an existing directory is no error.", False)
    mode: str | None = given("Octal, as in 0755; by the account's umask where nothing is said.", None)


@strawberry.input(description="A file or directory to remove.")
class RemoveFileInput:
    """A file or directory to remove."""

    system: str = given("Where.")
    path: str = given("What; a link is removed, not what it points to.")
    recursive: bool = given("Whether a directory goes with everything in it.", False)


@strawberry.input(description="A file to touch.")
class TouchFileInput:
    """A file to touch."""

    system: str = given("Where.")
    path: str = given("The file's path; an empty file is made where there is none.")


@strawberry.input(description="A symbolic link to make.")
class CreateSymlinkInput:
    """A symbolic link to make."""

    system: str = given("Where.")
    path: str = given("The link's path, where nothing may be yet.")
    link_target: str = given("What it points to, absolute or relative to the link; it need not be there.")


@strawberry.input(description="A file or directory to copy.")
class CopyFileInput:
    """A file or directory to copy."""

    system: str = given("Where.")
    path: str = given("What; a directory is copied with everything in it.")
    target: str = given("The copy's own path, not the directory to put it into.")
    dereference: bool = given("Whether links are copied as what they point to.", False)
    overwrite: bool = given("Whether an existing file is replaced; of directories only an empty one ever is.", False)


@strawberry.input(description="A file or directory to move.")
class MoveFileInput:
    """A file or directory to move."""

    system: str = given("Where.")
    path: str = given("What; a link is moved, not what it points to.")
    target: str = given("The new path, not the directory to put it into.")
    overwrite: bool = given("Whether an existing file is replaced; of directories only an empty one ever is.", False)


@strawberry.input(description="Permissions to change.")
class ChangeModeInput:
    """Permissions to change."""

    system: str = given("Where.")
    path: str = given("Whose; of a link, what it points to.")
    mode: str = given("As chmod takes it: octal as in 0644, or symbolic as in u+rwX,go-w.")
    recursive: bool = given("Whether everything below is changed too; links below are left alone.", False)


@strawberry.input(description="An owner or group to change.")
class ChangeOwnerInput:
    """An owner or group to change."""

    system: str = given("Where.")
    path: str = given("Whose; of a link, what it points to.")
    owner: str | None = given("The new owner's name or number.", None)
    group: str | None = given("The new group's name or number; at least one of the two is given.", None)
    recursive: bool = given("Whether everything below is changed too; links below change themselves.", False)


@strawberry.input(description="A file or directory to make an archive of.")
class CompressFilesInput:
    """A file or directory to make an archive of."""

    system: str = given("Where.")
    path: str = given("What: a file, or a directory with everything in it; pipes, sockets and devices are left out.")
    target: str = given("The archive's own path.")
    compression: Compression = given("How it is compressed.", Compression.GZIP)
    match: str | None = given("A pattern of find -name: only files and links of such names come in.", None)
    dereference: bool = given("Whether links come in as what they point to.", False)
    overwrite: bool = given("Whether an existing file is replaced.", False)


@strawberry.input(description="An archive to take apart.")
class ExtractArchiveInput:
    """An archive to take apart."""

    system: str = given("Where.")
    path: str = given("The archive.")
    target: str = given("The directory for what it holds: a new one, or one that is there and takes what comes.")
    compression: Compression | None = given("What it is; by its bytes and its name where nothing is said.", None)
    overwrite: bool = given("Whether existing files are replaced; else nothing is unpacked where one is there.", False)
