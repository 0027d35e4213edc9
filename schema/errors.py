"""Every error gets a code, the request's id and whether a retry may help; what nobody foresaw is masked and logged."""

import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any

import strawberry
from graphql import ExecutionResult, GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from firecrest_gql.errors import ErrorCode, FirecrestError, InvalidInput, QueryTooComplex
from resolvers.context import Context, Fault

REQUEST_FAULTS = CannotGetOperationTypeError | InvalidOperationTypeError | MissingQueryError
ABORTED = re.compile(r".*Parsing aborted\.|Validation aborted\.")
"""What graphql-core says of a document with too many tokens, levels or fragments."""

log = logging.getLogger(__name__)


class CodedSchema(strawberry.Schema):
    """A schema whose errors are those of the contract."""

    async def execute(self, *args: Any, allowed_operation_types: Iterable[OperationType] = (), **rest: Any) -> Any:
        """The one answer of a query or mutation; a subscription goes by `stream`."""
        allowed = set(allowed_operation_types or OperationType) - {OperationType.SUBSCRIPTION}
        return await super().execute(*args, allowed_operation_types=allowed, **rest)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Give each error its extensions."""
        context = execution_context.context if execution_context is not None else None
        request_id = context.request_id if isinstance(context, Context) else None
        for error in errors:
            code_error(error, request_id)


class PartialAnswers(SchemaExtension):
    """Tells what is missing from what a resolver has answered; a field's own error would take all of it away."""

    def on_execute(self) -> Iterator[None]:
        """Add the errors to the answer's."""
        yield
        result, context = self.execution_context.result, self.execution_context.context
        if isinstance(result, ExecutionResult) and isinstance(context, Context) and context.faults:
            result.errors = [*(result.errors or ()), *(_partial(fault, context) for fault in context.faults)]


def _partial(fault: Fault, context: Context) -> GraphQLError:
    error = GraphQLError(fault.error.message, path=fault.place, original_error=fault.error)
    code_error(error, context.request_id)
    return error


def code_error(error: GraphQLError, request_id: str | None) -> None:
    """Write code, request id and retry into the error; a fault of ours is logged and said without details."""
    known = known_error(error)
    if known is None:
        log.error("request %s: a fault at %s", request_id, error.path, exc_info=error.original_error)
        error.message = f"a fault of this service; ask its administrators about request {request_id}"
    else:
        error.message = known.message
    error.extensions = {**(error.extensions or {}), **extensions(known, request_id)}


def extensions(known: FirecrestError | None, request_id: str | None) -> dict[str, Any]:
    """The contract's extensions of an error; None: of a fault of ours."""
    said: dict[str, Any] = {
        "code": known.code if known is not None else ErrorCode.INTERNAL,
        "requestId": request_id,
        "retryable": known is not None and known.retryable,
    }
    if known is not None and known.retry_after is not None:
        said["retryAfter"] = known.retry_after
    return said


def known_error(error: GraphQLError) -> FirecrestError | None:
    """What a client may be told: our own errors, and those of a document that does not hold."""
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, FirecrestError):
        return original
    if error.path is None and (isinstance(original, RecursionError) or ABORTED.fullmatch(error.message)):
        return QueryTooComplex("the document nests deeper, or is longer, than this service reads")
    of_request = original is None or isinstance(original, GraphQLError | REQUEST_FAULTS)
    return InvalidInput(error.message) if of_request else None
