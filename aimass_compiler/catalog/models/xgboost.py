"""Gradient-boosted trees by XGBoost; a missing value takes a branch of its own (Chen and Guestrin 2016)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.model import Budget, Examples, Model, Progress, Trained
from aimass_compiler.catalog.models import _graph
from aimass_compiler.catalog.models._scale import Scale
from aimass_compiler.task import Task
from aimass_compiler.values import Integer, Number, Tunable

if TYPE_CHECKING:
    import numpy
    import onnx

_OBJECTIVES = {
    "log_loss": ("multi:softprob", "mlogloss"),
    "mean_squared_error": ("reg:squarederror", "rmse"),
    "mean_absolute_error": ("reg:absoluteerror", "mae"),
}
#: What is not above the largest number that XGBoost reads.
_LARGEST = 1e38
_BINARY_OBJECTIVE = ("binary:logistic", "logloss")


class Xgboost(Model):
    """Gradient-boosted trees by XGBoost; a missing value takes a branch of its own."""

    requires: ClassVar[str] = "xgboost"
    uses_gpus: ClassVar[bool] = True
    accepts_missing: ClassVar[bool] = True
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "classification": ("log_loss",),
        "regression": ("mean_squared_error", "mean_absolute_error"),
    }
    ignores_scale: ClassVar[bool] = True
    learns_in_steps: ClassVar[bool] = True
    bytes_a_number: ClassVar[float] = 3.0
    regularization: ClassVar[tuple[str, ...]] = ("reg_lambda", "min_child_weight")
    capacity: ClassVar[tuple[str, ...]] = ("max_depth", "n_estimators")

    n_estimators: Tunable[Annotated[Integer, Field(ge=1, le=100_000)]] = 500
    """How many rounds at most; `training.early_stopping` ends them when they stop helping."""
    learning_rate: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 0.1
    """How much of each tree is added."""
    max_depth: Tunable[Annotated[Integer, Field(ge=1, le=20)]] = 6
    """How many questions a tree asks of a row at most."""
    min_child_weight: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 1.0
    """How much weight (rows, for squared error) a leaf has at least."""
    gamma: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """How much a split must lower the loss."""
    subsample: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 1.0
    """The share of rows that each tree sees."""
    colsample_bytree: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 1.0
    """The share of features that each tree sees."""
    reg_lambda: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 1.0
    """The weight of the leaves' squares (L2)."""
    reg_alpha: Tunable[Annotated[Number, Field(ge=0, le=1e6)]] = 0.0
    """The weight of the leaves' sizes (L1)."""
    max_bin: Annotated[Integer, Field(ge=2, le=65_535)] = 256
    """Into how many intervals a feature is cut to find splits."""

    def steps(self, budget: Budget) -> int:
        del budget
        rounds: int = self.n_estimators  # type: ignore[assignment]  # a value when training runs
        return rounds

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        import xgboost

        loss = budget.loss or self.losses[task.kind][0]
        objective, measure = _BINARY_OBJECTIVE if task.is_binary else _OBJECTIVES[loss]
        scale = None if task.is_classification else Scale.of(train.y)
        # Of each value only its bin is kept, from the start; a plain DMatrix would hold all of them twice.
        bins = {"max_bin": self.max_bin, "nthread": budget.threads}
        rows = xgboost.QuantileDMatrix(train.x, _labels(train, scale), **bins)
        watched = xgboost.QuantileDMatrix(validation.x, _labels(validation, scale), ref=rows, **bins)
        callbacks = [_reporting(progress, measure, scale)]
        if budget.patience:
            callbacks.append(
                xgboost.callback.EarlyStopping(
                    rounds=budget.patience, metric_name=measure, data_name="validation", save_best=True
                )
            )
        booster = xgboost.train(
            self._parameters(task, budget, scale) | {"objective": objective, "eval_metric": measure},
            rows,
            num_boost_round=self.n_estimators,
            evals=[(rows, "train"), (watched, "validation")],
            callbacks=callbacks,
            verbose_eval=False,
        )
        parts = (train.x, validation.x)
        return Learnt(_with_spaced_thresholds(booster, parts, budget), task, train.x.shape[1], scale)

    def _parameters(self, task: Task, budget: Budget, scale: Scale | None) -> dict[str, Any]:
        classes = {"num_class": task.outputs} if task.is_classification and not task.is_binary else {}
        device = {"device": "cuda"} if budget.gpus else {}
        own = self.model_dump(exclude={"n_estimators"})
        if scale is not None and (budget.loss or self.losses["regression"][0]) == "mean_squared_error":
            # Both are written in the target's unit: of the loss, its square, and of its gradient.
            own["gamma"] = min(own["gamma"] / scale.deviation**2, _LARGEST)
            own["reg_alpha"] = min(own["reg_alpha"] / scale.deviation, _LARGEST)
        return {
            **own,
            **classes,
            **device,
            "seed": budget.seed,
            "nthread": budget.threads,
            "tree_method": "hist",
        }


def _labels(part: Examples, scale: Scale | None) -> numpy.ndarray:
    return scale.scaled(part.y) if scale else part.y


def _with_spaced_thresholds(booster: Any, parts: Sequence[numpy.ndarray], budget: Budget) -> Any:
    """The same booster with each threshold between training values: XGBoost puts it on one.

    Trees as JSON: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
    """
    import numpy
    import xgboost

    from aimass_compiler.catalog.models._thresholds import spaced

    document = json.loads(booster.save_raw("json"))
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    lengths = [len(tree["split_indices"]) for tree in trees]
    features = numpy.concatenate([numpy.asarray(tree["split_indices"], numpy.int64) for tree in trees])
    conditions = numpy.concatenate([numpy.asarray(tree["split_conditions"], numpy.float32) for tree in trees])
    is_split = numpy.concatenate([numpy.asarray(tree["left_children"]) >= 0 for tree in trees])
    conditions[is_split] = spaced(features[is_split], conditions[is_split], parts, equal="above")
    for tree, own in zip(trees, numpy.split(conditions, numpy.cumsum(lengths)[:-1]), strict=True):
        # By the shortest decimals, because XGBoost reads numbers as float32.
        tree["split_conditions"] = [float(str(value)) for value in own]
    model = bytearray(json.dumps(document).encode())
    device = {"device": "cuda"} if budget.gpus else {}
    return xgboost.Booster({"nthread": budget.threads, **device}, model_file=model)


def _reporting(progress: Progress, measure: str, scale: Scale | None) -> Any:
    """XGBoost's callback that tells each round's losses in the target's unit and stops when told to."""
    import xgboost

    unit = scale.deviation if scale else 1.0

    class Reporting(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost is not typed here
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            del model
            losses = {f"{name}_loss": float(values[measure][-1]) * unit for name, values in evals_log.items()}
            return progress(epoch + 1, losses)

    return Reporting()


@dataclass(frozen=True)
class Learnt:
    """A booster cut after its best round."""

    booster: Any
    task: Task
    features: int
    scale: Scale | None

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        scores = numpy.asarray(self.booster.inplace_predict(x), dtype=numpy.float32)
        if self.scale is not None:
            return self.scale.restored(scores)
        return numpy.column_stack([1 - scores, scores]) if self.task.is_binary else scores

    def importance(self) -> numpy.ndarray | None:
        """The gain that splits on each feature brought, all together 1."""
        import numpy

        gains = numpy.zeros(self.features)
        for name, gain in self.booster.get_score(importance_type="total_gain").items():
            gains[int(name[1:])] = gain
        return gains / gains.sum() if gains.any() else gains

    def to_onnx(self) -> onnx.ModelProto:
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        # onnxmltools knows opsets up to 15 only; the tree operators of ai.onnx.ml are the same since.
        model = convert_xgboost(
            self.booster, initial_types=[("rows", FloatTensorType([None, self.features]))], target_opset=15
        )
        return _graph.from_output(model, model.graph.output[-1].name, [self.features], self.task, self.scale)
