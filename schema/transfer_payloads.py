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


@strawberry.type(description="The move that was begun.")
class StartMovePayload(TransferPayload):
    """The move that was begun."""


@strawberry.type(description="The removal that was begun.")
class StartRemovePayload(TransferPayload):
    """The removal that was begun."""


@strawberry.type(description="The synchronisation that was begun.")
class StartSyncPayload(TransferPayload):
    """The synchronisation that was begun."""


@strawberry.type(description="The archive whose making was begun.")
class StartCompressPayload(TransferPayload):
    """The archive whose making was begun."""


@strawberry.type(description="The unpacking that was begun.")
class StartExtractPayload(TransferPayload):
    """The unpacking that was begun."""


@strawberry.type(description="The transfer that was discarded.")
class DiscardTransferPayload:
    """The transfer that was discarded."""

    transfer: Transfer = attribute("The transfer; its task ends within seconds.")
