"""LightGBM: boosters that stop early at their best round, with thresholds between the values of the rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._rounds import Rounds
from aimass_compiler.catalog.frameworks._scale import Scale, learned_targets, unit_of_loss
from aimass_compiler.catalog.loss import GAMMA, PINBALL, POISSON, TWEEDIE

if TYPE_CHECKING:
    import numpy
    import onnx

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.model import Budget, Progress
    from aimass_compiler.catalog.share import Share
    from aimass_compiler.catalog.task import Task

LIGHTGBM = Framework(module="lightgbm", extra="lightgbm", trainer="ray.train.lightgbm:LightGBMTrainer")
_OBJECTIVES = {
    "log_loss": ("multiclass", "multi_logloss"),
    "mean_squared_error": ("regression", "rmse"),
    "mean_absolute_error": ("regression_l1", "l1"),
    PINBALL: ("quantile", "quantile"),
    POISSON: ("poisson", "poisson"),
    GAMMA: ("gamma", "gamma_deviance"),
    TWEEDIE: ("tweedie", "tweedie"),
}
_BINARY_OBJECTIVE = ("binary", "binary_logloss")
_FIXED = {"verbosity": -1, "deterministic": True, "force_col_wise": True, "bagging_freq": 1}
#: Of `decision_type`, bit by bit: whether missing values go left, and that they have a side of their own.
#: Source: include/LightGBM/tree.h
_DEFAULT_LEFT, _MISSING_MASK, _MISSING_IS_NAN = 0b0010, 0b1100, 0b1000


def train_booster(
    parameters: Mapping[str, Any],
    loss: str,
    task: Task,
    train: Examples,
    validation: Examples,
    budget: Budget,
    progress: Progress,
) -> LightgbmBooster:
    """The booster up to its best round by validation loss, from parameters in LightGBM's own words.

    Of several workers each learns from its share of the training rows, of which `train_loss` then is; the
    validation rows each has whole, in bins, because LightGBM adds up no losses.
    """
    import lightgbm

    objective, measure = _BINARY_OBJECTIVE if task.is_binary else _OBJECTIVES[loss]
    scale = Scale.for_task(task, train.y, loss)
    own = _parameters(parameters, loss, task, budget, scale) | {"objective": objective, "metric": measure}
    own |= _network(budget.share)
    rows, watched = _datasets(budget.share.of(train), validation, scale, own)
    rounds = Rounds(budget, progress, parameters["n_estimators"])
    booster: Any = None if rounds.model is None else lightgbm.Booster(model_str=rounds.model.decode())
    if rounds.left:
        booster = lightgbm.train(
            own,
            rows,
            num_boost_round=rounds.left,
            valid_sets=[rows, watched],
            valid_names=["train", "validation"],
            callbacks=[_reporting(rounds, unit_of_loss(loss, scale))],
            init_model=booster,
        )
    text = booster.model_to_string(num_iteration=rounds.best if budget.patience else -1)
    if budget.share.is_first:
        text = _with_spaced_thresholds(text, (train.x, validation.x))
    spaced = lightgbm.Booster(model_str=text)
    return LightgbmBooster(spaced, task, train.x.shape[1], scale, budget.threads)


def _datasets(
    train: Examples, validation: Examples, scale: Scale | None, parameters: Mapping[str, Any]
) -> tuple[Any, Any]:
    """The rows to learn from and those to watch, as LightGBM keeps them, in the bins of the former."""
    import lightgbm

    targets = learned_targets(train.y, scale)
    rows = lightgbm.Dataset(_values(train.x), targets, weight=train.weights, params=dict(parameters))
    targets = learned_targets(validation.y, scale)
    return rows, rows.create_valid(_values(validation.x), targets, weight=validation.weights)


def _parameters(
    parameters: Mapping[str, Any], loss: str, task: Task, budget: Budget, scale: Scale | None
) -> dict[str, Any]:
    own = {name: value for name, value in parameters.items() if name != "n_estimators" and value is not None}
    if scale is not None and loss == "mean_squared_error":
        # Both are written in the target's unit: of the loss, its square, and of its gradient.
        own["min_split_gain"] /= scale.deviation**2
        own["reg_alpha"] /= scale.deviation
    return {
        **own,
        **_FIXED,
        **({"num_class": task.outputs} if task.is_classification and not task.is_binary else {}),
        **({"alpha": task.level} if loss == PINBALL else {}),
        "seed": budget.seed,
        "num_threads": budget.threads,
    }


def _values(x: numpy.ndarray | FeatureMatrix) -> Any:
    """What LightGBM takes: of a sparse matrix, what is no entry is zero to it."""
    return x.csr("f4") if isinstance(x, FeatureMatrix) else x


def _with_spaced_thresholds(text: str, parts: Sequence[numpy.ndarray | FeatureMatrix]) -> str:
    """The same model as text with each threshold between training values, and a side for missing ones.

    LightGBM takes the middle of two bins, which may be a value of another row. Where no value was missing in
    training, it takes a missing one for zero: that side is written out, because the graph has no such rule.
    """
    import numpy

    from aimass_compiler.catalog.frameworks._thresholds import spaced

    blocks = re.split(r"(?m)^(?=Tree=|end of trees)", text)
    trees = [place for place, block in enumerate(blocks) if _row(block, "split_feature")]
    features = [_numbers(blocks[place], "split_feature", numpy.int64) for place in trees]
    thresholds = [_numbers(blocks[place], "threshold", numpy.float64) for place in trees]
    kinds = [_numbers(blocks[place], "decision_type", numpy.int64) for place in trees]
    if trees:
        moved = spaced(numpy.concatenate(features), numpy.concatenate(thresholds), parts, equal="below")
        ends = numpy.cumsum([len(own) for own in thresholds])[:-1]
        for place, kind, before, own in zip(trees, kinds, thresholds, numpy.split(moved, ends), strict=True):
            never_missing = kind & _MISSING_MASK != _MISSING_IS_NAN
            written_out = _MISSING_IS_NAN | numpy.where(before >= 0, _DEFAULT_LEFT, 0)
            kind[never_missing] = written_out[never_missing]
            blocks[place] = _with(blocks[place], "threshold", map(repr, own.tolist()))
            blocks[place] = _with(blocks[place], "decision_type", map(str, kind.tolist()))
    # The sizes of the trees' texts, which are no longer true, are only for reading them in parallel.
    return re.sub(r"(?m)^tree_sizes=.*\n", "", "".join(blocks))


def _row(block: str, name: str) -> str:
    found = re.search(rf"(?m)^{name}=(.*)$", block) if block.startswith("Tree=") else None
    return found[1] if found else ""


def _numbers(block: str, name: str, kind: Any) -> Any:
    import numpy

    return numpy.array([float(word) for word in _row(block, name).split()]).astype(kind)


def _with(block: str, name: str, values: Any) -> str:
    return re.sub(rf"(?m)^{name}=.*$", f"{name}={' '.join(values)}", block)


def _reporting(rounds: Rounds, unit: float) -> Any:
    """LightGBM's callback that notes each round's losses in the target's unit and stops at the last."""
    from lightgbm.callback import EarlyStopException

    def report(state: Any) -> None:
        found = state.evaluation_result_list
        losses = {f"{name}_loss": float(value) * unit for name, _, value, *_ in found}
        if rounds.note(losses, lambda: state.model.model_to_string().encode()):
            raise EarlyStopException(state.iteration, found)

    return report


def _network(share: Share) -> dict[str, Any]:
    """How LightGBM finds the other workers, who merge the histograms of their rows."""
    if share.size == 1:
        return {}
    from ray.train.lightgbm import get_network_params

    return {"tree_learner": "data", "pre_partition": True, **get_network_params()}


class LightgbmBooster(Struct, frozen=True):
    """A booster cut after its best round."""

    booster: Any
    task: Task
    features: int
    scale: Scale | None
    threads: int

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        scores = self.booster.predict(x, num_threads=self.threads)
        if self.scale is not None:
            return self.scale.restored(scores)
        probabilities = numpy.column_stack([1 - scores, scores]) if self.task.is_binary else scores
        return numpy.asarray(probabilities, dtype=numpy.float32)

    def importance(self) -> numpy.ndarray | None:
        """The gain that splits on each feature brought, all together 1."""
        import numpy

        gains = numpy.asarray(self.booster.feature_importance("gain"), numpy.float64)
        return gains / gains.sum() if gains.any() else gains

    def to_onnx(self) -> onnx.ModelProto:
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        from aimass_compiler.catalog.artifacts import _graphs

        # onnxmltools knows opsets up to 15 only; the tree operators of ai.onnx.ml are the same since.
        model = convert_lightgbm(
            self.booster,
            initial_types=[("rows", FloatTensorType([None, self.features]))],
            target_opset=15,
            zipmap=False,
        )
        return _graphs.from_output(model, model.graph.output[-1].name, [self.features], self.task, self.scale)
