"""The schema: as checked in, as the contract promises, and explained in every part."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType
from graphql import build_schema as parse_schema

import firecrest_gql
import resolvers
import schema
from tests.contract import CONTRACT, faults, listed, printed

ROOT = Path(__file__).parent.parent
PRINTED = parse_schema(printed())


def test_the_contract_is_kept_but_for_what_is_listed() -> None:
    assert faults() == []


def test_what_is_listed_is_listed_once() -> None:
    assert len(listed()) == len(set(listed()))


@pytest.mark.parametrize("package", [firecrest_gql, schema, resolvers], ids=lambda package: package.__name__)
def test_the_packages_are_those_of_this_tree(package: object) -> None:
    """The package index has a package called `schema`, too."""
    assert Path(getattr(package, "__file__", "")).parent.parent == ROOT


def explained() -> Iterator[tuple[str, str | None]]:
    """Everything that has a name, and its description."""
    for name, kind in PRINTED.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value}", of.description) for value, of in kind.values.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field, of_field in kind.fields.items():
                yield f"{name}.{field}", of_field.description
                arguments = getattr(of_field, "args", {})
                yield from ((f"{name}.{field}({argument})", of.description) for argument, of in arguments.items())


def test_everything_is_explained_in_a_sentence() -> None:
    assert [name for name, description in explained() if not (description or "").strip().endswith((".", "…"))] == []


ADDED = {
    "File": {"rawLinkTarget"},
    "StartUploadInput": {"timeLimitSeconds"},
    "StartDownloadInput": {"timeLimitSeconds"},
}
"""Fields that we serve beyond the contract, which welcomes them."""


def test_nothing_is_served_beside_the_contract_and_what_we_added_on_purpose() -> None:
    contract = parse_schema(CONTRACT.read_text(encoding="utf-8"))
    for name, kind in PRINTED.type_map.items():
        assert name in contract.type_map, name
        fields = getattr(kind, "fields", {})
        known = getattr(contract.type_map[name], "fields", {})
        assert set(fields) - set(known) == ADDED.get(name, set()), name
        values, known_values = getattr(kind, "values", {}), getattr(contract.type_map[name], "values", {})
        assert set(values) <= set(known_values), name


def test_every_mutation_takes_one_input_and_answers_one_payload_that_may_be_null() -> None:
    mutations = PRINTED.type_map["Mutation"]
    assert isinstance(mutations, GraphQLObjectType)
    for name, field in mutations.fields.items():
        kind = name[0].upper() + name[1:]
        assert str(field.args["input"].type) == f"{kind}Input!"
        assert str(field.type) == f"{kind}Payload"
        assert set(field.args) <= {"input", "waitSeconds"}
