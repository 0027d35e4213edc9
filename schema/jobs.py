"""Jobs, as a scheduler tells of them."""

from datetime import datetime

import strawberry

from firecrest_gql.model import files as files_model
from firecrest_gql.model import jobs as model
from firecrest_gql.model.files import raw, shown
from firecrest_gql.settings import SystemSettings
from resolvers import ids, jobs
from resolvers.systems import system as find_system
from schema.fields import REMOTE, Info, attribute, converted, field, given, given_values, lazy, optional
from schema.files import File
from schema.nodes import Node, PageInfo
from schema.scalars import Base64, BigInt

USAGE = ("maxMemory", "cpuSeconds", "steps")
"""What accounting alone tells: selected below a list of jobs, it is asked for together with them."""

AS_GIVEN = "A path as it can be given: base64:… where it is not UTF-8."

CHUNK = 200
"""The cost of a chunk's bytes, up to 64 KiB, which aliases could ask for many times in each event."""


@strawberry.type(description="A part of a job that the scheduler has started by itself.")
class JobStep:
    """A part of a job that the scheduler has started by itself."""

    step_id: str = attribute("As the scheduler writes it: 7_4.batch, 12.0.")
    name: str = attribute("What runs; batch is the script.")
    state: model.JobState = attribute("Where it is in its life.")
    exit_code: int | None = attribute("Its exit code, once it has ended.")
    signal: int | None = attribute("The signal that ended it, if one did.")
    started_at: datetime | None = attribute("When it started.")
    ended_at: datetime | None = attribute("When it ended.")
    elapsed_seconds: int | None = attribute("How long it has run.")


@strawberry.type(description="A job of a system's scheduler.")
class Job(Node):
    """A job of a system's scheduler."""

    job_id: str = attribute("As the scheduler writes it; not a number.")
    name: str = converted("name", shown, "The name that its user gave it.", str)
    user: str = attribute("Whose it is.")
    account: str | None = attribute("What it is charged to.")
    partition: str | None = attribute("The queue that it is in.")
    qos: str | None = attribute("Its quality of service.")
    state: model.JobState = attribute("Where it is in its life.")
    raw_state: str | None = attribute("What the scheduler said.")
    final: bool = attribute("Whether the state can no longer change.")
    reason: str | None = attribute("Why it waits or failed, in the scheduler's words.")
    exit_code: int | None = attribute("Its exit code, once it has ended.")
    signal: int | None = attribute("The signal that ended it, if one did.")
    priority: BigInt | None = attribute("The scheduler's number for its turn.")
    submitted_at: datetime | None = attribute("When it was submitted.")
    estimated_start_at: datetime | None = attribute("When the scheduler expects to start it.")
    started_at: datetime | None = attribute("When it started.")
    ended_at: datetime | None = attribute("When it ended.")
    observed_at: datetime = attribute("When the scheduler said so.")
    elapsed_seconds: int | None = attribute("How long it has run.")
    time_limit_seconds: int | None = attribute("How long it may run; null for no limit.")
    node_count: int | None = attribute("How many nodes it has or asks for.")
    cpu_count: int | None = attribute("How many processors it has or asks for.")
    gpu_count: int | None = attribute("How many GPUs it has or asks for.")
    memory: BigInt | None = attribute("Bytes of memory that it has or asks for.")
    node_list: str | None = attribute("The nodes, in the scheduler's notation.")
    working_directory: str | None = converted("working_directory", raw, f"Where it runs. {AS_GIVEN}")
    stdin_path: str | None = converted("stdin_path", raw, f"What it reads. {AS_GIVEN}")
    stdout_path: str | None = converted("stdout_path", raw, f"Where its output goes. {AS_GIVEN}")
    stderr_path: str | None = converted("stderr_path", raw, f"Where its error output goes. {AS_GIVEN}")
    array_job_id: str | None = attribute("The array that it is a task of.")
    array_task_id: str | None = attribute("Which of the array's tasks it is.")
    dependency: str | None = attribute("What it still waits for.")
    comment: str | None = converted("comment", shown, "Its user's comment.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is a job."""
        return isinstance(value, model.Job)

    @field(strawberry.ID)
    def id(self: model.Job) -> str:
        """The id: of the system and the job's id there."""
        return ids.encode("job", self.system, self.job_id)

    @field(lazy("System", "schema.systems"))
    def system(self: model.Job, info: Info) -> SystemSettings:
        """The system that has it."""
        return find_system(info.context, self.system)

    @field(str | None, cost=REMOTE)
    async def script(self: model.Job, info: Info) -> str | None:
        """What was submitted, as far as the scheduler still tells it to the viewer."""
        return await jobs.script(info.context, self)

    @field(BigInt | None, cost=REMOTE)
    async def max_memory(self: model.Job, info: Info) -> int | None:
        """The most bytes of memory that one of its tasks has used, from accounting: null until a step has ended."""
        return (await jobs.used(info.context, self)).max_memory

    @field(float | None, cost=REMOTE)
    async def cpu_seconds(self: model.Job, info: Info) -> float | None:
        """The processors' time that it has used, from accounting: null until a step has ended."""
        return (await jobs.used(info.context, self)).cpu_seconds

    @field(list[JobStep] | None, cost=REMOTE)
    async def steps(self: model.Job, info: Info) -> list[model.JobStep]:
        """Its steps, from accounting, which may lag behind by seconds; those of all jobs asked for are one command."""
        return list((await jobs.used(info.context, self)).steps)

    @field(optional(File), cost=REMOTE)
    async def stdout(self: model.Job, info: Info) -> files_model.File | None:
        """The file that its output goes to; null where the scheduler does not say, and for /dev/null."""
        return await jobs.output_file(info.context, self, self.stdout_path)

    @field(optional(File), cost=REMOTE)
    async def stderr(self: model.Job, info: Info) -> files_model.File | None:
        """The file that its error output goes to; null as for stdout."""
        return await jobs.output_file(info.context, self, self.stderr_path)


@strawberry.type(description="A job in a list.")
class JobEdge:
    """A job in a list."""

    node: Job = attribute("The job.")
    cursor: str = attribute("Continues behind it.")


@strawberry.type(description="One page of jobs.")
class JobConnection:
    """One page of jobs."""

    edges: list[JobEdge] = attribute("The jobs with their cursors.")
    nodes: list[Job] = attribute("The jobs.")
    page_info: PageInfo = attribute("Where the page stands.")
    total_count: int | None = attribute("How many there are in all, where that is known.")


@strawberry.type(description="A queue of the scheduler.")
class Partition:
    """A queue of the scheduler."""

    name: str = attribute("Its name.")
    state: str | None = attribute("What the scheduler says of it: up, down, drain.")
    default: bool = attribute("Whether jobs that name none go there.")
    node_count: int | None = attribute("How many nodes it has.")
    cpu_count: int | None = attribute("How many processors it has.")
    time_limit_seconds: int | None = attribute("The longest that a job there may run; null for no limit.")


@strawberry.input(description="Which jobs; every condition that is given must hold.")
class JobFilter:
    """Which jobs; every condition that is given must hold."""

    states: list[model.JobState] | None = given("In one of these states.", None)
    name: str | None = given("With this name.", None)
    partition: str | None = given("In this queue.", None)
    account: str | None = given("Charged to this account.", None)
    qos: str | None = given("With this quality of service.", None)
    users: list[str] | None = given("Of these users; the viewer where nothing is said.", None)
    all_users: bool = given("Of everybody, as far as the scheduler shows.", False)
    job_ids: list[str] | None = given("With one of these ids.", None)
    since: datetime | None = given("Active at or after this time; without it: the live queue and the last 24 h.", None)
    until: datetime | None = given("Active before this time.", None)

    def condition(self) -> model.JobFilter:
        """The filter as the domain has it."""
        return model.JobFilter(**given_values(self))


@strawberry.type(description="A change of a job that the server saw.")
class JobEvent:
    """A change of a job that the server saw."""

    job: Job = attribute("The job as it now is.")
    previous_state: model.JobState | None = attribute("The state before; null for the state at the beginning.")


@strawberry.type(description="Bytes of a growing file.")
class OutputChunk:
    """Bytes of a growing file."""

    offset: BigInt = attribute("Where in the file the first byte stands.")
    next_offset: BigInt = attribute("Where the next chunk begins: what to resume from.")
    reset: bool = attribute("The file was truncated or replaced: offsets begin anew.")

    @field(str, cost=CHUNK)
    def text(self: model.OutputChunk) -> str:
        """The bytes as UTF-8, cut only between characters; what is no UTF-8 as U+FFFD."""
        return self.data.decode("utf-8", "replace")

    @field(Base64, cost=CHUNK)
    def base64(self: model.OutputChunk) -> bytes:
        """The bytes."""
        return self.data
