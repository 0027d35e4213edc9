"""Bounds what a document may ask: how deep it nests, and how many fields it selects times the pages they stand in.

Each fragment is measured once, so the work grows with the document's length and not with what it expands to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)
from strawberry.extensions import SchemaExtension

from firecrest_gql.errors import QueryTooComplex
from firecrest_gql.settings import LimitSettings

PAGES = ("first", "paths", "ids", "jobIds")
"""Arguments that say how many things the fields below are asked of."""


class CostLimiter(SchemaExtension):
    """Refuses a valid document that is too deep or too costly, before anything is executed."""

    def __init__(self, limits: LimitSettings) -> None:
        super().__init__()
        self._limits = limits

    def on_validate(self) -> Iterator[None]:
        """Measure once the document is known to be valid."""
        context = self.execution_context
        if not context.pre_execution_errors and context.graphql_document is not None:
            error = self._measured(context.schema._schema, context.graphql_document, context.variables or {})
            if error is not None:
                context.pre_execution_errors = [GraphQLError(error.message, original_error=error)]
        yield

    def _measured(
        self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]
    ) -> QueryTooComplex | None:
        try:
            return self._fault(schema, document, variables)
        except RecursionError:
            return QueryTooComplex("it nests deeper than this service reads")

    def _fault(
        self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]
    ) -> QueryTooComplex | None:
        measure, limits = Measure(schema, document, variables, self._limits.max_page_size), self._limits
        for operation in document.definitions:
            if isinstance(operation, OperationDefinitionNode):
                size = measure.operation(operation)
                if size.depth > limits.max_query_depth:
                    return QueryTooComplex(f"it nests {size.depth} deep; maxQueryDepth is {limits.max_query_depth}")
                if size.cost > limits.max_query_cost:
                    return QueryTooComplex(
                        f"it costs {size.cost}; maxQueryCost is {limits.max_query_cost}: ask for smaller pages"
                    )
                if size.remote is not None and operation.operation is OperationType.SUBSCRIPTION:
                    return QueryTooComplex(
                        f"{size.remote} needs a remote command for each event: ask for it in a query"
                    )
        return None


@dataclass(frozen=True, slots=True)
class Size:
    """How deep a selection nests, what it costs, and a field in it that events do not carry."""

    depth: int = 0
    cost: int = 0
    remote: str | None = None


class Measure:
    """Measures the operations of one document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any], page: int) -> None:
        self._schema = schema
        self._variables = variables
        self._defaults = _variable_defaults(document)
        self._page = page
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, Size] = {}

    def operation(self, operation: OperationDefinitionNode) -> Size:
        """The size of an operation."""
        return self._selections(operation.selection_set, self._schema.get_root_type(operation.operation))

    def _selections(self, selections: SelectionSetNode | None, parent: object) -> Size:
        sizes = [self._selection(node, parent) for node in selections.selections] if selections is not None else []
        remote = next((size.remote for size in sizes if size.remote is not None), None)
        return Size(max((size.depth for size in sizes), default=0), sum(size.cost for size in sizes), remote)

    def _selection(self, node: object, parent: object) -> Size:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            return self._selections(
                node.selection_set, self._schema.get_type(condition.name.value) if condition else parent
            )
        return self._field(node, parent) if isinstance(node, FieldNode) else Size()

    def _fragment(self, name: str) -> Size:
        if name not in self._measured:
            fragment = self._fragments[name]
            self._measured[name] = self._selections(
                fragment.selection_set, self._schema.get_type(fragment.type_condition.name.value)
            )
        return self._measured[name]

    def _field(self, node: FieldNode, parent: object) -> Size:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        below = self._selections(
            node.selection_set, get_named_type(definition.type) if definition is not None else None
        )
        facts = _facts(definition)
        cost = facts.get("cost", 1) + below.cost * self._times(node, definition)
        return Size(below.depth + 1, cost, below.remote if facts.get("pushed", True) else node.name.value)

    def _times(self, node: FieldNode, definition: Any) -> int:
        """How many things the fields below are asked of."""
        given = {argument.name.value: self._count(argument.value) for argument in node.arguments or ()}
        defaults = getattr(definition, "args", {})
        counts = [given.get(name, _default(defaults[name])) for name in PAGES if name in defaults]
        return max([1, *counts])

    def _count(self, value: ValueNode) -> int:
        if isinstance(value, VariableNode):
            name = value.name.value
            if name not in self._variables:
                defaults = self._defaults[name]
                return max(self._page if default is None else self._count(default) for default in defaults)
            said = self._variables.get(name)
            return len(said) if isinstance(said, list) else said if isinstance(said, int) else self._page
        if isinstance(value, ListValueNode):
            return len(value.values)
        return int(value.value) if isinstance(value, IntValueNode) else 1


def _variable_defaults(document: DocumentNode) -> dict[str, list[ValueNode | None]]:
    """What each variable is where it is left out, in every operation that has it, for they share fragments."""
    found: dict[str, list[ValueNode | None]] = {}
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            for variable in operation.variable_definitions or ():
                found.setdefault(variable.variable.name.value, []).append(variable.default_value)
    return found


def _default(argument: Any) -> int:
    return argument.default_value if isinstance(argument.default_value, int) else 1


def _facts(definition: Any) -> Mapping[str, Any]:
    """What the field itself was declared to be; nothing for a type's plain attribute."""
    declared = (definition.extensions if definition is not None else {}).get("strawberry-definition")
    return {} if declared is None else declared.metadata
