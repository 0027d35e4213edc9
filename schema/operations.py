"""Which operation of a document is executed."""

from collections.abc import Iterator

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension


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
