"""Which fields of an answer the document selects, so that nothing is counted that nobody reads."""

from collections.abc import Iterable

from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField, Selection

from schema.fields import Info


def selects(info: Info, name: str) -> bool:
    """Whether the field being answered has this field selected right below it, fragments included."""
    return any(name == below for field in info.selected_fields for below in _names(field.selections))


def _names(selections: Iterable[Selection]) -> Iterable[str]:
    for selection in selections:
        if isinstance(selection, SelectedField):
            yield selection.name
        elif isinstance(selection, FragmentSpread | InlineFragment):
            yield from _names(selection.selections)
