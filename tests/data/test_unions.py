"""Several sources of the same shape are read as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars
import pytest

from aimass_compiler.pipeline.data import Data
from tests.data.projects import refused, together

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {"id": "id", "plan": "category", "y": "number"}
SHOPS = ["north.parquet", {"csv": {"path": "south.csv", "separator": ";", "decimal": ","}}]


def write(root: Path, south: str = "id;plan;y\n4;pro;4,5\n5;basic;5,5\n") -> None:
    rows = {"id": [1, 2, 3], "plan": ["basic", "pro", "pro"], "y": [1.5, 2.5, 3.5]}
    polars.DataFrame(rows).write_parquet(root / "north.parquet")
    (root / "south.csv").write_text(south)


def spec(sources: Any = SHOPS, **more: Any) -> dict[str, Any]:
    return {"sources": {"sales": sources}, "columns": COLUMNS, **more}


def test_rows_of_other_notations_come_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path)
    found = together(tmp_path, spec())
    assert found["id"].to_list() == ["1", "2", "3", "4", "5"]
    assert found["y"].to_list() == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert found["plan"].to_list() == ["basic", "pro", "pro", "pro", "basic"]


def test_a_union_is_joined_like_any_source(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "prices.csv").write_text("plan,price\nbasic,10\npro,20\n")
    sources = {"sales": SHOPS, "prices": "prices.csv"}
    join = [{"left": "sales", "right": "prices", "on": "plan"}]
    columns = {**COLUMNS, "price": "number"}
    found = together(tmp_path, {"sources": sources, "join": join, "columns": columns})
    assert found["price"].to_list() == [10, 20, 20, 20, 10]


def test_a_value_is_placed_in_its_file(tmp_path: Path) -> None:
    write(tmp_path, south="id;plan;y\n4;pro;4,5\n5;basic;\n")
    columns = {**COLUMNS, "plan": {"type": "category", "values": ["pro"]}}
    said = refused(tmp_path, spec(columns=columns))
    assert "row 1 of north.parquet: 'basic'" in said
    assert "line 3 of south.csv: 'basic'" in said


def test_sources_of_other_shapes_are_refused(tmp_path: Path) -> None:
    write(tmp_path, south="id;y\n4;4,5\n")
    assert "south.csv and north.parquet do not have the same columns: only one has `plan`" in refused(
        tmp_path, spec()
    )
    (tmp_path / "south.csv").unlink()
    assert "there is no file south.csv" in refused(tmp_path, spec())


def test_a_union_depends_on_all_its_files() -> None:
    def union(*sources: Any) -> Any:
        return Data.model_validate(spec([*sources])).sources["sales"]

    assert union(*SHOPS).dependencies() == ("north.parquet", "south.csv")
    assert not union(*SHOPS).egress()
    remote = union("north.parquet", "s3://lake/south.parquet")
    assert remote.dependencies() == (), "rows that DVC cannot watch are collected on every run"
    assert remote.egress()


def test_a_union_holds_no_union() -> None:
    with pytest.raises(ValueError, match="`union` does not stand within another one"):
        Data.model_validate(spec(["a.csv", ["b.csv", "c.csv"]]))
