"""Which fields of an answer the document selects, so that nothing is counted that nobody reads."""

from collections.abc import Iterable

from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField, Selection

from schema.fields import Info


def selects(info: Info, name: str) -> bool:
    """Whether the field being answered has this field selected right below it, fragments included."""
    return any(name == below for field in info.selected_fields for below in _names(field.selections))


def selects_below(info: Info, *names: str) -> bool:
    """Whether any of these fields is selected anywhere below the field being answered."""
    return any(_within(field.selections, names) for field in info.selected_fields)


def _within(selections: Iterable[Selection], names: tuple[str, ...]) -> bool:
    return any(
        (isinstance(selection, SelectedField) and selection.name in names) or _within(selection.selections, names)
        for selection in selections
    )


def _names(selections: Iterable[Selection]) -> Iterable[str]:
    for selection in selections:
        if isinstance(selection, SelectedField):
            yield selection.name
        elif isinstance(selection, FragmentSpread | InlineFragment):
            yield from _names(selection.selections)
