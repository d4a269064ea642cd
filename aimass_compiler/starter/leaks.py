"""Columns that alone predict the target nearly always are left out of a proposed spec, and it says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler.starter.contract import LeftOut

if TYPE_CHECKING:
    import polars

    from aimass_compiler.starter.decisions import Draft

_SAMPLE = 10_000
#: In fewer rows, chance alone predicts the target, too.
_FEWEST_ROWS = 500
#: Wider tables are those of measurements, and are not looked at column by column.
_MOST_COLUMNS = 500
_FEATURES = ("number", "category", "text")


def without_leaks(draft: Draft, rows: polars.DataFrame | polars.LazyFrame) -> Draft:
    """The draft without suspects, unless nothing else is left to learn from."""
    columns = [column for column in draft.columns if column.type in _FEATURES]
    target = draft.target.name
    if draft.rows < _FEWEST_ROWS or len(columns) > _MOST_COLUMNS:
        return draft
    from polars import selectors

    from aimass_compiler.engines.table_profile import LEAK
    from aimass_compiler.engines.target_association import associations

    names = dict.fromkeys([column.name for column in columns] + [target])
    step = -(-draft.rows // _SAMPLE)
    sample = rows.lazy().select(selectors.by_name(*names)).gather_every(step).collect()
    found = associations(sample, target)
    suspects = {name: told.alone for name, told in found.items() if told.alone >= LEAK}
    if not suspects or not any(column.name != target and column.name not in suspects for column in columns):
        return draft
    reasons = [
        LeftOut(
            name,
            f"it alone predicts the target nearly always ({alone:.1%}); if it is known before, declare it",
        )
        for name, alone in suspects.items()
    ]
    kept = tuple(column for column in draft.columns if column.name not in suspects)
    return replace(draft, columns=kept, left_out=(*draft.left_out, *reasons))
