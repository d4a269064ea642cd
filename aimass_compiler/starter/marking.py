"""Which words of a table stand for missing values: those that its columns of numbers have beside numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.starter.observing import Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.starter.observing import Observation, Observed

#: What spreadsheets, R, pandas, SQL and people write where a number is missing.
_USUAL = frozenset(("na", "n/a", "#n/a", "nan", "null", "-", "--", "?", "."))


def marks(observed: Observed) -> tuple[str, ...]:
    """The words, sorted, of all columns that hold nothing else beside numbers."""
    found = {mark for observation in observed.columns.values() for mark in _marks_of(observation)}
    return tuple(sorted(found))


def is_mark(value: object) -> bool:
    """Whether people write this where a number is missing."""
    return isinstance(value, str) and value.strip().lower() in _USUAL


def _marks_of(observation: Observation) -> Iterator[str]:
    if not observation.found <= {Sort.NUMBER, Sort.NAME, Sort.BLANK} or Sort.NUMBER not in observation.found:
        return
    usual = [value for value in observation.values if is_mark(value)]
    if sum(observation.values[value] for value in usual) == observation.sorts[Sort.NAME]:
        yield from usual
