"""Programs that train: what they find in their folder, what they say, and how it is said that they failed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy
import polars
import pytest

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.model import Trained
from aimass_compiler.catalog.models.external import External
from aimass_compiler.catalog.project_code import CodeError
from tests.models.examples import PROJECT, TASKS, Watched, budget, examples

PROGRAM = (PROJECT / "trainers/linear.py").read_text(encoding="utf-8")
SHOWN = "`sh train.sh`"


def trained(
    root: Path, script: str, task: str = "binary", *, rows: Examples | None = None, **written: Any
) -> Trained:
    """What `sh train.sh` trains, in a project that has the program beside it."""
    (root / "trainers").mkdir(exist_ok=True)
    (root / "trainers/linear.py").write_text(PROGRAM, encoding="utf-8")
    usual = f'set -eu\nlinear() {{ "{sys.executable}" -I -S trainers/linear.py "$1"; }}\n'
    (root / "train.sh").write_text(usual + dedent(script), encoding="utf-8")
    model = External.model_validate({"command": ["sh", "train.sh"], "data": "csv", **written})
    seen, other = rows or examples("external", task, 60, 1), examples("external", task, 30, 2)
    lines: list[str] = []
    spent = budget(root=root, checkpoint=root / "trial/checkpoint", say=lines.append, features=tuple("abcde"))
    watched = Watched()
    found = model.train(TASKS[task], seen, other, spent, watched)
    (root / "said.json").write_text(json.dumps([lines, watched.steps]))
    return found


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo it is early\necho no data for Zoë >&2\nexit 3",
            f"{SHOWN} failed with exit code 3:\n  no data for Zoë",
        ),
        ("exit 1", f"{SHOWN} failed with exit code 1 and wrote nothing to stderr"),
        ("kill -9 $$", f"{SHOWN} was ended by signal 9"),
        ("true", f"{SHOWN} left no model.onnx"),
        ('echo no graph > "$1/model.onnx"', "the model.onnx that was written is no sound ONNX model"),
        (
            'linear "$1"\nfor row in $(seq 30); do echo 0.5,0.5; done > "$1/validation_predictions.csv"',
            "the model.onnx that was written answers 30 of 30 rows of the validation split otherwise",
        ),
        ('linear "$1"\necho 1 > "$1/validation_predictions.csv"', r"csv has the shape \[1, 1\] for 30 rows"),
    ],
)  # fmt: skip
def test_how_it_failed_is_said(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(CodeError, match=said):
        trained(tmp_path, script)
    assert (tmp_path / "trial/job/job.json").exists()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    model = External.model_validate({"command": ["no-such-program"]})
    rows = examples("external", "binary", 20, 1)
    with pytest.raises(CodeError, match="`no-such-program` cannot be run: No such file"):
        model.train(TASKS["binary"], rows, rows, budget(root=tmp_path), Watched())


def test_what_it_says_is_passed_on_and_its_folder_removed(tmp_path: Path) -> None:
    trained(tmp_path, 'linear "$1"\necho \'{"note": 1}\'')
    assert json.loads((tmp_path / "said.json").read_text()) == [
        ["no library is needed", '{"note": 1}'],
        [1, 2],
    ]
    assert not (tmp_path / "trial/job").exists()


def test_a_multiclass_model_agrees_with_its_own_predictions(tmp_path: Path) -> None:
    found = trained(tmp_path, 'linear "$1"', "multiclass", parameters={"steps": 3})
    scores = found.predict(examples("external", "multiclass", 30, 2).x)
    (tmp_path / "own.csv").write_text("\n".join(",".join(map(str, row)) for row in scores))
    trained(
        tmp_path,
        'linear "$1"\ncp own.csv "$1/validation_predictions.csv"',
        "multiclass",
        parameters={"steps": 3},
    )


def test_the_job_says_all_that_there_is_to_know(tmp_path: Path) -> None:
    trained(tmp_path, 'cp "$1/job.json" job.json\nlinear "$1"', parameters={"steps": 5, "name": "x"})
    assert json.loads((tmp_path / "job.json").read_text()) == {
        "format": "aimass.trainer/v1",
        "task": {"kind": "classification", "target": "y", "classes": ["no", "yes"]},
        "features": ["a", "b", "c", "d", "e"],
        "parameters": {"steps": 5, "name": "x"},
        "seed": 7,
        "threads": 1,
        "gpus": 0,
        "data": "csv",
        "rows": {"train": 60, "validation": 30},
        "has_weights": False,
    }


@pytest.mark.parametrize("data", ["parquet", "npy"])
def test_rows_are_written_as_asked_for(tmp_path: Path, data: str) -> None:
    rows = examples("external", "regression", 60, 1)
    rows.x[3, 1] = numpy.nan
    weighed = Examples(rows.x, rows.y, numpy.arange(60.0))
    with pytest.raises(CodeError, match="exit code 1"):
        trained(tmp_path, "exit 1", "regression", rows=weighed, data=data)
    folder = tmp_path / "trial/job"
    if data == "npy":
        found = [numpy.load(folder / f"train_{name}.npy") for name in ("x", "y", "weights")]
        for array, expected in zip(found, (weighed.x, weighed.y, weighed.weights), strict=True):
            numpy.testing.assert_array_equal(array, expected)
        return
    table = polars.read_parquet(folder / "train.parquet")
    assert table.columns == [*"abcde", "target", "weight"]
    assert table["b"].null_count() == 1
    numpy.testing.assert_array_equal(table["target"].to_numpy(), weighed.y)
