"""Folds of cross-validation: k parts that keep groups together, keep shares of classes, or follow time.

Each fold is a column of split names, of the type `split_shares.names_type()`: rows to learn from (`train`),
to stop early by (`validation`) and those held out (`test`); "" is in none of them.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from aimass_compiler.catalog.split_shares import hashed_position, names_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars


class TooFewRowsError(ValueError):
    """There is not enough to hold out in so many folds; the message says of what."""


def of_groups(groups: polars.Series, count: int, share: float, seed: int) -> Iterator[polars.Series]:
    """Folds of about as many rows each, with all rows of a group in one part.

    `share` is how much of what is not held out validates. The largest groups are placed first, each where the
    fewest rows are, as scikit-learn's GroupKFold does. Raises TooFewRowsError.
    """
    import polars

    sizes = polars.DataFrame({"group": groups}).group_by("group").len("rows")
    too_few = TooFewRowsError(f"{sizes.height:,} groups of rows are too few for {count} folds")
    if sizes.height < count + 1:
        raise too_few
    ordered = _shuffled(sizes, seed).sort("rows", descending=True, maintain_order=True)
    parts = [(0, fold) for fold in range(count)]
    fold_of: dict[str, int] = {}
    for group, rows in ordered.select("group", "rows").iter_rows():
        filled, fold = heapq.heappop(parts)
        fold_of[group] = fold
        heapq.heappush(parts, (filled + rows, fold))
    for held in range(count):
        rest = _shuffled(sizes, seed + 1 + held).filter(
            polars.col("group").replace_strict(fold_of, return_dtype=polars.Int64) != held
        )
        if rest.height < 2:  # noqa: PLR2004  # one to learn from, and one to stop by
            raise too_few
        begin = rest["rows"].cum_sum() - rest["rows"]
        validates = (begin < share * float(rest["rows"].sum())) & (
            polars.int_range(rest.height, eager=True) < rest.height - 1
        )
        names = {group: "test" for group, fold in fold_of.items() if fold == held}
        names |= {
            group: "validation" if chosen else "train"
            for group, chosen in zip(rest["group"], validates, strict=True)
        }
        yield groups.replace_strict(names, return_dtype=names_type())


def in_shares(strata: polars.Series, count: int, share: float, seed: int) -> Iterator[polars.Series]:
    """Folds with equal shares of each stratum, as scikit-learn's StratifiedKFold. Raises TooFewRowsError."""
    import polars

    if strata.len() < count + 1:
        raise TooFewRowsError(f"{strata.len():,} rows are too few for {count} folds")
    table = polars.DataFrame({"stratum": strata}).with_row_index("row")
    chance = hashed_position(table, ["row"], seed).rank("ordinal")
    ordered = table.with_columns(chance=chance).sort("stratum", "chance")
    fold = polars.int_range(polars.len()) % count
    folds = ordered.with_columns(fold=fold).sort("row")["fold"]
    for held in range(count):
        again = table.with_columns(fold=folds, chance=hashed_position(table, ["row"], seed + 1 + held))
        rank = polars.col("chance").rank("ordinal").over("stratum", "fold_is_held")
        share_before = (rank - 0.5) / polars.len().over("stratum", "fold_is_held")
        name = (
            polars.when(polars.col("fold_is_held"))
            .then(polars.lit("test"))
            .when(share_before < share)
            .then(polars.lit("validation"))
            .otherwise(polars.lit("train"))
        )
        marked = again.with_columns(fold_is_held=polars.col("fold") == held)
        yield marked.select(name=name.cast(names_type())).to_series()


def in_time(times: polars.Series, count: int, share: float) -> Iterator[polars.Series]:
    """Folds that learn from the past of the rows that they hold out: each begins later, and learns from more.

    Rows of one time stay together. Source: scikit-learn's TimeSeriesSplit. Raises TooFewRowsError.
    """
    import polars

    position = (times.rank("min") - 1).cast(polars.Float64) / max(times.len(), 1)
    block = (position * (count + 1)).floor()
    if block.n_unique() < count + 1:
        raise TooFewRowsError(f"{times.n_unique():,} times are too few for {count} folds")
    for held in range(1, count + 1):
        past = position.filter(block < held)
        if past.n_unique() < 2:  # noqa: PLR2004  # one to learn from, and a later one to stop by
            raise TooFewRowsError(f"{times.n_unique():,} times are too few for {count} folds")
        latest = min(past.quantile(1 - share, "lower") or 0.0, past.unique().sort()[-2])
        table = polars.DataFrame({"block": block, "position": position})
        is_past, is_late = polars.col("block") < held, polars.col("position") > latest
        name = (
            polars.when(polars.col("block") == held)
            .then(polars.lit("test"))
            .when(is_past & is_late)
            .then(polars.lit("validation"))
            .when(is_past)
            .then(polars.lit("train"))
            .otherwise(polars.lit(""))
        )
        yield table.select(name=name.cast(names_type())).to_series()


def _shuffled(sizes: polars.DataFrame, seed: int) -> polars.DataFrame:
    """Groups in an order that only their names and the seed decide."""
    places = hashed_position(sizes.select("group"), ["group"], seed)
    return sizes.with_columns(place=places).sort("place", "group")
