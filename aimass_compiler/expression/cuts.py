"""Where a number is cut so that its parts distinguish the target best: the thresholds of a decision tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.expression.statistics import OfAllRows

if TYPE_CHECKING:
    from aimass_compiler.catalog.task import Task

#: The least share of the rows that a part has, so that the tree does not learn single rows.
_LEAST = 0.01
#: The tree compares in float32.
_LARGE = 1e38


class Cuts(OfAllRows, frozen=True, kw_only=True):
    """The ascending thresholds of scikit-learn's tree of at most `count` leaves, each of 1 % of the rows.

    A tree sorts all rows, so that nothing smaller than the two columns can be merged.
    """

    count: int

    def finish(self, state: Any, task: Task) -> tuple[float, ...]:
        import polars
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        rows = polars.DataFrame({"value": state[0], "target": state[1]}).drop_nulls()
        if rows.is_empty():
            return ()
        kind = DecisionTreeClassifier if task.is_classification else DecisionTreeRegressor
        tree = kind(max_leaf_nodes=self.count, min_samples_leaf=_LEAST, random_state=0)
        numbers = rows.select(polars.col("value").clip(-_LARGE, _LARGE)).to_numpy()
        found = tree.fit(numbers, rows["target"].to_numpy()).tree_
        return tuple(sorted(set(found.threshold[found.children_left >= 0].tolist())))
