"""Cross-fitting: training rows are computed with what the rows of other folds taught.

A statistic of the target, such as the mean of it for a name, knows the target of the very row that it is
looked up for. A model that is trained on it trusts it more than it is worth in new rows, as scikit-learn's
`TargetEncoder` tells. Folds take the rows in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.expression.algebra import (
    Column,
    Comparison,
    Constant,
    Expression,
    OutOfFold,
    Where,
)
from aimass_compiler.expression.column_types import NUMBER
from aimass_compiler.expression.operands import with_operands

if TYPE_CHECKING:
    import polars

    from aimass_compiler.engines import Table

#: How many folds there are.
FOLDS = 5
#: The column that says in which fold a training row is; no column of the data is called so.
FOLD = "\x1ffold"


def in_folds(rows: Table) -> Table:
    """Training rows with their fold, a float64 from 0 to `FOLDS` - 1, beside them."""
    import polars

    def fold(block: polars.DataFrame) -> polars.DataFrame:
        return block.with_columns((polars.col(FOLD) % FOLDS).cast(polars.Float64))

    return rows.numbered(FOLD).with_columns(fold)


def in_training(expression: Expression) -> Expression:
    """What is computed of a training row that says in which fold it is."""
    known: dict[int, Expression] = {}

    def crossed(part: Expression) -> Expression:
        if id(part) not in known:
            known[id(part)] = _crossed(with_operands(part, iter([crossed(of) for of in part.operands])))
        return known[id(part)]

    return crossed(expression)


def _crossed(expression: Expression) -> Expression:
    if not isinstance(expression, OutOfFold):
        return expression
    chosen = expression.always
    for number, other in enumerate(expression.folds):
        is_here = Comparison("==", Column(FOLD, NUMBER), Constant(float(number)))
        chosen = Where(is_here, other, chosen)
    return chosen


def learning(statistic: Any) -> Any:
    """The same statistic of training rows that say in which fold they are."""
    return statistic.over(in_training(part) for part in statistic.reads)
