"""Learn a list of transforms: level by level, all statistics of a level in one pass over the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aimass_compiler.catalog.examples import ALONE
from aimass_compiler.catalog.transform import Table, Transform, updated
from aimass_compiler.expression.algebra import Expression, Pack
from aimass_compiler.expression.statistics import Statistic

#: Statistics by name → their values over the training rows.
Learner = Callable[[Mapping[str, Statistic]], Mapping[str, Any]]


def fit(transforms: Sequence[Transform], table: Table, learner: Learner) -> Table:
    """The columns after all transforms, as expressions over the raw columns.

    Transforms whose columns do not depend on one another learn together: `learner` is called once
    for each level, not once for each transform.
    """
    current = dict(table)
    waiting = list(transforms)
    while waiting:
        level, later = _level(waiting)
        wanted = {
            f"{place}.{name}": statistic
            for place, transform in enumerate(level)
            for name, statistic in transform.learn(current).items()
        }
        values = learner(wanted) if wanted else {}
        before = current
        for place, transform in enumerate(level):
            start = f"{place}."
            learned = {
                name.removeprefix(start): value for name, value in values.items() if name.startswith(start)
            }
            current = updated(current, transform.apply(before, learned))
        waiting = later
    return current


def _level(waiting: Sequence[Transform]) -> tuple[list[Transform], list[Transform]]:
    """Those that can learn now, and those that read or write what an earlier one still changes."""
    level: list[Transform] = []
    later: list[Transform] = []
    read: set[str] = set()
    written: set[str] = set()
    for transform in waiting:
        reads, writes = set(transform.columns_read), set(transform.columns_written)
        if reads & written or writes & (read | written):
            later.append(transform)
        else:
            level.append(transform)
        read |= reads
        written |= writes
    return level, later


def features(table: Table) -> Expression:
    """What the model reads: all numbers, codes and vectors side by side, or the one image or sequence."""
    alone = [expression for expression in table.values() if isinstance(expression.type, ALONE)]
    if alone:
        return alone[0]
    names = tuple(name for name, expression in table.items() if expression.type.is_feature)
    return Pack(tuple(table[name] for name in names), names)
