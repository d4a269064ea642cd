"""How rows differ from those of an earlier time, of which only a reference is left.

A reference has, of each column, the shares of its values in bins (deciles of numbers, names of categories),
as reference.json does. The population stability index is that of the server's drift: 0.1 is a small shift,
0.25 a large one. Kolmogorov and Smirnov's distance of numbers is looked at where bins meet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

_SMALLEST_SHARE = 1e-4
_SMALL, _LARGE = 0.1, 0.25
#: By how much more the share of gaps may be before it is said.
_GAPS = 0.05
_SHOWN = 3
Known = Mapping[str, Any]


@dataclass(frozen=True)
class ColumnChange:
    """How one column moved."""

    stability: float
    """The population stability index of its values, gaps among them."""
    distance: float | None
    """The largest difference of the shares below a number; None for names."""
    missing: tuple[float, float]
    """The share of gaps, before and now."""
    new_values: tuple[str, ...]
    """Names that there were not before."""
    bins: int

    def moved(self, chance: float) -> str:
        """What is to be said of it; "" where no more than chance moved it: `chance` is for each bin."""
        found = []
        limit = _SMALL + 2 * chance * (self.bins - 1)
        if self.stability >= limit:
            far = "far " if self.stability >= _LARGE else ""
            distance = "" if self.distance is None else f", KS {self.distance:.2g}"
            found.append(f"moved {far}(PSI {self.stability:.2g}{distance})")
        before, now = self.missing
        if abs(now - before) >= _GAPS:
            found.append(f"is missing in {now:.1%} of the rows, {before:.1%} before")
        if self.new_values:
            names = ", ".join(f"`{name}`" for name in self.new_values[:_SHOWN])
            more = len(self.new_values) - _SHOWN
            found.append(f"has new values: {names}" + (f" and {more:,} more" if more > 0 else ""))
        return "; ".join(found)


@dataclass(frozen=True)
class RowChanges:
    """How training rows differ from those of the last run."""

    rows: tuple[int, int]
    """How many there were and are."""
    columns: Mapping[str, ColumnChange]

    def lines(self) -> list[str]:
        """What is to be said: how many rows there are, and each column that moved."""
        before, now = self.rows
        share = f", {(now - before) / before:+.1%}" if before else ""
        chance = 1 / max(1, before) + 1 / max(1, now)
        said = {name: change.moved(chance) for name, change in self.columns.items()}
        moved = [f"`{name}` {words}" for name, words in said.items() if words]
        head = f"against the last run: {now:,} training rows, {before:,} before{share}"
        return [head, *moved] if moved else [f"{head}; no column moved"]

    def document(self) -> dict[str, Any]:
        """The changes of every column as JSON."""
        before, now = self.rows
        columns = {
            name: {
                "psi": change.stability,
                "ks": change.distance,
                "missing": {"before": change.missing[0], "now": change.missing[1]},
                "new_values": list(change.new_values),
            }
            for name, change in self.columns.items()
        }
        return {"rows": {"before": before, "now": now}, "columns": columns}


def row_changes(reference: Mapping[str, Known], rows: int, path: Path) -> RowChanges:
    """Hold the rows of a Parquet file against what is known of so many earlier ones, by column.

    Columns that are gone, or of another type, are left out: the contract says what became of them.
    """
    import polars

    table = polars.scan_parquet(path, glob=False)
    schema = table.collect_schema()
    height = int(table.select(polars.len()).collect().item())
    found = {}
    for name, known in reference.items():
        kind = schema.get(name)
        if kind is None or not known:
            continue
        if "edges" in known and kind.is_numeric():
            found[name] = _of_numbers(table, name, known, height)
        elif "values" in known and kind == polars.String:
            found[name] = _of_names(table, name, known, height)
    return RowChanges((rows, height), found)


def _of_numbers(table: polars.LazyFrame, name: str, known: Known, height: int) -> ColumnChange:
    import polars

    column, edges = polars.nth(0), known["edges"]
    below = [(column < edge).sum().alias(f"{place}") for place, edge in enumerate(edges)]
    one = table.select(polars.selectors.by_name(name))
    gaps, *counts = one.select(column.null_count().alias("gaps"), *below).collect(engine="streaming").row(0)
    ends = [0, *counts, height - gaps]
    shares = [(end - start) / max(1, height) for start, end in pairwise(ends)]
    missing = gaps / max(1, height)
    expected = list(known["fractions"])
    return ColumnChange(
        _stability([*shares, missing], [*expected, known["missing"]]),
        _distance(shares, expected),
        (known["missing"], missing),
        (),
        len(shares) + 1,
    )


def _of_names(table: polars.LazyFrame, name: str, known: Known, height: int) -> ColumnChange:
    import polars

    one = table.select(polars.selectors.by_name(name)).select(polars.nth(0).alias("value"))
    counts = dict(one.group_by("value").len().collect(engine="streaming").iter_rows())
    missing = counts.pop(None, 0) / max(1, height)
    names = known["values"]
    shares = [counts.get(value, 0) / max(1, height) for value in names]
    others = sorted((value for value in counts if value not in set(names)), key=lambda value: -counts[value])
    other = sum(counts[value] for value in others) / max(1, height)
    expected = [*known["fractions"], known["other"], known["missing"]]
    return ColumnChange(
        _stability([*shares, other, missing], expected),
        None,
        (known["missing"], missing),
        tuple(others) if known["other"] < _SMALLEST_SHARE / 100 else (),
        len(expected),
    )


def _stability(now: Sequence[float], before: Sequence[float]) -> float:
    """The population stability index, as the server's drift has it."""
    pairs = [(max(a, _SMALLEST_SHARE), max(b, _SMALLEST_SHARE)) for a, b in zip(now, before, strict=True)]
    return sum((a - b) * math.log(a / b) for a, b in pairs)


def _distance(now: Sequence[float], before: Sequence[float]) -> float | None:
    """The largest difference of two distributions of the values that there are, where bins meet."""
    totals = sum(now), sum(before)
    if not all(totals):
        return None
    reached, largest = [0.0, 0.0], 0.0
    for place in range(len(now)):
        reached = [reached[0] + now[place] / totals[0], reached[1] + before[place] / totals[1]]
        largest = max(largest, abs(reached[0] - reached[1]))
    return largest
