"""How a script comes to run on a system; further methods come by entry points of `firecrest_gql.transfer_methods`."""

from firecrest_gql.transfers.methods.method import TransferMethod
from firecrest_gql.transfers.methods.process import Process
from firecrest_gql.transfers.methods.queue import Queue

__all__ = ["Process", "Queue", "TransferMethod"]
