"""Where in the spec a part of the pipeline stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Path, Related
from aimass_compiler.expression.formula import Formula

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aimass_compiler.values import Frozen


def place_of_column(record: Frozen, column: str) -> Path:
    """Where a record names a column: below one of its keys, or the record itself."""
    for name, field in type(record).model_fields.items():
        value, key = getattr(record, name), field.alias or name
        if isinstance(value, Formula):
            if column in value.columns:
                return (key,)
        elif value == column:
            return (key,)
        elif isinstance(value, tuple) and column in value:
            return (key, value.index(column))
    return ()


def declared(name: str) -> Related:
    """The note that shows where a column was declared."""
    return Related(("data", "columns", name), f"`{name}` is declared here", at_key=True)


def either(words: Iterable[str]) -> str:
    """The words as a sentence lists them: `a`, `b` or `c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
