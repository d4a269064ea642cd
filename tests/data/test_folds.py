"""Folds hold out each row once, keep groups and shares of classes, and never learn from the future."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_compiler.catalog.folds import TooFewRowsError, in_shares, in_time, of_groups
from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.conventions import SPLITS
from aimass_compiler.engines.local import Local
from tests.data.test_splits import ADAPTER, KEYS, table

COUNTS = st.integers(2, 5)


def held_out(folds: list[polars.Series]) -> list[list[int]]:
    return [[row for row, name in enumerate(fold) if name == "test"] for fold in folds]


@pytest.mark.parametrize("by", sorted(KEYS))
def test_every_split_by_shares_has_folds_that_learn_validate_and_hold_out(by: str) -> None:
    split = ADAPTER.validate_python({"by": by, **KEYS[by]})
    assert split.has_folds == isinstance(split, SharedSplit)
    if split.has_folds:
        rows = Local().table([table(240)])
        folds, again = list(split.folds(rows, 4)), list(split.folds(rows, 4))
        assert [fold.to_list() for fold in folds] == [fold.to_list() for fold in again]
        assert len(folds) == 4
        assert all(set(SPLITS) <= set(fold) for fold in folds)


@settings(max_examples=30, deadline=None)
@given(groups=st.lists(st.sampled_from("abcdefghij"), min_size=8, max_size=80), count=COUNTS)
def test_groups_stay_together_and_each_is_held_out_once(groups: list[str], count: int) -> None:
    found = polars.Series(groups)
    try:
        folds = list(of_groups(found, count, 0.2, seed=3))
    except TooFewRowsError:
        assert found.n_unique() <= count or max(Counter(groups).values()) * 2 > len(groups) / count
        return
    assert sorted(row for fold in held_out(folds) for row in fold) == [*range(len(groups))]
    for fold in folds:
        assert len(set(zip(groups, fold, strict=True))) == found.n_unique()
        assert set(fold) == set(SPLITS)


@settings(max_examples=30, deadline=None)
@given(strata=st.lists(st.sampled_from(["no", "yes"]), min_size=6, max_size=80), count=COUNTS)
def test_each_fold_has_its_share_of_every_class(strata: list[str], count: int) -> None:
    folds = held_out(list(in_shares(polars.Series(strata), count, 0.2, seed=0)))
    assert sorted(row for fold in folds for row in fold) == [*range(len(strata))]
    for name, total in Counter(strata).items():
        for fold in folds:
            assert total // count <= sum(strata[row] == name for row in fold) <= -(-total // count)


@settings(max_examples=30, deadline=None)
@given(times=st.lists(st.integers(0, 40), min_size=10, max_size=80), count=COUNTS)
def test_no_fold_learns_from_the_future_of_what_it_holds_out(times: list[int], count: int) -> None:
    try:
        folds = list(in_time(polars.Series(times), count, 0.25))
    except TooFewRowsError:
        return
    for fold in folds:
        of = {name: [time for time, its in zip(times, fold, strict=True) if its == name] for name in SPLITS}
        assert max(of["train"] + of["validation"]) < min(of["test"])
        assert max(of["train"]) < min(of["validation"])
    begins = [min(times[row] for row in fold) for fold in held_out(folds)]
    assert all(earlier < later for earlier, later in pairwise(begins))


def test_folds_of_groups_are_about_as_large() -> None:
    groups = polars.Series([f"g{row % 7}" for row in range(70)] + ["large"] * 10)
    sizes = [len(fold) for fold in held_out(list(of_groups(groups, 4, 0.2, seed=0)))]
    assert sizes == [20, 20, 20, 20]
