"""The features stage learns from the training rows alone, and says why it cannot go on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

import numpy
import onnxruntime
import polars
import pytest
from pydantic import TypeAdapter

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import features
from aimass_compiler.runtime.workspace import Workspace, read_json
from tests.data.projects import TASK

if TYPE_CHECKING:
    from pathlib import Path

TRANSFORMS: TypeAdapter[tuple[Transform, ...]] = TypeAdapter(
    tuple[Annotated[Transform, OneOf("transforms")], ...]
)
SPLITS = ("train", "validation", "test")
COLUMNS = {
    "a": {"type": "number", "missing": 1},
    "a.b": "number",
    "p": {"type": "category", "missing": 1},
    "photo": {"type": "image", "shape": [1, 1, 2], "missing": 1},
    "y": {"type": "category", "values": ["no", "yes"]},
}


def rows(seed: int, count: int = 20) -> polars.DataFrame:
    chance = numpy.random.default_rng(seed)
    table = {
        "a": chance.normal(seed, 1 + seed, count),
        "a.b": chance.normal(size=count),
        "p": chance.choice([f"p{seed}", "q"], count),
        "photo": polars.Series(chance.normal(size=(count, 2)), dtype=polars.Array(polars.Float32, 2)),
        "y": ["no", "yes"] * (count // 2),
    }
    return polars.DataFrame(table)


def run(root: Path, written: list[Any], tables: dict[str, polars.DataFrame], columns: Any = COLUMNS) -> Path:
    """The folder that the stage wrote for these splits."""
    workspace = Workspace(root, "m")
    for name, table in tables.items():
        table.write_parquet(workspace.folder("prepare") / f"{name}.parquet")
    declared = Data.model_validate({"sources": {"rows": "rows.csv"}, "columns": columns}).columns
    features.run(declared, TASK, TRANSFORMS.validate_python(written), workspace=workspace)
    return workspace.folder("features")


WRITTEN = [
    {"drop": "photo"},
    {"standardize": ["a", "a.b"]},
    {"one_hot": "p"},
    {"select": {"top": 3, "columns": ["a", "a.b", "p"]}},
]


def test_only_the_training_rows_teach(tmp_path: Path) -> None:
    one = run(tmp_path / "1", WRITTEN, dict(zip(SPLITS, (rows(1), rows(2), rows(3)), strict=True)))
    two = run(tmp_path / "2", WRITTEN, dict(zip(SPLITS, (rows(1), rows(4), rows(5, 2)), strict=True)))
    for name in ("features.onnx", "features.json", "reference.json", "train_x.npy"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    other = run(tmp_path / "3", WRITTEN, dict(zip(SPLITS, (rows(2), rows(2), rows(3)), strict=True)))
    assert (one / "features.onnx").read_bytes() != (other / "features.onnx").read_bytes()


def test_the_graph_answers_what_was_written_for_training(tmp_path: Path) -> None:
    tables = dict(zip(SPLITS, (rows(1), rows(2), rows(3)), strict=True))
    folder = run(tmp_path, WRITTEN, tables)
    description = read_json(folder / "features.json")
    session = onnxruntime.InferenceSession(folder / "features.onnx", providers=["CPUExecutionProvider"])
    assert len(description["names"]) == 3
    for name, table in tables.items():
        served = session.run(None, pack(table, description["inputs"]))[0]
        numpy.testing.assert_array_equal(served, numpy.load(folder / f"{name}_x.npy"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([{"drop": ["a", "a.b", "p", "photo"]}], "no column reaches the model"),
        ([{"drop": ["a", "a.b", "p", "photo"]}, {"select": {"top": 3, "columns": []}}], "no column reaches"),
        ([{"drop": ["a", "a.b", "photo"]}, {"one_hot": "p"}], "none has a value in the training split"),
    ],
)
def test_a_model_that_would_see_nothing_is_told(tmp_path: Path, written: list[Any], said: str) -> None:
    empty = rows(1).with_columns(p=polars.lit(None, dtype=polars.String))
    with pytest.raises(StageFailure, match=said):
        run(tmp_path, written, dict(zip(SPLITS, (empty, rows(2), rows(3)), strict=True)))


def test_an_image_may_have_a_name_that_the_graph_uses(tmp_path: Path) -> None:
    tables = {name: rows(place).select("photo", "y") for place, name in enumerate(SPLITS)}
    image = COLUMNS["photo"]
    for name in ("n0", "c0", "a picture"):
        renamed = {split: table.rename({"photo": name}) for split, table in tables.items()}
        folder = run(tmp_path, [{"standardize": name}], renamed, {name: image, "y": COLUMNS["y"]})
        assert read_json(folder / "features.json")["accepts"] == "image"


def test_a_matrix_is_written_in_parts_that_nobody_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [
        {"drop": "photo"},
        {"standardize": ["a", "a.b"]},
        {"cross": {"columns": ["p", "q"], "size": 7}},
    ]
    columns = {**COLUMNS, "q": {"type": "category", "missing": 1}}
    tables = {
        name: rows(place, count).with_columns(q=polars.lit("x"))
        for place, (name, count) in enumerate(zip(SPLITS, (22, 10, 2), strict=True))
    }
    whole = run(tmp_path / "whole", written, tables, columns)
    monkeypatch.setattr(features, "_BLOCK_BYTES", 1)
    for size in (1, 3, 7, 21):
        monkeypatch.setattr(features, "_LEAST_ROWS", size)
        parts = run(tmp_path / str(size), written, tables, columns)
        for split in SPLITS:
            assert (parts / f"{split}_x.npy").read_bytes() == (whole / f"{split}_x.npy").read_bytes()


def test_more_than_the_disk_holds_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=3_000_000))
    written = [
        {"drop": ["photo", "a", "a.b", "p"]},
        {"hash_text": {"column": "y2", "size": 20_000}},
    ]
    columns = {**COLUMNS, "y2": "category"}
    tables = {name: rows(1).with_columns(y2=polars.lit("x")) for name in SPLITS}
    with pytest.raises(
        StageFailure, match="60 rows of 20,000 features take 5 MiB, but 3 MiB of disk are free"
    ):
        run(tmp_path, written, tables, columns)
    assert not list((tmp_path / "artifacts/m/features").iterdir())


WIDE = [
    {"drop": "photo"},
    {"one_hot": {"columns": "p", "limit": 5}},
    {"standardize": "a"},
    {"cross": {"columns": ["q", "r"], "size": 1000}},
    {"bucket": {"column": "a.b", "bounds": [-1, 0, 1], "as": "b"}},
    {"hash_text": {"column": "note", "size": 3}},
]
WIDE_COLUMNS = {**COLUMNS, "q": {"type": "category", "missing": 1}, "r": "category", "note": "text"}


def wide_rows(seed: int, count: int) -> polars.DataFrame:
    chance = numpy.random.default_rng(seed)
    missing = [None, "", "x", "y"]
    return rows(seed, count).with_columns(
        q=polars.Series([missing[place] for place in chance.integers(0, 4, count)]),
        r=polars.Series([f"r{place}" for place in chance.integers(0, 50, count)]),
        note=polars.Series([("spam " * place).strip() or "eggs" for place in chance.integers(0, 4, count)]),
        a=polars.when(polars.int_range(polars.len()) % 7 != 3).then("a"),
    )


@pytest.mark.parametrize("dropped", [[], ["a", "a.b", "b", "note"]])
def test_wide_one_hots_are_kept_as_codes_and_answer_what_the_graph_does(
    tmp_path: Path, dropped: list[str]
) -> None:
    tables = {name: wide_rows(place + 1, 2 * place + 20) for place, name in enumerate(SPLITS)}
    written = [*WIDE, *([{"drop": [*dropped, "q", "r"]}] if dropped else [{"drop": ["q", "r"]}])]
    folder = run(tmp_path, written, tables, WIDE_COLUMNS)
    description = read_json(folder / "features.json")
    session = onnxruntime.InferenceSession(folder / "features.onnx", providers=["CPUExecutionProvider"])
    for name, table in tables.items():
        served = session.run(None, pack(table, description["inputs"]))[0]
        x = read_examples(folder, name).x
        assert isinstance(x, FeatureMatrix)
        assert x.rows.itemsize == (8 if dropped else 4 * 8)
        assert x.shape == served.shape == (len(table), *description["shape"])
        assert x[:].tobytes() == served.tobytes()
        assert x[3:5].tobytes() == served[3:5].tobytes()
        assert x[numpy.array([7, 2])].tobytes() == served[[7, 2]].tobytes()
        numpy.testing.assert_array_equal(x.csr().toarray(), served)
        places = numpy.array([0, 1, len(description["names"]) - 1])
        numpy.testing.assert_array_equal(x[2:9, places], served[2:9, places])


def test_a_few_places_are_kept_as_they_are(tmp_path: Path) -> None:
    folder = run(tmp_path, [{"drop": "photo"}, {"one_hot": "p"}], dict.fromkeys(SPLITS, rows(1)))
    assert numpy.load(folder / "train_x.npy").shape == (20, 4)
    assert "blocks" not in read_json(folder / "features.json")


def test_a_value_that_no_scaling_can_hold_stays_to_be_reported(tmp_path: Path) -> None:
    table = rows(1).with_columns(polars.Series("a.b", [1e300, *range(19)], dtype=polars.Float64))
    folder = run(
        tmp_path, [{"drop": ["photo", "a", "p"]}, {"standardize": "a.b"}], dict.fromkeys(SPLITS, table)
    )
    assert numpy.isinf(numpy.load(folder / "train_x.npy")).any()


def test_a_choice_that_memory_cannot_hold_is_refused_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "available_memory", lambda: 1_000_000)
    written = [{"drop": ["photo", "a", "a.b"]}, {"one_hot": "p"}, {"select": {"top": 1, "columns": ["p"]}}]
    tables = dict.fromkeys(SPLITS, rows(1))
    run(tmp_path / "small", written, tables)
    monkeypatch.setattr(features, "available_memory", lambda: 100)
    with pytest.raises(StageFailure, match="to choose of 2 features by 20 rows, `select` takes 1 MiB"):
        run(tmp_path / "large", written, tables)
