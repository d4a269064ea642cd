"""Several labels at once: every model of classes learns them, and its graph answers as it does."""

from __future__ import annotations

import warnings

import numpy
import pytest

from aimass_compiler.catalog import names
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks import framework_named
from aimass_compiler.catalog.label_by_label import learned
from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.network import network_frameworks
from aimass_compiler.catalog.task import Label, Task
from tests.models.examples import SHAPES, Watched, budget, kind_of, served, small

TASK = Task(
    kind="multilabel",
    target="",
    classes=("spam", "urgent", "work"),
    labels=tuple(Label(column=name, negative="no", positive="yes") for name in ("spam", "urgent", "work")),
)
ABLE = [name for name in names("models") if kind_of(name).suits(TASK) and name != "external"]


def labelled(shape: tuple[int, ...], rows: int, seed: int) -> Examples:
    """Rows of which each label is another number; any of them together."""
    chance = numpy.random.default_rng(seed)
    x = chance.normal(size=(rows, *shape)).round(1).astype(numpy.float32)
    signal = x.reshape(rows, -1)[:, :3] + 0.2 * chance.normal(size=(rows, 3))
    return Examples(x, (signal > 0.2).astype(numpy.int64))


def right(scores: numpy.ndarray, rows: Examples) -> float:
    return float((TASK.decided(scores) == rows.y).mean())


@pytest.mark.parametrize("name", ABLE)
def test_it_learns_every_label_and_its_graph_answers_alike(name: str) -> None:
    model, shape = small(name), SHAPES[kind_of(name).examples.column]
    if not model.trained_by.is_installed:
        pytest.skip(f"{model.trained_by.module} is not installed")
    seen, new = labelled(shape, 300, 1), labelled(shape, 100, 2)
    trained = learned(model, TASK, seen, new, budget(epochs=12), Watched())
    scores = trained.predict(new.x)
    assert scores.shape == (100, 3)
    assert scores.dtype == numpy.float32
    numpy.testing.assert_allclose(served(trained.to_onnx(), new.x), scores, atol=1e-5)  # type: ignore[attr-defined]  # of every framework
    assert right(trained.predict(seen.x), seen) > 0.62


@pytest.mark.parametrize("framework", network_frameworks())
def test_each_framework_learns_the_labels_in_one_network(framework: str) -> None:
    if not framework_named(framework).is_installed:
        pytest.skip(f"{framework} is not installed")
    seen, new, watched = labelled((5,), 400, 1), labelled((5,), 200, 2), Watched()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = Mlp(framework=framework, hidden=(16,), dropout=0.0)
        trained = learned(network, TASK, seen, new, budget(epochs=30), watched)
    scores = trained.predict(new.x)
    numpy.testing.assert_allclose(served(trained.to_onnx(), new.x), scores, atol=1e-5)  # type: ignore[attr-defined]  # of every framework
    assert right(scores, new) > 0.8
    likely = numpy.where(new.y == 1, scores, 1 - scores)
    losses = [each["validation_loss"] for each in watched.losses]
    assert -numpy.log(likely).mean() == pytest.approx(min(losses), rel=1e-3)


def test_labels_have_thresholds_of_their_own() -> None:
    scores = numpy.array([[0.4, 0.5, 0.6], [0.3, 0.49, 0.9]], numpy.float32)
    assert TASK.decided(scores).tolist() == [[0, 1, 1], [0, 0, 1]]
    assert TASK.decided(scores, (0.4, 0.6, 0.7)).tolist() == [[1, 0, 0], [0, 0, 1]]
