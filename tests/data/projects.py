"""A project of a few files whose data is prepared as a user would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars
import pytest

from aimass_compiler.catalog.task import Task
from aimass_compiler.conventions import SPLITS
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import prepare
from aimass_compiler.runtime.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(kind="classification", target="y", classes=("no", "yes"))
NUMBER_TASK = Task(kind="regression", target="y")
#: Splits any few rows in three.
THIRDS = {"by": "random", "train": 0.34, "validation": 0.33, "test": 0.33}


def prepared(root: Path, data: dict[str, Any], task: Task = NUMBER_TASK) -> dict[str, polars.DataFrame]:
    """The splits that the stage writes."""
    workspace = Workspace(root, "m")
    prepare.run(Data.model_validate({"split": THIRDS, **data}), task, workspace=workspace)
    return {name: polars.read_parquet(workspace.folder("prepare") / f"{name}.parquet") for name in SPLITS}


def together(root: Path, data: dict[str, Any], task: Task = NUMBER_TASK) -> polars.DataFrame:
    """All rows that the stage writes, in the order of their `id`."""
    return polars.concat(prepared(root, data, task).values()).sort("id")


def refused(root: Path, data: dict[str, Any], task: Task = NUMBER_TASK) -> str:
    """What the stage says when it cannot go on because of the data."""
    with pytest.raises(StageFailure) as failure:
        prepared(root, data, task)
    assert failure.value.code == ExitCode.DATA
    assert str(root) not in failure.value.message
    return f"{failure.value.message}\n{failure.value.help}"


def report(root: Path) -> dict[str, Any]:
    """What the stage found."""
    found: dict[str, Any] = json.loads((root / "artifacts/m/prepare/report.json").read_text())
    return found
