"""Rows that every model can learn from, for each task, and what every model learnt from them."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy
import onnxruntime

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.model import Budget, Model, Trained
from aimass_compiler.catalog.optimizers.adam import Adam
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

TASKS = {
    "binary": Task(kind="classification", target="y", classes=("no", "yes")),
    "multiclass": Task(kind="classification", target="y", classes=("low", "middle", "high")),
    "regression": Task(kind="regression", target="y"),
}
SHAPES = {None: (5,), "image": (2, 9, 8), "sequence": (6, 2)}


def kind_of(name: str) -> type[Model]:
    return cast("type[Model]", load("models", name))


#: Every kind of model that learns from a target, with every task that it declares.
CASES = [
    (name, task)
    for name in names("models")
    for task in TASKS
    if TASKS[task].kind in kind_of(name).tasks and kind_of(name).reads_target
    # What reads conversations has tests of its own.
    if kind_of(name).examples.column in SHAPES
]


#: The project that code of users' own is in, and what must be written of the kinds that run it.
PROJECT = Path(__file__).parent / "project"
WRITTEN: dict[str, dict[str, Any]] = {
    "custom": {"path": "models/linear.py:Linear"},
    "external": {"command": ["sh", "trainers/train.sh", sys.executable], "data": "csv"},
}


def small(name: str) -> Model:
    """A kind with its defaults, but for fewer trees, which take seconds."""
    kind = kind_of(name)
    fewer = {"n_estimators": 30} if "n_estimators" in kind.model_fields else {}
    return kind.model_validate(WRITTEN.get(name, {}) | fewer)


def examples(name: str, task: str, rows: int, seed: int) -> Examples:
    """Rows whose first three values decide; rounded, so that many lie exactly on a tree's thresholds."""
    chance = numpy.random.default_rng(seed)
    x = chance.normal(size=(rows, *SHAPES[kind_of(name).examples.column])).round(1).astype(numpy.float32)
    signal = x.reshape(rows, -1)[:, :3].sum(axis=1) + 0.3 * chance.normal(size=rows)
    if task == "regression":
        return Examples(x, (1000 * signal + 50_000).astype(numpy.float64))
    bounds = [0.0] if task == "binary" else [-0.7, 0.7]
    return Examples(x, numpy.digitize(signal, bounds).astype(numpy.int64))


def budget(**changes: Any) -> Budget:
    """What a trial may spend, small."""
    usual: dict[str, Any] = {"epochs": 6, "batch_size": 64, "patience": 5, "seed": 7, "threads": 1}
    usual["root"] = PROJECT
    return Budget(**(usual | {"optimizer": Adam(learning_rate=0.01)} | changes))


class Watched:
    """Remembers the losses of every step; says stop after `limit`."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.steps: list[int] = []
        self.losses: list[Mapping[str, float]] = []

    def __call__(self, step: int, losses: Mapping[str, float]) -> bool:
        self.steps.append(step)
        self.losses.append(dict(losses))
        return step == self.limit


def train(
    name: str, task: str, *, watched: Watched | None = None, model: Model | None = None, **spent: Any
) -> Trained:
    """Train a small model of a kind, or the model that is given."""
    rows, validation = examples(name, task, 400, 1), examples(name, task, 200, 2)
    return (model or small(name)).train(TASKS[task], rows, validation, budget(**spent), watched or Watched())


@cache
def learnt(name: str, task: str) -> tuple[Trained, onnx.ModelProto]:
    """What a kind learnt, and its graph; shared, because both take seconds for networks."""
    trained = train(name, task)
    return trained, trained.to_onnx()


def served(graph: onnx.ModelProto, x: numpy.ndarray) -> numpy.ndarray:
    """What the graph answers."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    scores: numpy.ndarray = session.run(["scores"], {"features": x})[0]
    return scores
