"""What the mutations of jobs take that act on jobs which are there."""

import strawberry

from firecrest_gql.model import jobs as model
from schema.fields import given


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
