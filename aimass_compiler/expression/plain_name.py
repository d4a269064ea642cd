"""Columns of any name: polars takes `*` and `^…$` for patterns, in expressions and in methods of a Series."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars


def named(name: str) -> polars.Expr:
    """The column that is called exactly so."""
    from polars import selectors

    return selectors.by_name(name).as_expr()


def values_of(frame: polars.DataFrame, name: str) -> polars.Series:
    """A column's values under a name that is no pattern."""
    return frame.get_column(name).alias("value")
