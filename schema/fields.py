"""How a field is said: its type, its one sentence, and what it costs; the value that it reads is the domain's."""

from collections.abc import Callable
from enum import Enum
from inspect import cleandoc
from typing import Annotated, Any, Optional, TypeVar

import strawberry

from resolvers.context import Context

F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=type[Enum])
Info = strawberry.Info[Context, None]

REMOTE = 10
"""The cost of a field that needs a remote command."""


def field(graphql_type: object, *, cost: int = 1, pushed: bool | None = None) -> Callable[[F], F]:
    """The decorated function answers the field; its docstring is the sentence.

    Events carry no field that needs a remote command, unless `pushed` says that it does so once in a stream.
    """
    facts = {"cost": cost, "pushed": cost != REMOTE if pushed is None else pushed}

    def decorate(resolver: F) -> Any:
        return strawberry.field(resolver, graphql_type=graphql_type, description=_sentence(resolver), metadata=facts)

    return decorate


def mutation(graphql_type: object) -> Callable[[F], F]:
    """A field of the root that changes something; nullable, so that one failure leaves the others' answers."""
    return field(optional(graphql_type), cost=REMOTE)


def subscription(graphql_type: object) -> Callable[[F], F]:
    """A field of the root that goes on answering."""

    def decorate(resolver: F) -> Any:
        return strawberry.subscription(resolver, graphql_type=graphql_type, description=_sentence(resolver))

    return decorate


def attribute(description: str, graphql_type: object = None) -> Any:
    """A field that reads the attribute of the same name."""
    return strawberry.field(description=description, graphql_type=graphql_type)


def optional(kind: Any) -> Any:
    """The type or null."""
    return Optional[kind]  # noqa: UP045  (a string's type has no |)


def converted(name: str, show: Callable[[str], str], description: str, graphql_type: object = optional(str)) -> Any:
    """A field that shows the attribute's text, which may hold bytes that are not UTF-8, as JSON can carry it."""

    def resolver(self: Any) -> str | None:
        value = getattr(self, name)
        return None if value is None else show(value)

    return strawberry.field(resolver, graphql_type=graphql_type, description=description)


def given(description: str, default: Any = strawberry.UNSET) -> Any:
    """A field of an input; without a default it must be given."""
    return strawberry.field(description=description, **({} if default is strawberry.UNSET else {"default": default}))


def given_values(given: object) -> dict[str, Any]:
    """An input's values by name, as the domain's frozen values take them."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in vars(given).items()}


def says(description: str, name: str | None = None) -> Any:
    """An argument's sentence, for `Annotated`; a name where Python's own word must not be shadowed."""
    return strawberry.argument(description=description, name=name)


def lazy(name: str, module: str) -> Any:
    """The type of that name in a module that is imported later: the way round a cycle of types."""
    return Annotated[name, strawberry.lazy(module)]


def enum(kind: E, description: str, values: dict[str, str]) -> E:
    """Serve the domain's enum, with a sentence for each of its values."""
    served = strawberry.enum(kind, description=description)
    for value in served.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
    return served


def _sentence(resolver: Callable[..., Any]) -> str:
    return cleandoc(resolver.__doc__ or "")
