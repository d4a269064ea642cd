"""Operators that rewrite texts, as polars expressions."""

from __future__ import annotations

import polars

from aimass_compiler.expression.algebra import Lower
from aimass_compiler.expression.polars_operators import lower
from aimass_compiler.expression.texts import DECIMAL, Decimal, Extracted, Normalized, letters

_CAPITALS = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
_SMALL = [letter.lower() for letter in _CAPITALS]


@lower.register
def _(expression: Lower) -> polars.Expr:
    def small(column: polars.Series) -> polars.Series:
        texts = column.rename("text")  # its own name may be a pattern to polars
        is_ascii = texts.str.len_bytes().sum() == texts.str.len_chars().sum()
        # Half the time, and the same where there are no other letters.
        return texts.str.to_lowercase() if is_ascii else texts.str.replace_many(_CAPITALS, _SMALL)

    return lower(expression.of).map_batches(small, return_dtype=polars.String, is_elementwise=True)


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
