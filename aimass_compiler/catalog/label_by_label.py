"""Several labels by one model for each: what every model of two classes can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from pathlib import Path

    import numpy
    import onnx

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.model import Budget, Model, Progress, Trained
    from aimass_compiler.catalog.task import Task


class ModelByLabel(Struct, frozen=True):
    """A trained model for each label, each of two classes."""

    task: Task
    of_labels: tuple[Any, ...]

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        """The probability of each label, float32 [N, L]."""
        import numpy

        return numpy.column_stack([each.predict(x)[:, 1] for each in self.of_labels])

    def importance(self) -> numpy.ndarray | None:
        """How much each feature counts for the labels, in the mean."""
        import numpy

        found = [each.importance() for each in self.of_labels]
        if any(each is None for each in found):
            return None
        mean: numpy.ndarray = numpy.mean(found, axis=0)
        return mean

    def to_onnx(self) -> onnx.ModelProto:
        """The models side by side, from `features` to `scores` [N, L]."""
        from aimass_compiler.catalog.artifacts._side_by_side import side_by_side

        return side_by_side([each.to_onnx() for each in self.of_labels])


def learned(
    model: Model, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
) -> Trained:
    """What `Model.train` gives; of several labels, one model for each unless it learns them together."""
    if task.is_multilabel and not model.learns_labels_together:
        return _trained_by_label(model, task, train, validation, budget)
    return model.train(task, train, validation, budget, progress)


def _trained_by_label(
    model: Model, task: Task, train: Examples, validation: Examples, budget: Budget
) -> ModelByLabel:
    """One model for each label.

    Each stops early by itself. Their steps are not those of one training, so no progress is reported.
    """
    trained: list[Trained] = []
    for number in range(task.outputs):
        own, watched = (_of_label(rows, number) for rows in (train, validation))
        spent = replace(budget, checkpoint=_beside(budget.checkpoint, number))
        trained.append(model.train(task.of_label(number), own, watched, spent, _go_on))
    return ModelByLabel(task, tuple(trained))


def _of_label(rows: Examples, number: int) -> Examples:
    return replace(rows, y=rows.y[:, number].copy())


def _beside(checkpoint: Path | None, number: int) -> Path | None:
    if checkpoint is None:
        return None
    folder = checkpoint.parent / f"label-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / checkpoint.name


def _go_on(step: int, losses: Any) -> bool:
    del step, losses
    return False
