"""Tasks: what does not block."""

from datetime import datetime
from typing import Annotated

import strawberry

from firecrest_gql.errors import ErrorCode
from firecrest_gql.model import jobs as jobs_model
from firecrest_gql.model import tasks as model
from firecrest_gql.model import transfers as transfers_model
from firecrest_gql.model.page import Page
from firecrest_gql.settings import SystemSettings
from resolvers import tasks
from schema.fields import REMOTE, Info, attribute, field, given, given_values, lazy, optional, says
from schema.jobs import Job, JobConnection
from schema.nodes import Node, PageInfo
from schema.scalars import BigInt
from schema.transfers import Transfer


@strawberry.type(description="One step of a task's history.")
class TaskChange:
    """One step of a task's history."""

    version: int = attribute("The version that the step made.")
    status: model.TaskStatus = attribute("The status that it set.")
    message: str | None = attribute("What it said.")
    at: datetime = attribute("When it was made.")


@strawberry.type(description="How far a task is.")
class TaskProgress:
    """How far a task is."""

    done: BigInt = attribute("How much is done.")
    total: BigInt | None = attribute("Of how much, where that is known.")
    unit: str = attribute("What is counted, such as bytes.")


@strawberry.type(description="Why a task, or a part of it, failed.")
class TaskError:
    """Why a task, or a part of it, failed."""

    code: ErrorCode = attribute("What went wrong.")
    message: str = attribute("In a sentence.")
    retryable: bool = attribute("Whether trying again may help.")


@strawberry.type(description="What became of one of the jobs that were asked for.")
class JobResult:
    """What became of one of the jobs that were asked for."""

    job_id: str = attribute("The id that was asked for.")
    error: TaskError | None = attribute("Why nothing was done, if nothing was.")

    @field(optional(Job), cost=REMOTE, pushed=True)
    async def job(self: model.JobOutcome, info: Info) -> jobs_model.Job | None:
        """The job as it now is."""
        return await tasks.job(info.context, self)


@strawberry.type(description="What became of each job that was asked for.")
class JobResults:
    """What became of each job that was asked for."""

    results: list[JobResult] = attribute("One for each, in the order asked.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is such a result."""
        return isinstance(value, model.JobOutcomes)


@strawberry.type(description="What the scheduler says of a job that it was only asked about: nothing was submitted.")
class SubmitEstimate:
    """What the scheduler says of a job that it was only asked about: nothing was submitted."""

    estimated_start_at: datetime | None = attribute("When it would start, as things stand.")
    partition: str | None = attribute("The queue that it would run in.")
    node_count: int | None = attribute("How many nodes it would have.")
    cpu_count: int | None = attribute("How many processors it would have.")
    node_list: str | None = attribute("The nodes, in the scheduler's notation.")
    message: str | None = attribute("What else the scheduler or the site said, if anything.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is such an estimate."""
        return isinstance(value, jobs_model.SubmitEstimate)


@strawberry.type(description="What a command inside a job has left behind.")
class CommandOutput:
    """What a command inside a job has left behind."""

    exit_status: int | None = attribute("Its exit status; 128 + n where signal n ended it.")
    stdout_text: str = attribute("The first 64 KiB of its output as UTF-8, invalid bytes as U+FFFD.")
    stderr_text: str = attribute("The same of its error output, in which the scheduler may put words of its own.")
    truncated: bool = attribute("Whether it wrote more than that.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is such an output."""
        return isinstance(value, model.CommandOutput)


@strawberry.type(
    description="The jobs that a query has found, as they were then, kept a day; the task says if it was cut."
)
class JobList:
    """The jobs that a query has found."""

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is such a list."""
        return isinstance(value, model.RecordedJobs)

    @field(optional(JobConnection))
    async def jobs(
        self: model.RecordedJobs,
        info: Info,
        first: Annotated[int, says("At most so many.")] = 50,
        after: Annotated[str | None, says("The cursor behind which to begin.")] = None,
    ) -> Page[jobs_model.Job]:
        """The jobs, the latest submitted first."""
        return await tasks.recorded(info.context, self, first, after)


TaskResult = Annotated[
    Job | JobResults | SubmitEstimate | CommandOutput | JobList | Transfer,
    strawberry.union("TaskResult", description="What came of a task."),
]


@strawberry.type(description="One asynchronous request: durable, versioned and pushed.")
class Task(Node):
    """One asynchronous request: durable, versioned and pushed."""

    kind: model.TaskKind = attribute("What was asked for.")
    status: model.TaskStatus = attribute("Where it is in its life.")
    final: bool = attribute("Whether the status can no longer change.")
    version: int = attribute("Grows by one with each change; a gap means a missed update.")
    message: str | None = attribute("What was last said of it.")
    progress: TaskProgress | None = attribute("How far it is, where that can be told.")
    created_at: datetime = attribute("When it was asked for.")
    updated_at: datetime = attribute("When it last changed.")
    finished_at: datetime | None = attribute("When it ended.")
    history: list[TaskChange] = attribute("Its changes, the oldest first.")
    error: TaskError | None = attribute("Why it failed, if it did.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether the domain's value is a task."""
        return isinstance(value, model.Task)

    @field(strawberry.ID)
    def id(self: model.Task) -> str:
        """The id; a short hash of it travels to the scheduler with what must happen once."""
        return self.id

    @field(optional(lazy("System", "schema.systems")))
    def system(self: model.Task, info: Info) -> SystemSettings | None:
        """The system that it is about."""
        return tasks.system(info.context, self)

    @field(optional(TaskResult), cost=REMOTE, pushed=True)
    async def result(
        self: model.Task, info: Info
    ) -> jobs_model.Job | transfers_model.Transfer | model.TaskResult | None:
        """What came of it: the recorded identity, whose live fields are read when asked for."""
        return await tasks.result(info.context, self)


@strawberry.input(description="Which tasks; every condition that is given must hold.")
class TaskFilter:
    """Which tasks; every condition that is given must hold."""

    statuses: list[model.TaskStatus] | None = given("In one of these statuses.", None)
    kinds: list[model.TaskKind] | None = given("Of one of these kinds.", None)
    system: str | None = given("About this system.", None)
    since: datetime | None = given("Made at or after this time.", None)

    def condition(self) -> model.TaskFilter:
        """The filter as the domain has it."""
        return model.TaskFilter(**given_values(self))


@strawberry.type(description="A task in a list.")
class TaskEdge:
    """A task in a list."""

    node: Task = attribute("The task.")
    cursor: str = attribute("Continues behind it.")


@strawberry.type(description="One page of tasks.")
class TaskConnection:
    """One page of tasks."""

    edges: list[TaskEdge] = attribute("The tasks with their cursors.")
    nodes: list[Task] = attribute("The tasks.")
    page_info: PageInfo = attribute("Where the page stands.")
    total_count: int | None = attribute("How many there are in all, where that is known.")
    event_cursor: str | None = attribute("For taskEvents(after): no event between this list and that stream is lost.")


@strawberry.type(description="One change of one of the viewer's tasks.")
class TaskEvent:
    """One change of one of the viewer's tasks."""

    cursor: str = attribute("Continues behind this event.")
    change: TaskChange = attribute("The change of this event.")
    task: Task = attribute("The task as it now is.")
