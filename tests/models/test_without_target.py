"""Models that learn without a target: what scikit-learn answers, and what their graphs do."""

from __future__ import annotations

import numpy
import pytest

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks._clusters import FittedClusters
from aimass_compiler.catalog.frameworks._isolation import FittedIsolationForest
from aimass_compiler.catalog.models.isolation_forest import IsolationForest
from aimass_compiler.catalog.models.k_means import KMeans
from aimass_compiler.catalog.task import Task
from tests.models.examples import Watched, budget, served


def with_anomalies(rows: int, seed: int) -> Examples:
    """Rows of which each twentieth lies far out."""
    chance = numpy.random.default_rng(seed)
    x = chance.normal(size=(rows, 4)).round(1).astype(numpy.float32)
    y = (numpy.arange(rows) % 20 == 0).astype(numpy.int64)
    x[y == 1] *= 6
    return Examples(x, y)


@pytest.mark.parametrize("features", [1.0, 0.5])
@pytest.mark.parametrize("positive", ["yes", "no"])
def test_an_isolation_forest_answers_scikit_learns_scores(positive: str, features: float) -> None:
    task = Task(kind="classification", target="y", classes=("no", "yes"), positive=positive)
    rows = with_anomalies(300, 1)
    model = IsolationForest(n_estimators=20, max_features=features)
    trained = model.train(task, rows, rows, budget(), Watched())
    assert isinstance(trained, FittedIsolationForest)
    x = numpy.concatenate([rows.x, 1000 * rows.x, numpy.nextafter(rows.x, numpy.float32(9))])
    scores = trained.predict(x)
    place = task.classes.index(positive)
    numpy.testing.assert_allclose(scores[:, place], -trained.forest.score_samples(x), atol=1e-6)
    numpy.testing.assert_allclose(served(trained.to_onnx(), x), scores, atol=1e-6)
    far = scores[: len(rows.y)][rows.y == 1, place]
    assert far.min() > numpy.median(scores[: len(rows.y), place])


def test_what_the_target_says_teaches_an_isolation_forest_nothing() -> None:
    task = Task(kind="classification", target="y", classes=("no", "yes"))
    rows = with_anomalies(200, 1)
    other = Examples(rows.x, 1 - rows.y)
    model = IsolationForest(n_estimators=5)
    one, another = (model.train(task, part, part, budget(), Watched()) for part in (rows, other))
    numpy.testing.assert_array_equal(one.predict(rows.x), another.predict(rows.x))


CLUSTERING = Task(kind="clustering", target="", classes=("cluster_1", "cluster_2", "cluster_3"))


def groups(rows: int, seed: int) -> Examples:
    """Three groups of rows, of which the first is the largest."""
    chance = numpy.random.default_rng(seed)
    centres = numpy.array([[0, 0, 0], [9, 0, 0], [0, 9, 3]])[chance.choice(3, rows, p=[0.5, 0.3, 0.2])]
    x = (centres + chance.normal(size=(rows, 3))).astype(numpy.float32)
    return Examples(x, numpy.zeros(rows, numpy.int64))


def test_k_means_gives_rows_to_the_nearest_centre_and_the_largest_cluster_is_first() -> None:
    rows = groups(400, 1)
    trained = KMeans(clusters=3).train(CLUSTERING, rows, rows, budget(), Watched())
    assert isinstance(trained, FittedClusters)
    x = numpy.concatenate([rows.x, 100 * rows.x, groups(300, 2).x])
    scores = trained.predict(x)
    apart = ((x[:, None, :].astype(float) - trained.centres) ** 2).sum(axis=2)
    numpy.testing.assert_array_equal(scores.argmax(axis=1), apart.argmin(axis=1))
    numpy.testing.assert_allclose(served(trained.to_onnx(), x), scores, atol=1e-6)
    numpy.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    sizes = numpy.bincount(trained.predict(rows.x).argmax(axis=1))
    assert list(sizes) == sorted(sizes, reverse=True)


def test_rows_that_weigh_more_move_the_centres() -> None:
    rows = groups(100, 1)
    weights = numpy.where(rows.x[:, 0] > 5, 100.0, 0.01)
    weighed = KMeans(clusters=2).train(
        CLUSTERING, Examples(rows.x, rows.y, weights), rows, budget(), Watched()
    )
    assert isinstance(weighed, FittedClusters)
    assert (weighed.centres[:, 0] > 5).all()


def test_as_many_clusters_as_different_rows_are_found_and_no_more() -> None:
    x = numpy.repeat(numpy.array([[0.0], [1.0], [5.0]], numpy.float32), 4, axis=0)
    rows = Examples(x, numpy.zeros(12, numpy.int64))
    trained = KMeans(clusters=3).train(CLUSTERING, rows, rows, budget(), Watched())
    assert set(trained.predict(x).argmax(axis=1)) == {0, 1, 2}
    with pytest.raises(ArithmeticError, match="4 clusters need as many different rows, and there are 3"):
        KMeans(clusters=4).train(CLUSTERING, rows, rows, budget(), Watched())


def test_a_range_of_clusters_has_names_for_the_most() -> None:
    assert KMeans.model_validate({"clusters": {"choice": [2, 4, 3]}}).names_found[-1] == "cluster_4"
    assert KMeans.model_validate({"clusters": {"uniform": [2, 5]}}).names_found[-1] == "cluster_5"
