"""Rows pass through in blocks: what is taken of memory does not grow with them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy
import polars
import pytest

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = 16
ROWS = 1_000_000
#: What the rows take in memory, where all are held at once.
WHOLE = ROWS * (COLUMNS + 1) * 8
#: Rows and blocks are a tenth of what they are in earnest, so that this takes seconds.
PROGRAM = """
from pathlib import Path

import polars, pyarrow.parquet
from aimass_compiler.catalog.task import Task
from aimass_compiler.engines import block_size
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime.stages import features, prepare
from aimass_compiler.runtime.workspace import Workspace

def highest():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

block_size.BLOCK_BYTES = 2**21
numbers = {f"x{place}": "number" for place in range(%(columns)d)}
data = Data.model_validate({
    "sources": {"rows": "rows.parquet"},
    "columns": {"id": "id", **numbers},
    "clean": [{"keep": "x0 < 3"}],
    "split": {"by": "hash", "key": "id"},
})
workspace, task = Workspace(Path.cwd(), "m"), Task(kind="regression", target="x0")
before = highest()
prepare.run(data, task, workspace=workspace)
print(highest() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux' proc")
def test_memory_holds_a_part_of_the_rows(tmp_path: Path) -> None:
    chance = numpy.random.default_rng(0)
    table = {f"x{place}": chance.normal(size=ROWS) for place in range(COLUMNS)}
    rows = polars.DataFrame({"id": range(ROWS), **table})
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=20_000, compression="lz4")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM % {"columns": COLUMNS}],
        cwd=tmp_path,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, taken = done.stdout.split()
    assert int(taken) < WHOLE, "read at once, the rows take three times what they are"
    assert f"{ROWS:,} rows collected" in done.stdout


CROSSED_ROWS = 100_000
PLACES = 1000
CROSSED = """
from pathlib import Path

import numpy, polars, sklearn.linear_model
from aimass_compiler.catalog.models.logistic_regression import LogisticRegression
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transforms.cross import Cross
from aimass_compiler.catalog.transforms.drop import Drop
from aimass_compiler.pipeline.data import Data
from aimass_compiler.pipeline.evaluation import Retraining
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.runtime.stages import features, train
from aimass_compiler.runtime.workspace import Workspace

def highest():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

columns = Data.model_validate({
    "sources": {"rows": "rows.parquet"},
    "columns": {
        "x": "number", "a": "category", "b": "category", "y": {"type": "category", "values": ["no", "yes"]}
    },
}).columns
workspace = Workspace(Path.cwd(), "m")
chance = numpy.random.default_rng(0)
for split, count in {"train": %(rows)d, "validation": 5000, "test": 5000}.items():
    polars.DataFrame({
        "x": chance.normal(size=count),
        "a": [f"a{place}" for place in chance.integers(0, 40, count)],
        "b": [f"b{place}" for place in chance.integers(0, 40, count)],
        "y": chance.choice(["no", "yes"], count),
    }).write_parquet(workspace.folder("prepare") / f"{split}.parquet")
task = Task(kind="classification", target="y", classes=("no", "yes"))
before = highest()
transforms = (Cross(columns=("a", "b"), size=%(places)d, name="c"), Drop(columns=("a", "b")))
features.run(columns, task, transforms, workspace=workspace)
objective = Objective(metric="log_loss")
train.run(
    task, LogisticRegression(), objective, Search(), Training(), Retraining(), workspace=workspace
)
print(highest() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux' proc")
def test_a_wide_cross_is_learnt_from_without_its_zeros(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CROSSED % {"rows": CROSSED_ROWS, "places": PLACES}],
        cwd=tmp_path,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1001 features" in done.stdout
    *_, taken = done.stdout.split()
    assert int(taken) < 2 * CROSSED_ROWS * PLACES, (
        "as float32 they take twice as much, to learn from four times"
    )
