"""What makes polars expressions of the algebra's operators: files of operators add theirs to `lower`."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

from aimass_compiler.expression.algebra import Expression

if TYPE_CHECKING:
    import polars


@singledispatch
def lower(expression: Expression) -> polars.Expr:
    """The polars expression that computes this one from the raw columns."""
    raise NotImplementedError(type(expression).__name__)
