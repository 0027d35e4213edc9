"""What the caches of documents leave open: how long one may be, whose errors are whose, what is executed."""

from collections.abc import Iterator

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension

from firecrest_gql.errors import QueryTooComplex

MAX_LENGTH = 256 * 1024  # characters: documents are kept in a cache, and large values belong into variables


class BoundedLength(SchemaExtension):
    """Refuses an overlong document before it is read."""

    def on_operation(self) -> Iterator[None]:
        """Raise `QueryTooComplex`."""
        if len(self.execution_context.query or "") > MAX_LENGTH:
            raise QueryTooComplex(
                f"the document is longer than {MAX_LENGTH} characters: pass large values as variables"
            )
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
