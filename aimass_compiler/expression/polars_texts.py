"""Operators that rewrite texts, as polars expressions."""

from __future__ import annotations

import polars

from aimass_compiler.expression.polars_operators import lower
from aimass_compiler.expression.texts import DECIMAL, Decimal, Extracted, Normalized, letters


@lower.register
def _(expression: Normalized) -> polars.Expr:
    table = letters(in_lower_case=expression.in_lower_case, without_accents=expression.without_accents)

    def batch(texts: polars.Series) -> polars.Series:
        known = texts.drop_nulls().unique().to_list()
        made = [" ".join(text.translate(table).split()) or None for text in known]
        return texts.replace_strict(known, made, default=None, return_dtype=polars.String)

    return lower(expression.of).map_batches(batch, return_dtype=polars.String, is_elementwise=True)


@lower.register
def _(expression: Extracted) -> polars.Expr:
    return lower(expression.of).str.extract(expression.pattern, 0)


@lower.register
def _(expression: Decimal) -> polars.Expr:
    text = lower(expression.of)
    return (
        polars.when(text.str.contains(rf"\A(?:{DECIMAL})\z"))
        .then(text)
        .str.strip_prefix("+")
        .cast(polars.Float64, strict=False)
    )
