"""What the mutations of jobs take that act on jobs which are there."""

import strawberry

from firecrest_gql.model import jobs as model
from schema.fields import given
from schema.jobs import JobFilter


@strawberry.input(description="Several jobs of one system.")
class JobsInput:
    """What acts on several jobs share."""

    system: str = given("Where.")
    job_ids: list[str] = given("Which.")
    idempotency_key: str | None = given("The same key and input give the first task again.", None)


@strawberry.input(description="Jobs to hold.")
class HoldJobsInput(JobsInput):
    """Jobs to hold."""


@strawberry.input(description="Held jobs to release.")
class ReleaseJobsInput(JobsInput):
    """Held jobs to release."""


@strawberry.input(description="Jobs to requeue.")
class RequeueJobsInput(JobsInput):
    """Jobs to requeue."""


@strawberry.input(description="A pending job, and what changes; at least one thing must.")
class UpdateJobInput:
    """A pending job, and what changes."""

    system: str = given("Where.")
    job_id: str = given("Which.")
    name: str | None = given("Its new name.", None)
    partition: str | None = given("The queue that it moves to.", None)
    time_limit_seconds: int | None = given("How long it may run; a scheduler may round it up to minutes.", None)
    idempotency_key: str | None = given("The same key and input give the first task again.", None)

    def change(self) -> model.JobChange:
        """What changes, as the domain has it."""
        return model.JobChange(name=self.name, partition=self.partition, time_limit_seconds=self.time_limit_seconds)


@strawberry.input(description="A command to run inside a running job's allocation.")
class AttachToJobInput:
    """A command to run inside a running job's allocation."""

    system: str = given("Where.")
    job_id: str = given("In which; of an array one task.")
    command: list[str] = given("The program and its arguments: no shell reads them.")
    idempotency_key: str | None = given("The same key and input give the first task again.", None)


@strawberry.input(description="Jobs to query, however long that takes.")
class QueryJobsInput:
    """Jobs to query, however long that takes."""

    system: str = given("Where.")
    filter: JobFilter | None = given("Which; the viewer's own where nothing is said.", None)
    idempotency_key: str | None = given("The same key and input give the first task again.", None)

    def condition(self) -> model.JobFilter:
        """The filter as the domain has it."""
        return model.JobFilter() if self.filter is None else self.filter.condition()
