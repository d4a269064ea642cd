"""Exact explanations: trees and linear models as their definition has it, and nothing else called exact."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import pytest
from models.examples import TASKS, Watched, budget, small

from aimass_compiler.catalog.artifacts import _graphs
from aimass_compiler.catalog.calibration import Calibration, Sigmoid
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.expression import column_types, onnx_lowering
from aimass_compiler.expression.algebra import (
    Arithmetic,
    Column,
    Constant,
    Expression,
    IsMissing,
    Lookup,
    OneHot,
    Pack,
    Where,
)
from aimass_compiler.expression.component_columns import made_of
from aimass_compiler.expression.onnx_graph import Inputs
from aimass_compiler.runtime.server.explanations import column_shapley, scoring_graph
from aimass_compiler.runtime.server.explanations.column_shapley import ColumnShapley
from aimass_compiler.runtime.server.explanations.explaining_model import ExplainingModel
from aimass_compiler.runtime.server.explanations.tree_ensemble import TreeEnsemble
from aimass_compiler.runtime.server.explanations.tree_shapley import TreeShapley
from aimass_compiler.runtime.server.model import OnnxModel
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.rows import RowReader
from server import packages

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

PLANS = ("basic", "plus", "pro")
NUMBERS = [Column(name, column_types.NUMBER) for name in "abcde"]
PLAN, CITY = (Column(name, column_types.CATEGORY) for name in ("plan", "city"))
COLUMNS = (*NUMBERS, PLAN, CITY)
CODES = tuple(OneHot(Lookup(each, PLANS), PLANS) for each in (PLAN, CITY))
WITH_MISSING = (*NUMBERS, *CODES)
FILLED = (*NUMBERS[:-1], Where(IsMissing(NUMBERS[-1]), Constant(0.5), NUMBERS[-1]), *CODES)
OF_TWO_COLUMNS = (*FILLED, Arithmetic("multiply", NUMBERS[0], NUMBERS[1]))
TREES = ("decision_tree", "random_forest", "extra_trees")
BOOSTED = ("gradient_boosting", "xgboost", "lightgbm")


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Rows of five numbers, of which one may be missing, and two categories."""
    chance = numpy.random.default_rng(seed)
    found = []
    for values in chance.normal(size=(count, 5)).round(1).tolist():
        row: dict[str, Any] = dict(zip("abcde", values, strict=True))
        row["e"] = row["e"] if chance.random() < 0.7 else None
        plan, city = chance.choice(PLANS, 2).tolist()
        found.append({**row, "plan": plan, "city": city})
    return found


def tensors_of(asked: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = [[numpy.nan if row[name] is None else row[name] for name in "abcde"] for row in asked]
    strings = [[row["plan"], row["city"]] for row in asked]
    return {"numbers": numpy.array(numbers), "strings": numpy.array(strings, object)}


def package(
    folder: Path,
    model: str,
    task: str,
    scale: str = "probability",
    features: tuple[Expression, ...] | None = None,
    calibration: Calibration | None = None,
    parts: Any = None,
) -> ExplainingModel:
    """A model of seven columns, trained and packaged as `aimass run` does, with a background of ten rows."""
    features = features or (WITH_MISSING if model in BOOSTED else FILLED)
    names = tuple(f"f{place}" for place in range(len(features)))
    result = Pack(features, names)
    graph = onnx_lowering.lower(result, Inputs.of(COLUMNS))
    sets = [examples(graph, task, seed) for seed in (1, 2)]
    trained = small(model).train(TASKS[task], *sets, budget(), Watched())
    exported = trained.to_onnx()
    if calibration is not None:
        exported = _graphs.calibrated(exported, calibration, TASKS[task])
    joined = _graphs.join(graph, exported, TASKS[task])
    inputs = [
        {"name": column.name, "type": column.type.name, "tensor": column.type.tensor, "index": place % 5,
         "min": None, "max": None, "nullable": column.name == "e", "unit": "", "values": None}
        for place, column in enumerate(COLUMNS)
    ]  # fmt: skip
    example = {**rows(1, 9)[0], "e": 1.0}
    reference = packages.CHURN_REFERENCE | {"inputs": {}}
    labels = TASKS[task].classes
    packages.write(folder, joined, inputs, example, reference, labels=labels)
    known = {"scale": scale, "features": made_of(result) if parts is None else parts}
    packages.explaining(folder, rows(10, 3), TASKS[task].classes[1] if task == "binary" else None, **known)
    read = read_package(folder)
    return ExplainingModel(read, OnnxModel(read, 1), read.reference["background"])


def examples(graph: onnx.ModelProto, task: str, seed: int) -> Examples:
    """What the columns become, and a target that some of them decide together."""
    drawn = rows(300, seed)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    x = session.run(None, tensors_of(drawn))[0]
    signal = numpy.array([row["a"] * row["b"] + row["c"] + PLANS.index(row["plan"]) for row in drawn])
    if task == "regression":
        return Examples(x, 100 * signal + 5_000)
    bounds = [1.0] if task == "binary" else [0.3, 1.7]
    return Examples(x, numpy.digitize(signal, bounds).astype(numpy.int64))


def explained(model: ExplainingModel, asked: list[dict[str, Any]]) -> Any:
    reader = RowReader(model._signature, 100_000)
    return model.predict(reader.tensors([dict(row) for row in asked])).outputs


def by_all_sets(model: ExplainingModel, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The contributions [N, C] by the definition, from the model's answers to all sets of columns."""
    monkeypatch.setattr(column_shapley, "_FEW_COLUMNS", 7)
    background = tensors_of(rows(10, 3))
    exact = ColumnShapley(model._signature, model._model, background, model.scale)
    assert exact.tries_all_sets
    found, of = [], explained(model, asked)["of"]
    for place, row in enumerate(asked):
        tensors = tensors_of([row])
        (scores,) = model.scale.scores(model._model.run(tensors))
        found.append(exact.contributions(tensors, scores)[:, of[place]])
    return numpy.array(found)


CASES = [
    *product(TREES, ("binary", "multiclass"), ["probability"]),
    *product(BOOSTED, ("binary", "multiclass"), ["log_odds"]),
    *product((*TREES, *BOOSTED, "linear_regression"), ["regression"], ["probability"]),
    ("logistic_regression", "multiclass", "log_odds"),
]


@pytest.mark.parametrize(("model", "task", "scale"), CASES)
def test_what_is_called_exact_is_what_all_sets_of_columns_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, task: str, scale: str
) -> None:
    made = package(tmp_path, model, task, scale)
    asked = rows(4, 8)
    found = explained(made, asked)
    assert found["exact"].all()
    expected = by_all_sets(made, asked, monkeypatch)
    size = numpy.abs(expected).max()
    assert found["contributions"] == pytest.approx(expected, abs=1e-4 * size)
    assert size > 1e-3, "something moves the answers"


NOT_EXACT: list[tuple[str, str, str, dict[str, Any]]] = [
    ("xgboost", "binary", "probability", {}),
    ("random_forest", "binary", "log_odds", {}),
    ("logistic_regression", "multiclass", "probability", {}),
    ("mlp", "regression", "probability", {}),
    ("random_forest", "regression", "probability", {"features": OF_TWO_COLUMNS}),
    ("decision_tree", "binary", "probability", {"calibration": Calibration((Sigmoid(1.2, 0.1),))}),
    ("random_forest", "regression", "probability", {"parts": [{"columns": ["a"], "count": 11}]}),
    ("random_forest", "regression", "probability", {"parts": []}),
]


@pytest.mark.parametrize(("model", "task", "scale", "changed"), NOT_EXACT)
def test_what_is_sampled_says_so_and_adds_up(
    tmp_path: Path, model: str, task: str, scale: str, changed: dict[str, Any]
) -> None:
    made = package(tmp_path, model, task, scale, **changed)
    found = explained(made, rows(3, 8))
    assert not found["exact"].any()
    scores = made.scale.scores(found)[numpy.arange(3), found["of"]]
    total = found["base"] + found["contributions"].sum(axis=1)
    assert total == pytest.approx(scores, rel=1e-5, abs=1e-5)


def test_trees_of_a_graph_that_lacks_an_attribute_are_no_reason_not_to_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = scoring_graph._attributes

    def without_ids(node: Any) -> dict[str, Any]:
        return {name: value for name, value in known(node).items() if name != "target_treeids"}

    monkeypatch.setattr(scoring_graph, "_attributes", without_ids)
    made = package(tmp_path, "extra_trees", "regression")
    monkeypatch.setattr(scoring_graph, "_attributes", known)
    assert not explained(made, rows(1, 8))["exact"].any()


def test_a_row_with_too_many_ways_through_the_trees_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = package(tmp_path, "random_forest", "regression")
    monkeypatch.setattr("aimass_compiler.runtime.server.explanations.exactness._MOST_NODES", 500)
    found = explained(made, rows(2, 8))
    assert not found["exact"].any()
    total = found["base"] + found["contributions"].sum(axis=1)
    assert total == pytest.approx(found["prediction"])


def test_more_columns_than_a_word_has_bits_are_explained_too() -> None:
    """One tree that asks columns 2, 69 and 2 again, against all orders of the two."""
    inner = numpy.array([0, 1, 2])
    trees = TreeEnsemble(
        tree=numpy.zeros(7, numpy.int64),
        roots=numpy.array([0]),
        feature=numpy.array([2, 69, 2, 0, 0, 0, 0]),
        threshold=numpy.array([0.0, 0.0, 1.0, 0, 0, 0, 0], numpy.float32),
        question=numpy.where(numpy.arange(7) < 3, 0, -1).astype(numpy.int8),
        missing_holds=numpy.zeros(7, bool),
        holds=numpy.array([1, 3, 5, -1, -1, -1, -1], numpy.int32),
        fails=numpy.array([2, 4, 6, -1, -1, -1, -1], numpy.int32),
        weights=numpy.array([0, 0, 0, 1.0, 10.0, 100.0, 1000.0])[:, None],
        base=numpy.zeros(1),
    )
    assert (trees.holds[inner] >= 0).all()
    background, row = numpy.zeros((2, 70)), numpy.zeros(70)
    background[1, 2], row[2], row[69] = 0.5, 2.0, 1.0
    shapley = TreeShapley(trees, numpy.arange(70), 70, background)
    found = shapley.contributions(row, trees.weights[:, 0], 1_000)

    def value(own: set[int], other: int) -> float:
        mixed = background[other].copy()
        mixed[list(own)] = row[list(own)]
        return float(trees.sums(trees.answers(mixed))[0])

    expected = numpy.zeros(70)
    for other in range(2):
        for first, second in ((2, 69), (69, 2)):
            expected[first] += (value({first}, other) - value(set(), other)) / 4
            expected[second] += (value({2, 69}, other) - value({first}, other)) / 4
    assert found == pytest.approx(expected)
