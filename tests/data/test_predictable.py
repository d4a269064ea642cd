"""A target that cannot be predicted is reported before anything is trained, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars
import pytest

from tests.data.projects import NUMBER_TASK, TASK, prepared, refused

if TYPE_CHECKING:
    from pathlib import Path


def data(
    root: Path, target: list[Any], more: dict[str, list[Any]] | None = None, **keys: Any
) -> dict[str, Any]:
    """Rows with this target, in splits by the column `part` where there is one."""
    table = {"id": [f"{place:03}" for place in range(len(target))], "y": target, **(more or {})}
    polars.DataFrame(table, strict=False).write_parquet(root / "rows.parquet")
    columns: dict[str, Any] = {"id": "id", "y": "category" if isinstance(target[0], str) else "number"}
    columns |= dict.fromkeys(more or {}, "category")
    if more:
        keys["split"] = {"by": "column", "column": next(iter(more))}
    return {"sources": {"rows": "rows.parquet"}, "columns": columns, **keys}


def parts(*counts: int) -> dict[str, list[Any]]:
    names = ("train", "validation", "test")
    return {"part": [name for name, count in zip(names, counts, strict=True) for _ in range(count)]}


@pytest.mark.parametrize("value", [5, 5.0, 1.7e9, -0.5])
def test_a_target_that_is_always_the_same(tmp_path: Path, value: float) -> None:
    told = refused(tmp_path, data(tmp_path, [value] * 30))
    assert f"the target `y` is always `{value:g}`, so there is nothing to predict" in told


def test_one_class(tmp_path: Path) -> None:
    told = refused(tmp_path, data(tmp_path, ["yes"] * 30), TASK)
    assert "the target `y` is always `yes`, so there is nothing to predict" in told


@pytest.mark.parametrize(
    ("place", "split", "verb"),
    [(0, "training", "learn"), (1, "validation", "measure"), (2, "test", "measure")],
)
def test_a_target_that_is_always_the_same_in_one_split(
    tmp_path: Path, place: int, split: str, verb: str
) -> None:
    counts = (6, 4, 4)
    target = [float(number) for number in range(sum(counts))]
    start = sum(counts[:place])
    target[start : start + counts[place]] = [2.5] * counts[place]
    told = refused(tmp_path, data(tmp_path, target, parts(*counts)))
    assert f"the target `y` is always `2.5` in the {split} split, so there is nothing to {verb}" in told
    others = sum(value != 2.5 for value in target)
    assert f"{others} of 14 rows have another value" in told


def test_a_class_with_one_row(tmp_path: Path) -> None:
    target = ["no"] * 6 + ["yes", "no"] * 4
    target[6] = "yes"
    told = refused(tmp_path, data(tmp_path, [*["no"] * 13, "yes"], parts(6, 4, 4)), TASK)
    assert "has only `no` in the training split, so there is nothing to classify" in told
    assert "one row has `yes` before the split" in told


def test_no_target_at_all(tmp_path: Path) -> None:
    told = refused(tmp_path, data(tmp_path, [None] * 30))
    assert "`y` has no value in any row" in told
    told = refused(tmp_path, data(tmp_path, [None] * 30, clean=[{"drop_missing": "y"}]))
    assert "`y` leaves no row: `drop_missing` removes the last 30" in told


def test_what_keeps_a_row_away_is_told_beside_what_it_does(tmp_path: Path) -> None:
    source = data(tmp_path, ["?"] * 30, clean=[{"drop_missing": "y"}])
    source["columns"]["y"] = "number"
    told = refused(tmp_path, source)
    assert "`y` holds 30 values that are not a finite number" in told
    assert "`y` leaves no row: `drop_missing` removes the last 30" in told


def test_splits_of_one_row_and_targets_of_two_values_are_enough(tmp_path: Path) -> None:
    found = prepared(tmp_path, data(tmp_path, [1.0, 2.0, 3.0, 3.0], parts(2, 1, 1)), NUMBER_TASK)
    assert found["train"].height == 2
