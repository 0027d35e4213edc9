"""An event that many subscribers are told alike is executed once, and written as JSON once.

Shared is what one user's subscriptions of the same operation, with the same variables, answer to an equal event: where
no resolver had to wait, that is a function of these alone.
"""

import json
from collections import OrderedDict
from collections.abc import Hashable
from functools import cached_property
from typing import Any

from graphql import ExecutionResult, OperationType
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.context import Context

MAX_KEPT = 512
MAX_SIZE = 64 * 1024
"""How many answers are kept, and the bytes of JSON above which one is not."""


class EventData(dict[str, Any]):
    """The data of an answer that many are told; nobody changes it."""

    @cached_property
    def text(self) -> str:
        """As JSON, written once."""
        return json.dumps(self, separators=(",", ":"))


class ToldEvents:
    """The latest answers of one schema."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, EventData] = OrderedDict()

    def get(self, key: Hashable) -> EventData | None:
        """What was answered, if it is still kept."""
        return self._kept.get(key)

    def keep(self, key: Hashable, data: EventData) -> None:
        """Keep the answer, and forget the oldest where there are too many."""
        if len(data.text) > MAX_SIZE:
            return
        self._kept[key] = data
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


class SharingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes operations; `told` is the schema's own."""

    told: ToldEvents

    @cached_property
    def audience(self) -> Hashable:
        """Who is told what: user and scopes, address, operation and variables."""
        context: Context = self.context_value
        principal, place = context.principal, self.operation.loc
        who = (principal.subject, principal.username, principal.scopes, context.origin)
        said: Hashable = object() if place is None else (place.source.body, place.start)
        return (*who, said, repr(self.variable_values.coerced))

    def build_per_event_executor(self, payload: Any) -> Any:
        """Have the subscription's events say the same audience."""
        _ = self.audience
        return super().build_per_event_executor(payload)

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The answer; to an event the one that is known."""
        if self.operation.operation is not OperationType.SUBSCRIPTION:
            return super().execute_operation(serially)
        key = (self.audience, self.root_value)
        try:
            data = self.told.get(key)
        except TypeError:  # such an event has no hash
            return super().execute_operation(serially)
        return self._answer(key, serially) if data is None else ExecutionResult(data)

    def _answer(self, key: Hashable, serially: bool | None) -> Any:
        result = super().execute_operation(serially)
        if not isinstance(result, ExecutionResult) or result.errors or result.data is None:
            return result
        data = EventData(result.data)
        self.told.keep(key, data)
        return ExecutionResult(data)


def sharing_executor() -> type[SharingExecutor]:
    """An executor for one schema, which shares with no other."""
    return type("BoundExecutor", (SharingExecutor,), {"told": ToldEvents()})
