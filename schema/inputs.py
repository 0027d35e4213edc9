"""What mutations take."""

import strawberry
from strawberry.file_uploads import Upload

from firecrest_gql.model import jobs as model
from schema.fields import given
from schema.scalars import BigInt


@strawberry.input(description="A variable of a job's environment.")
class EnvironmentVariable:
    """A variable of a job's environment."""

    name: str = given("Letters, digits and _.")
    value: str = given("Any text; a comma or a quote in it makes no other variable.")


@strawberry.input(description="A job to submit: a script, and what its scheduler is told of it.")
class SubmitJobInput:
    """A job to submit: a script, and what its scheduler is told of it."""

    system: str = given("Where.")
    script: str | None = given("The batch script itself …", None)
    script_path: str | None = given("… or the path of one already on the system; exactly one of the two.", None)
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
    dependency: str | None = given("What it waits for, in the scheduler's notation.", None)
    idempotency_key: str | None = given("The same key and input never make a second job.", None)

    def spec(self) -> model.JobSpec:
        """What to submit, as the domain has it."""
        values = {name: value for name, value in vars(self).items() if name not in ("system", "idempotency_key")}
        values["arguments"] = tuple(self.arguments or ())
        values["environment"] = tuple((variable.name, variable.value) for variable in self.environment or ())
        return model.JobSpec(**values)


@strawberry.input(description="Jobs to cancel.")
class CancelJobsInput:
    """Jobs to cancel."""

    system: str = given("Where.")
    job_ids: list[str] = given("Which.")
    signal: str | None = given("A signal to send instead of ending them: TERM, USR1.", None)
    idempotency_key: str | None = given("The same key and input give the first task again.", None)


@strawberry.input(description="A small file to write.")
class UploadFileInput:
    """A small file to write."""

    system: str = given("Where.")
    path: str = given("The file's path.")
    content: Upload = given("The bytes (GraphQL multipart request), at most limits.maxInlineFileSize.")
    overwrite: bool = given("Whether an existing file is replaced.", False)
    mode: str | None = given("Octal, as in 0644, which is what it is where nothing is said.", None)


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
