"""XGBoost: boosters that stop early at their best round, with thresholds between the values of the rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
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
    from aimass_compiler.catalog.task import Task

XGBOOST = Framework(
    module="xgboost", extra="xgboost", uses_gpus=True, trainer="ray.train.xgboost:XGBoostTrainer"
)
_OBJECTIVES = {
    "log_loss": ("multi:softprob", "mlogloss"),
    "mean_squared_error": ("reg:squarederror", "rmse"),
    "mean_absolute_error": ("reg:absoluteerror", "mae"),
    PINBALL: ("reg:quantileerror", "quantile"),
    POISSON: ("count:poisson", "poisson-nloglik"),
    GAMMA: ("reg:gamma", "gamma-deviance"),
    TWEEDIE: ("reg:tweedie", "tweedie-nloglik@{tweedie_variance_power}"),
}
_BINARY_OBJECTIVE = ("binary:logistic", "logloss")
#: What is not above the largest number that XGBoost reads.
_LARGEST = 1e38
#: A sparse matrix of more entries, each of 8 bytes, is read in parts; up to here, one is quicker to make.
_ENTRIES_AT_ONCE = 2**25


def train_booster(
    parameters: Mapping[str, Any],
    loss: str,
    task: Task,
    train: Examples,
    validation: Examples,
    budget: Budget,
    progress: Progress,
) -> TrainedBooster:
    """The booster up to its best round by validation loss, from parameters in XGBoost's own words.

    Of several workers each has its share of the rows; XGBoost adds up their histograms and losses.
    """
    import xgboost

    objective, measure = _BINARY_OBJECTIVE if task.is_binary else _OBJECTIVES[loss]
    measure = measure.format_map(parameters)
    scale = Scale.for_task(task, train.y, loss)
    # Of each value only its bin is kept, from the start; a plain DMatrix would hold all of them twice.
    bins = {"max_bin": parameters["max_bin"], "nthread": budget.threads}
    rows = _matrix(budget.share.of(train), scale, bins)
    watched = _matrix(budget.share.of(validation), scale, bins | {"ref": rows})
    rounds = Rounds(budget, progress, parameters["n_estimators"])
    booster = xgboost.train(
        _parameters(parameters, loss, task, budget, scale) | {"objective": objective, "eval_metric": measure},
        rows,
        num_boost_round=rounds.left,
        evals=[(rows, "train"), (watched, "validation")],
        callbacks=[_reporting(rounds, measure, unit_of_loss(loss, scale))],
        verbose_eval=False,
        xgb_model=None if rounds.model is None else bytearray(rounds.model),
    )
    if budget.patience:
        booster = booster[: rounds.best]
    if budget.share.is_first:
        booster = _with_spaced_thresholds(booster, (train.x, validation.x), budget)
    return TrainedBooster(booster, task, train.x.shape[1], scale)


def _matrix(examples: Examples, scale: Scale | None, options: Mapping[str, Any]) -> Any:
    """These rows as XGBoost keeps them."""
    import xgboost

    targets = learned_targets(examples.y, scale)
    if isinstance(examples.x, FeatureMatrix) and examples.x.entries > _ENTRIES_AT_ONCE:
        return xgboost.QuantileDMatrix(_sparse_parts(examples.x, targets, examples.weights), **options)
    return xgboost.QuantileDMatrix(_values(examples.x), targets, weight=examples.weights, **options)


def _values(x: numpy.ndarray | FeatureMatrix) -> Any:
    """What XGBoost takes: of a sparse matrix, what is no entry is missing to it."""
    return x.csr("f4") if isinstance(x, FeatureMatrix) else x


def _sparse_parts(x: FeatureMatrix, targets: numpy.ndarray, weights: numpy.ndarray | None) -> Any:
    """Sparse rows a part at a time, of which XGBoost, asking four times, makes the same bins."""
    import xgboost

    class Parts(xgboost.DataIter):  # type: ignore[misc]  # XGBoost is not typed here
        def reset(self) -> None:
            self.left = x.csr_parts("f4")

        def next(self, input_data: Any) -> bool:
            found = next(self.left, None)
            if found is None:
                return False
            place, rows = found
            input_data(data=rows, label=targets[place], weight=None if weights is None else weights[place])
            return True

    parts = Parts()
    parts.reset()
    return parts


def _parameters(
    parameters: Mapping[str, Any], loss: str, task: Task, budget: Budget, scale: Scale | None
) -> dict[str, Any]:
    unused = {"n_estimators"} if loss == TWEEDIE else {"n_estimators", "tweedie_variance_power"}
    own = {name: value for name, value in parameters.items() if name not in unused}
    if scale is not None and loss == "mean_squared_error":
        # Both are written in the target's unit: of the loss, its square, and of its gradient.
        own["gamma"] = min(own["gamma"] / scale.deviation**2, _LARGEST)
        own["reg_alpha"] = min(own["reg_alpha"] / scale.deviation, _LARGEST)
    return {
        **own,
        **({"num_class": task.outputs} if task.is_classification and not task.is_binary else {}),
        **({"device": "cuda"} if budget.gpus else {}),
        **({"quantile_alpha": task.level} if loss == PINBALL else {}),
        "seed": budget.seed,
        "nthread": budget.threads,
        "tree_method": "hist",
    }


def _with_spaced_thresholds(
    booster: Any, parts: Sequence[numpy.ndarray | FeatureMatrix], budget: Budget
) -> Any:
    """The same booster with each threshold between training values: XGBoost puts it on one.

    Trees as JSON: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
    """
    import numpy
    import xgboost

    from aimass_compiler.catalog.frameworks._thresholds import spaced

    document = json.loads(booster.save_raw("json"))
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    if isinstance(parts[0], FeatureMatrix):
        levels = set(range(parts[0].shape[1])) - set(parts[0].layout.number_places)
        for tree in trees:
            _divide_by_zero_and_one(tree, levels)
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


def _divide_by_zero_and_one(tree: dict[str, Any], levels: Collection[int]) -> None:
    """Let each node on a level of a category, which was 1 or missing, send 0 where missing rows went.

    The rows of a level were sent left by a condition above 1, or right by one that 1 reaches. A right child
    stands beside the left one, as XGBoost takes for granted, so that nodes change places, not pointers.
    """
    columns = [
        name
        for name, values in tree.items()
        if isinstance(values, list) and len(values) == len(tree["parents"]) and name != "parents"
    ]
    for node, feature in enumerate(tree["split_indices"]):
        left, right = tree["left_children"][node], tree["right_children"][node]
        if left < 0 or feature not in levels:
            continue
        if tree["split_conditions"][node] > 1:
            for name in columns:
                values = tree[name]
                values[left], values[right] = values[right], values[left]
            for moved in (left, right):
                for child in (tree["left_children"][moved], tree["right_children"][moved]):
                    if child >= 0:
                        tree["parents"][child] = moved
        tree["split_conditions"][node], tree["default_left"][node] = 1.0, 1


def _reporting(rounds: Rounds, measure: str, unit: float) -> Any:
    """XGBoost's callback that notes each round's losses in the target's unit and stops at the last."""
    import xgboost

    class Reporting(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # XGBoost is not typed here
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            del epoch
            losses = {f"{name}_loss": float(values[measure][-1]) * unit for name, values in evals_log.items()}
            return rounds.note(losses, lambda: bytes(model.save_raw("ubj")))

    return Reporting()


class TrainedBooster(Struct, frozen=True):
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

        from aimass_compiler.catalog.artifacts import _graphs

        # onnxmltools knows opsets up to 15 only; the tree operators of ai.onnx.ml are the same since.
        model = convert_xgboost(
            self.booster, initial_types=[("rows", FloatTensorType([None, self.features]))], target_opset=15
        )
        return _graphs.from_output(model, model.graph.output[-1].name, [self.features], self.task, self.scale)
