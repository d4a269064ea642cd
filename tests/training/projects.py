"""A project whose features are there, ready to train: two features, of which one decides."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.evaluation import Retraining
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.runtime.examples import write_examples
from aimass_compiler.runtime.stages import train
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json

CHURN = Task(kind="classification", target="churned", classes=("no", "yes"))
PRICE = Task(kind="regression", target="price")
ROWS = {"train": 300, "validation": 120, "test": 120}
NAMES = ["signal", "noise"]


@dataclass(frozen=True)
class Project:
    """One model's folder, with its features stage done."""

    root: Path
    task: Task

    @classmethod
    def make(cls, root: Path, task: Task) -> Project:
        """Write the matrices of every split."""
        project = cls(root, task)
        folder = project.workspace.folder("features")
        for seed, (split, rows) in enumerate(ROWS.items()):
            chance = numpy.random.default_rng(seed)
            x = chance.normal(size=(rows, 2)).astype(numpy.float32)
            signal = x[:, 0] + 0.2 * chance.normal(size=rows).astype(numpy.float32)
            y = (signal > 0).astype(numpy.int64) if task.is_classification else signal
            write_examples(folder, split, x, y)
        write_json(folder / "features.json", {"names": NAMES, "shape": [2], "accepts": "table"})
        return project

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root, "churn")

    @property
    def metric(self) -> str:
        return "log_loss" if self.task.is_classification else "mean_absolute_error"

    def train(
        self,
        model: Model,
        search: Search | None = None,
        *,
        loss: str | None = None,
        retraining: Retraining | None = None,
        **training: Any,
    ) -> None:
        """Run the stage."""
        train.run(
            self.task,
            model,
            Objective(metric=self.metric, loss=loss),
            search or Search(),
            Training(**training),
            retraining or Retraining(),
            workspace=self.workspace,
        )

    def read(self, name: str) -> dict[str, Any]:
        return read_json(self.workspace.folder("train") / name)

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.workspace.folder("train") / name).open() as stream:
            return list(csv.DictReader(stream))

    def results(self) -> list[str]:
        """What lies in the folder of the stage."""
        return sorted(path.name for path in self.workspace.folder("train").iterdir())

    @property
    def remembers(self) -> bool:
        """Whether state of a search is left."""
        return (self.root / "artifacts" / "churn" / "search").exists()
