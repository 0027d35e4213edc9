"""What the mutations of transfers answer."""

import strawberry

from schema.fields import attribute
from schema.tasks import Task
from schema.transfers import Transfer


@strawberry.type(description="A transfer that was begun.")
class TransferPayload:
    """What the payloads of transfers share."""

    transfer: Transfer = attribute("The transfer.")
    task: Task = attribute("The task that is on it: its result is the transfer.")


@strawberry.type(description="The copy that was begun.")
class StartCopyPayload(TransferPayload):
    """The copy that was begun."""
