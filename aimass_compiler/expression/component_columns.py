"""Of which raw columns each feature of a vector is made."""

from __future__ import annotations

from itertools import chain, groupby
from typing import Any

from aimass_compiler.expression.algebra import Expression, Gather, Pack, columns_of


def made_of(result: Expression) -> list[dict[str, Any]]:
    """The columns of each run of features made of the same ones; nothing of images and sequences."""
    if not isinstance(result, Pack):
        return []
    runs = groupby(_columns_of_components(result))
    return [{"columns": sorted(columns), "count": len(list(run))} for columns, run in runs]


def _columns_of_components(vector: Expression) -> tuple[frozenset[str], ...]:
    """The names of the raw columns that each component of a vector is made of."""
    if isinstance(vector, Pack):
        return tuple(chain.from_iterable(map(_columns_of_components, vector.parts)))
    if isinstance(vector, Gather):
        known = _columns_of_components(vector.of)
        return tuple(known[place] for place in vector.places)
    names = frozenset(column.name for column in columns_of(vector))
    return (names,) * (1 if vector.type.is_single else len(vector.labels))
