"""A model that fails as it is told to, so that a search can be watched when it does."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy
from pydantic import Field

from aimass_compiler.catalog.artifacts import _graphs
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks.sklearn import SKLEARN
from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
from aimass_compiler.catalog.quantities import Integer, Number, Tunable
from aimass_compiler.catalog.task import Task

if TYPE_CHECKING:
    import onnx


class Misbehaving(Model):
    """Answers `answer` for every row, or fails."""

    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    library: ClassVar[Framework] = SKLEARN
    learns_in_steps: ClassVar[bool] = True

    answer: Tunable[Number] = 0.0
    """What it answers."""
    fails: Tunable[Literal["never", "always", "once", "dies", "dies once"]] = "never"
    """When it fails, and how."""
    seconds: Number = 0.0
    """How long it takes."""
    rounds: Integer = Field(1, ge=1)
    """How many steps it takes; its loss is how far `answer` is from 0."""
    off: Number = 0.0
    """How far its graph answers from what it answers itself."""

    def steps(self, budget: Budget) -> int:
        del budget
        return self.rounds

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        del train, validation
        assert budget.checkpoint is not None
        runs = budget.checkpoint.with_name("runs")
        with runs.open("a") as stream:
            stream.write("run\n")
        self._fail(is_first=runs.read_text() == "run\n")
        time.sleep(self.seconds)
        for step in range(1, self.rounds + 1):
            progress(step, {"train_loss": 0.0, "validation_loss": abs(float(self.answer))})  # type: ignore[arg-type]  # a value by now
        return Answer(float(self.answer), self.off, task)  # type: ignore[arg-type]  # a value by now

    def _fail(self, *, is_first: bool) -> None:
        if self.fails == "always" or (self.fails == "once" and is_first):
            raise ValueError("told to fail")
        if self.fails == "dies" or (self.fails == "dies once" and is_first):
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Answer:
    """The same number for every row."""

    answer: float
    off: float
    task: Task

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        return numpy.full(len(x), self.answer, numpy.float32)

    def importance(self) -> numpy.ndarray | None:
        return None

    def to_onnx(self) -> onnx.ModelProto:
        return _graphs.linear(numpy.zeros((2, 1)), numpy.array([self.answer + self.off]), self.task)
