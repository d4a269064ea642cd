"""Metrics are scikit-learn's, warn of nothing, and are NaN where they are not defined."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, cast

import numpy
import pytest
from pydantic import ValidationError
from sklearn import metrics as scikit_learn

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.loss import PINBALL
from aimass_compiler.catalog.metric import metric_named
from aimass_compiler.catalog.task import Label, Task
from aimass_compiler.pipeline.evaluation import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.metric import Metric

BINARY = Task(kind="classification", target="y", classes=("no", "yes"))
MULTICLASS = Task(kind="classification", target="y", classes=("low", "middle", "high"))
REGRESSION = Task(kind="regression", target="y")
CLUSTERING = Task(kind="clustering", target="", classes=("cluster_1", "cluster_2", "cluster_3"))
ANOMALY = Task(kind="anomaly", target="", classes=("normal", "anomaly"))
GENERATION = Task(kind="generation", target="y")
_LABELS = ("spam", "urgent", "work")
MULTILABEL = Task(
    kind="multilabel",
    target="",
    classes=_LABELS,
    labels=tuple(Label(column=name, negative="no", positive="yes") for name in _LABELS),
)
#: scikit-learn has none of them.
OF_FORECASTS = ("mase", "smape")
#: scikit-learn has them as functions, or as parameters of one.
OF_LABELS = ("hamming_loss", "subset_accuracy", "roc_auc_macro")
EVERY = names("metrics")


def metric(name: str) -> Metric:
    kind = cast("type[Metric]", load("metrics", name))
    required = {"label": "spam"} if "label" in kind.model_fields else {}
    return kind.model_validate(required)


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def tasks_of(name: str) -> tuple[Task, ...]:
    tasks = (BINARY, MULTICLASS, REGRESSION, CLUSTERING, ANOMALY, GENERATION, MULTILABEL)
    return tuple(task for task in tasks if task.kind == metric(name).task)


def task_of(name: str) -> Task:
    return tasks_of(name)[0]


def predictions(task: Task, rows: int = 300) -> tuple[numpy.ndarray, numpy.ndarray]:
    chance = numpy.random.default_rng(0)
    if task.is_written:
        right = numpy.array([f"answer {place % 7}" for place in range(rows)], object)
        scores = numpy.empty(rows, [("answer", object), ("log_probability", "f8"), ("tokens", "i8")])
        scores["answer"], scores["tokens"] = numpy.roll(right, 1), 3
        scores["log_probability"] = -chance.exponential(size=rows)
        return right, scores
    if not task.is_classification:
        numbers = chance.normal(10, 2, size=rows).astype(numpy.float32)
        return numbers, (numbers + chance.normal(size=rows)).astype(numpy.float32)
    if task.is_multilabel:
        labels = chance.integers(0, 2, size=(rows, task.outputs))
        return labels, numpy.clip(labels * 0.3 + chance.random(labels.shape) * 0.7, 0, 1).astype(
            numpy.float32
        )
    truth = chance.integers(0, task.outputs, size=rows)
    if not task.has_target:
        return chance.normal(size=(rows, 2)), chance.dirichlet(numpy.ones(task.outputs), size=rows)
    logits = chance.normal(size=(rows, task.outputs)) + 1.5 * numpy.eye(task.outputs)[truth]
    scores = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
    return truth, scores.astype(numpy.float32)


@pytest.mark.parametrize("name", EVERY)
def test_its_direction_is_that_of_the_scorer(name: str) -> None:
    scorers = {scorer.removeprefix("neg_"): scorer for scorer in scikit_learn.get_scorer_names()}
    if name in scorers:  # the others have a number for each parameter
        assert metric(name).greater_is_better == (not scorers[name].startswith("neg_"))
    else:
        # The number of the pinball loss is that of the task; what has no truth is no scorer.
        is_known = metric(name).name != name or name in (PINBALL, *OF_FORECASTS, *OF_LABELS)
        assert is_known or not task_of(name).has_target or task_of(name) == GENERATION


@pytest.mark.parametrize("name", EVERY)
def test_without_rows_it_is_not_defined(name: str) -> None:
    task = task_of(name)
    truth, scores = predictions(task)
    assert math.isnan(metric(name).measure(task, truth[:0], scores[:0]))


@pytest.mark.parametrize("name", EVERY)
def test_one_row_or_one_class_does_not_raise(name: str) -> None:
    for task in tasks_of(name):
        truth, scores = predictions(task)
        metric(name).measure(task, truth[:1], scores[:1])
        for label in range(task.outputs):
            one = truth[label] if task.is_written else label
            metric(name).measure(task, numpy.full_like(truth, one), scores)


@pytest.mark.parametrize(
    "name",
    [
        "roc_auc",
        "average_precision",
        "log_loss",
        "accuracy",
        "balanced_accuracy",
        "f1",
        "precision",
        "recall",
    ],
)
def test_perfect_classes_are_better(name: str) -> None:
    for task in (BINARY, MULTICLASS):
        truth, scores = predictions(task)
        measured = metric(name).measure(task, truth, scores)
        perfect = metric(name).measure(task, truth, numpy.eye(task.outputs, dtype=numpy.float32)[truth])
        assert perfect > measured if metric(name).greater_is_better else perfect < measured


def test_classes_are_measured_like_scikit_learn() -> None:
    truth, scores = predictions(BINARY)
    positive, labels = scores[:, 1], scores.argmax(axis=1)
    expected = {
        "roc_auc": scikit_learn.roc_auc_score(truth, positive),
        "average_precision": scikit_learn.average_precision_score(truth, positive),
        "log_loss": scikit_learn.log_loss(truth, positive),
        "accuracy": scikit_learn.accuracy_score(truth, labels),
        "balanced_accuracy": scikit_learn.balanced_accuracy_score(truth, labels),
        "f1": scikit_learn.f1_score(truth, labels),
        "precision": scikit_learn.precision_score(truth, labels),
        "recall": scikit_learn.recall_score(truth, labels),
        "matthews_corrcoef": scikit_learn.matthews_corrcoef(truth, labels),
        "brier_score": scikit_learn.brier_score_loss(truth, positive),
    }
    measured = {name: metric(name).measure(BINARY, truth, scores) for name in expected}
    assert measured == pytest.approx(expected, rel=1e-5)
    plain = {name for name in EVERY if metric(name).name == name}
    assert set(expected) == {name for name in plain if metric(name).task == "classification"}


def test_several_classes_are_averaged() -> None:
    truth, scores = predictions(MULTICLASS)
    labels = scores.argmax(axis=1)
    expected = {
        "roc_auc": scikit_learn.roc_auc_score(truth, scores, multi_class="ovr"),
        "log_loss": scikit_learn.log_loss(truth, scores),
        "f1": scikit_learn.f1_score(truth, labels, average="macro"),
        "precision": scikit_learn.precision_score(truth, labels, average="macro"),
        "recall": scikit_learn.recall_score(truth, labels, average="macro"),
        "brier_score": scikit_learn.brier_score_loss(truth, scores),
    }
    measured = {name: metric(name).measure(MULTICLASS, truth, scores) for name in expected}
    assert measured == pytest.approx(expected, rel=1e-5)


def test_numbers_are_measured_like_scikit_learn() -> None:
    truth, predicted = predictions(REGRESSION)
    found = [name for name in EVERY if metric(name).task == "regression" and name not in OF_FORECASTS]
    for name in found:
        function = getattr(scikit_learn, "r2_score" if name == "r2" else name)
        parameters = metric(name).model_dump()
        expected = function(truth.astype(float), predicted.astype(float), **parameters)
        assert metric(name).measure(REGRESSION, truth, predicted) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "expected"), [("mase", 1.0), ("smape", (2 / 3 + 0 + 2) / 3)])
def test_metrics_of_forecasts_are_measured_by_hand(name: str, expected: float) -> None:
    truth, predicted = numpy.array([1.0, 0.0, 2.0]), numpy.array([2.0, 0.0, 0.0])
    assert metric(name).measure(REGRESSION, truth, predicted) == pytest.approx(expected)


def test_what_one_class_leaves_undefined_is_nan() -> None:
    truth, scores = numpy.zeros(20, numpy.int64), predictions(BINARY, 20)[1]
    undefined = {
        name
        for name in EVERY
        if task_of(name) == BINARY and math.isnan(metric(name).measure(BINARY, truth, scores))
    }
    assert {"roc_auc", "average_precision", "recall", "matthews_corrcoef"} <= undefined


def test_a_class_without_rows_is_left_out() -> None:
    truth, scores = predictions(MULTICLASS)
    some = truth != 2
    for name in ("roc_auc", "recall", "balanced_accuracy", "log_loss"):
        assert math.isfinite(metric(name).measure(MULTICLASS, truth[some], scores[some]))


@pytest.mark.parametrize("name", ["recall", "precision", "f1", "average_precision"])
@pytest.mark.parametrize("order", [("no", "yes"), ("yes", "no")])
@pytest.mark.parametrize("positive", ["no", "yes"])
def test_the_positive_class_is_the_one_that_is_named_wherever_it_stands(
    name: str, order: tuple[str, str], positive: str
) -> None:
    """A class's metric is the same in each order of the classes, and the other class has another one."""
    task = Task(kind="classification", target="y", classes=order, positive=positive)
    words = numpy.array(["yes", "no", "no", "no", "yes", "no"])
    likely = numpy.array([0.9, 0.6, 0.2, 0.1, 0.3, 0.2])  # of `yes`
    truth = numpy.array([order.index(word) for word in words])
    scores = numpy.column_stack([likely if one == "yes" else 1 - likely for one in order])
    of_yes = {"recall": 1 / 2, "precision": 1 / 2, "f1": 1 / 2, "average_precision": (1 + 2 / 3) / 2}
    of_no = {
        "recall": 3 / 4,
        "precision": 3 / 4,
        "f1": 3 / 4,
        "average_precision": scikit_learn.average_precision_score(words == "no", 1 - likely),
    }
    expected = (of_yes if positive == "yes" else of_no)[name]
    metric = metric_named(name)
    assert metric.measure(task, truth, scores) == pytest.approx(expected)
    assert metric.title(task) == f"{name} of {positive}"


@pytest.mark.parametrize("name", [name for name in EVERY if task_of(name) != CLUSTERING])
def test_a_row_of_weight_two_is_two_rows(name: str) -> None:
    for task in tasks_of(name):
        truth, scores = predictions(task)
        weights = numpy.where(numpy.arange(len(truth)) % 3, 1.0, 2.0)
        repeated = numpy.repeat(numpy.arange(len(truth)), weights.astype(int))
        expected = metric(name).measure(task, truth[repeated], scores[repeated])
        assert metric(name).measure(task, truth, scores, weights) == pytest.approx(expected)


#: From the likeliest on: yes, no, yes, no, no, yes, no, no, no, no.
RANKED = numpy.array([1, 0, 1, 0, 0, 1, 0, 0, 0, 0])
LIKELY = numpy.linspace(0.9, 0.1, 10)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("precision_at(top=0.1)", 1),
        ("precision_at(top=0.5)", 2 / 5),
        ("gain_at(top=0.3)", 2 / 3),
        ("lift_at(top=0.3)", (2 / 3) / 0.3),
        ("recall_at_precision(precision=0.6)", 2 / 3),
        ("recall_at_precision(precision=0.9)", 1 / 3),
        ("precision_at_recall(recall=0.5)", 2 / 3),
        ("precision_at_recall(recall=1)", 3 / 6),
    ],
)
def test_the_top_of_the_ranks_is_measured(name: str, expected: float) -> None:
    scores = numpy.column_stack([1 - LIKELY, LIKELY])
    assert metric_named(name).measure(BINARY, RANKED, scores) == pytest.approx(expected)


def test_rows_that_are_as_likely_are_all_as_likely_at_the_top() -> None:
    scores = numpy.full((10, 2), 0.5)
    for order in (RANKED, RANKED[::-1]):
        assert metric_named("gain_at(top=0.2)").measure(BINARY, order, scores) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "written", [{"precision_at": {"top": 0.2}}, {"precision_at": 0.2}, "precision_at(top=0.2)"]
)
def test_a_metric_with_a_parameter_is_one_name_however_it_is_written(written: object) -> None:
    assert Gate.model_validate({"metric": written, "min": 0.3}).metric == "precision_at(top=0.2)"


@pytest.mark.parametrize("written", [{"precision_at": {"top": 2}}, "precision_at(top=2)", "recall(top=1)"])
def test_a_parameter_that_cannot_be_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        Gate.model_validate({"metric": written, "min": 0.3})


@pytest.mark.parametrize("name", ["silhouette", "calinski_harabasz", "davies_bouldin"])
def test_scores_of_clusters_are_those_of_scikit_learn(name: str) -> None:
    rows, shares = predictions(CLUSTERING)
    expected = getattr(scikit_learn, f"{name}_score")(rows, shares.argmax(axis=1))
    assert metric(name).measure(CLUSTERING, rows, shares) == pytest.approx(expected)
    assert metric(name).greater_is_better == (name != "davies_bouldin")


def test_a_silhouette_of_many_rows_is_that_of_some() -> None:
    rows, shares = predictions(CLUSTERING, 5_000)
    found = [metric("silhouette").measure(CLUSTERING, rows, shares) for _ in range(2)]
    assert (
        found[0]
        == found[1]
        == pytest.approx(scikit_learn.silhouette_score(rows, shares.argmax(axis=1)), abs=0.01)
    )


def test_the_share_of_anomalies_counts_rows_by_their_label() -> None:
    scores = numpy.array([[0.6, 0.4], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1]])
    assert metric("anomaly_share").measure(ANOMALY, numpy.zeros((4, 2)), scores) == 0.5
    weights = numpy.array([1.0, 2.0, 1.0, 0.0])
    assert metric("anomaly_share").measure(ANOMALY, numpy.zeros((4, 2)), scores, weights) == 0.75


def test_labels_are_measured_like_scikit_learn() -> None:
    truth, scores = predictions(MULTILABEL)
    given = scores >= 0.5
    expected = {
        "f1_micro": scikit_learn.f1_score(truth, given, average="micro"),
        "f1_macro": scikit_learn.f1_score(truth, given, average="macro"),
        "hamming_loss": scikit_learn.hamming_loss(truth, given),
        "subset_accuracy": scikit_learn.accuracy_score(truth, given),
        "roc_auc_macro": scikit_learn.roc_auc_score(truth, scores, average="macro"),
        "f1_of(label=urgent)": scikit_learn.f1_score(truth[:, 1], given[:, 1]),
        "precision_of(label=urgent)": scikit_learn.precision_score(truth[:, 1], given[:, 1]),
        "recall_of(label=urgent)": scikit_learn.recall_score(truth[:, 1], given[:, 1]),
        "roc_auc_of(label=work)": scikit_learn.roc_auc_score(truth[:, 2], scores[:, 2]),
        "average_precision_of(label=work)": scikit_learn.average_precision_score(truth[:, 2], scores[:, 2]),
    }
    measured = {name: metric_named(name).measure(MULTILABEL, truth, scores) for name in expected}
    assert measured == pytest.approx(expected, rel=1e-5)
    kinds = {name.partition("(")[0] for name in expected}
    assert kinds == {name for name in EVERY if metric(name).task == "multilabel"}


@pytest.mark.parametrize("label", ["spam", "2024", "on hold"])
def test_a_metric_of_a_label_is_found_by_its_name(label: str) -> None:
    named = Gate.model_validate({"metric": {"f1_of": label}, "min": 0.3}).metric
    assert metric_named(named).title(MULTILABEL) == f"f1 of {label}"
