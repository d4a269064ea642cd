"""Columns that repeat another one are left out of a proposed spec, and it says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler.render.emit import inline
from aimass_compiler.starter.contract import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from aimass_compiler.starter.contract import InferredColumn
    from aimass_compiler.starter.decisions import Draft

#: In fewer rows, flags are alike by chance.
_FEWEST_ROWS = 100
_COMPARED = ("number", "category", "text", "time")


def without_copies(draft: Draft, rows: polars.DataFrame | polars.LazyFrame) -> Draft:
    """The draft without columns that have in each row what an earlier one has, or the target."""
    if draft.rows < _FEWEST_ROWS:
        return draft
    reasons = {name: f"it says in each row what {inline(of)} says" for name, of in _copies(draft, rows)}
    kept = tuple(column for column in draft.columns if column.name not in reasons)
    if not any(column.type != "id" for column in kept if column.name != draft.target.column.name):
        return draft
    left_out = [LeftOut(name, reason) for name, reason in reasons.items()]
    return replace(draft, columns=kept, left_out=(*draft.left_out, *left_out))


def _copies(draft: Draft, rows: polars.DataFrame | polars.LazyFrame) -> Iterator[tuple[str, str]]:
    """Each such column, and the one that stays; the target stays whatever stands before it."""
    target = draft.target.column
    others = [column for column in draft.columns if column.type in _COMPARED and column is not target]
    stays: dict[object, list[InferredColumn]] = {}
    for column in (target, *others):
        seen = column.observation
        summary = (column.type, seen.distinct, seen.known, seen.smallest, seen.largest)
        alike = [other for other in stays.get(summary, ()) if other.observation.values == seen.values]
        copied = next((other for other in alike if _are_equal(column, other, rows)), None)
        if copied is None:
            stays.setdefault(summary, []).append(column)
        else:
            yield column.name, copied.name


def _are_equal(one: InferredColumn, other: InferredColumn, rows: polars.DataFrame | polars.LazyFrame) -> bool:
    from aimass_compiler.expression.plain_name import named

    differs = named(one.name).ne_missing(named(other.name)).any()
    return not rows.lazy().select(differs.alias("differs")).collect()["differs"][0]
