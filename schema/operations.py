"""What the caches of documents leave open: how long one may be, whose errors are whose, what is executed."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import ParserCache, SchemaExtension
from strawberry.types.graphql import OperationType

MAX_LENGTH = 256 * 1024  # characters: documents are kept in a cache, and large values belong into variables


class BoundedDocument(SchemaExtension):
    """Refuses a document that is too long before it is read further."""

    def __init__(self, max_tokens: int) -> None:
        super().__init__()
        self._bounds: dict[str, Any] = {"max_tokens": max_tokens, "max_source_length": MAX_LENGTH}

    def on_operation(self) -> Iterator[None]:
        """Tell graphql-core's parser."""
        self.execution_context.parse_options.update(self._bounds)  # type: ignore[typeddict-item]
        yield


class KnownDocuments(ParserCache):
    """Reads each document once."""

    def on_parse(self) -> Iterator[None]:
        """One that does not hold is read again by Strawberry, who takes no error from here over a stream."""
        with suppress(GraphQLError):
            next(super().on_parse())
        yield


class OwnErrors(SchemaExtension):
    """Gives each request its own errors: the cache gives all the same ones, and a request's id is written into them."""

    def on_validate(self) -> Iterator[None]:
        """Copy what the cache has found."""
        context = self.execution_context
        if context.pre_execution_errors:
            context.pre_execution_errors = [
                GraphQLError(error.message, error.nodes, original_error=error.original_error)
                for error in context.pre_execution_errors
            ]
        yield


class LastingSubscriptions(SchemaExtension):
    """Tells the request's context that the operation is a subscription, before it begins."""

    def on_execute(self) -> Iterator[None]:
        """The document holds, and the operation is known."""
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            self.execution_context.context.lasts()
        yield


class NamedOperation(SchemaExtension):
    """Executes none by chance: where a document has several, the request names one (GraphQL, 6.1)."""

    _named = False

    def on_operation(self) -> Iterator[None]:
        """Before the document is read the name can only be the request's own."""
        self._named = self.execution_context.operation_name is not None
        yield

    def on_validate(self) -> Iterator[None]:
        """Refuse a valid document that leaves a choice."""
        context = self.execution_context
        definitions = context.graphql_document.definitions if context.graphql_document is not None else ()
        several = sum(isinstance(definition, OperationDefinitionNode) for definition in definitions) > 1
        if several and not self._named and not context.pre_execution_errors:
            context.pre_execution_errors = [
                GraphQLError("operationName: is needed, the document has several operations")
            ]
        yield
