"""An estimator of the user's: built, fitted, asked and exported, each as docs/own-models.md has it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.frameworks._foreign_graph import (
    ForeignModel,
    problem_of,
    require_same,
    scoring_graph,
)
from aimass_compiler.catalog.project_code import CodeError, failed, imported
from aimass_compiler.conventions import ONNX_OPSETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.model import Budget, Progress
    from aimass_compiler.catalog.task import Task

#: Rows of each split that the graph is held against.
_COMPARED = 2_000


class CustomEstimator:
    """What a place in the project builds; every call of it fails as CodeError, with the line that did."""

    def __init__(self, place: str, parameters: Mapping[str, Any], task: Task, budget: Budget) -> None:
        self.place, self.task, self.root = place, task, budget.root
        build = imported(budget.root, place)
        if not callable(build):
            raise CodeError(f"`{place}` cannot be called", "name a class, or a function that returns a model")
        usual = {"random_state": budget.seed, "n_jobs": budget.threads}
        known = {name: value for name, value in usual.items() if takes(build, name)}
        self.model = self._called("it cannot be built", build, **(known | dict(parameters)))

    def fit(self, train: Examples, validation: Examples, progress: Progress) -> None:
        """Let it learn; it is given what `fit` has parameters for."""
        fit, more = self._method("fit"), dict[str, Any]()
        if takes(fit, "validation"):
            more["validation"] = (dense(validation.x), validation.y)
        if takes(fit, "progress"):
            more["progress"] = _ProgressReporter(progress)
        if train.weights is not None:
            steps = getattr(self.model, "steps", None)  # of a pipeline of scikit-learn, which passes it on
            name = f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"
            if not steps and not takes(fit, name):
                message = f"`{self.place}`: rows have weights, and `fit` takes no `sample_weight`"
                raise CodeError(
                    message, "give `fit` a parameter `sample_weight=None`, or leave the weights out"
                )
            more[name] = train.weights
        self._called("`fit` failed", fit, dense(train.x), train.y, **more)

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        """Probabilities [N, K] or numbers [N], float64. Raises CodeError where they are anything else."""
        import numpy

        name = "predict_proba" if self.task.is_classification else "predict"
        found = numpy.asarray(self._called(f"`{name}` failed", self._method(name), x))
        if problem := problem_of(found, self.task, len(x)):
            raise CodeError(f"`{self.place}`: what `{name}` answers {problem}")
        shape = (len(x), self.task.outputs) if self.task.is_classification else (len(x),)
        return found.reshape(shape).astype(numpy.float64)

    def exported(self, train: Examples, validation: Examples) -> ForeignModel:
        """Its graph, once that answers rows of both splits as it does itself. Raises CodeError."""
        what = f"the ONNX graph of `{self.place}`"
        parts = {"train": train, "validation": validation}
        rows = {split: dense(part.x, _COMPARED) for split, part in parts.items()}
        graph = scoring_graph(self._graph(rows["train"].shape[1]), self.task, rows["train"], what)
        found = ForeignModel(graph, self._importance())
        for split, x in rows.items():
            require_same(self.predict(x), found.predict(x), self.task, parts[split].y, what, split)
        return found

    def _graph(self, features: int) -> bytes:
        if hasattr(self.model, "to_onnx"):
            made = self._called("`to_onnx` failed", self.model.to_onnx)
        else:
            made = self._called("it cannot be converted to ONNX", _converted, self.model, features, self.task)
        return bytes(made if isinstance(made, (bytes, bytearray)) else made.SerializeToString())

    def _importance(self) -> numpy.ndarray | None:
        found: numpy.ndarray | None = getattr(self.model, "feature_importances_", None)
        return found

    def _method(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(self.model, name, None)
        if method is None:
            needed = "`predict_proba`" if self.task.is_classification else "`predict`"
            message = f"what `{self.place}` builds, {type(self.model).__name__}, has no `{name}`"
            raise CodeError(
                message, f"a model has `fit`, {needed} and, if skl2onnx does not know it, `to_onnx`"
            )
        return method

    def _called(self, what: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except Exception as error:
            raise failed(self.root, self.place, what, error) from error


class _ProgressReporter:
    """What `fit` reports its progress to: `progress(step, train_loss=…, validation_loss=…)`."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def __call__(self, step: int, **losses: float) -> bool:
        nan = float("nan")
        known = {
            "train_loss": losses.get("train_loss", nan),
            "validation_loss": losses.get("validation_loss", nan),
        }
        return self.progress(int(step), {name: float(loss) for name, loss in known.items()})


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has a parameter of this name."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def dense(x: Any, rows: int | None = None) -> numpy.ndarray:
    """Features [N, F] as one float32 matrix in memory, or only so many rows."""
    import numpy

    return numpy.ascontiguousarray(x[:rows], numpy.float32)


def _converted(model: Any, features: int, task: Task) -> Any:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    options = {"zipmap": False} if task.is_classification else {}
    return convert_sklearn(
        model,
        initial_types=[("features", FloatTensorType([None, features]))],
        options={id(model): options},
        target_opset=ONNX_OPSETS,
    )
