"""What every model must do, whatever it is: a new file in catalog/models is tested without a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest

from aimass_compiler.catalog import model_contract, names
from aimass_compiler.catalog.descriptions import descriptions
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.conventions import ONNX_IR_VERSION, ONNX_OPSETS
from tests.models.examples import (
    CASES,
    SHAPES,
    TASKS,
    Watched,
    budget,
    examples,
    kind_of,
    learnt,
    served,
    small,
    train,
)

if TYPE_CHECKING:
    from aimass_compiler.catalog.model import Model

every_case = pytest.mark.parametrize(("name", "task"), CASES)
every_kind = pytest.mark.parametrize("name", names("models"))
#: What reads conversations needs a base, and has tests of its own.
every_small_kind = pytest.mark.parametrize(
    "name", [name for name in names("models") if kind_of(name).examples.column in SHAPES]
)


def rows_to_compare(name: str, task: str) -> numpy.ndarray:
    """Rows it learnt from, new ones, extreme ones, and missing values where they are taken."""
    x = numpy.concatenate([examples(name, task, 400, 1).x, examples(name, task, 300, 3).x])
    x = numpy.concatenate([x, 1000 * x[:100], numpy.zeros_like(x[:1])])
    if kind_of(name).accepts_missing:
        x[::7, 1] = numpy.nan
        x[5] = numpy.nan
    return x


@every_case
def test_the_graph_answers_like_the_model(name: str, task: str) -> None:
    trained, graph = learnt(name, task)
    x = rows_to_compare(name, task)
    expected, answered = trained.predict(x), served(graph, x)
    assert expected.dtype == answered.dtype
    model_contract.require_same_answers(expected, answered, x, TASKS[task])


@every_case
def test_one_row_is_answered_like_many(name: str, task: str) -> None:
    _, graph = learnt(name, task)
    x = rows_to_compare(name, task)[:20]
    alone = numpy.concatenate([served(graph, x[number : number + 1]) for number in range(len(x))])
    model_contract.require_one_like_many(alone, served(graph, x))


@every_case
def test_scores_are_probabilities_or_numbers(name: str, task: str) -> None:
    trained, graph = learnt(name, task)
    x = examples(name, task, 50, 4).x
    scores = trained.predict(x)
    if task == "regression":
        assert scores.shape == (50,)
        return
    assert scores.shape == (50, TASKS[task].outputs)
    for found in (scores, served(graph, x)):
        numpy.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        assert found.min() >= 0
        assert found.max() <= 1


@every_case
def test_it_learns(name: str, task: str) -> None:
    trained, _ = learnt(name, task)
    seen = examples(name, task, 400, 1)
    model_contract.require_learned(trained.predict(seen.x), seen.y, TASKS[task])


@every_case
def test_the_same_seed_gives_the_same_model(name: str, task: str) -> None:
    x = examples(name, task, 100, 5).x
    again = train(name, task).predict(x)
    numpy.testing.assert_array_equal(again, learnt(name, task)[0].predict(x))


@every_case
def test_the_graph_can_be_merged(name: str, task: str) -> None:
    _, graph = learnt(name, task)
    assert {entry.domain: entry.version for entry in graph.opset_import} == ONNX_OPSETS
    assert graph.ir_version == ONNX_IR_VERSION
    (entry,), (result,) = graph.graph.input, graph.graph.output
    assert (entry.name, result.name) == ("features", "scores")
    lengths = [part.dim_value for part in entry.type.tensor_type.shape.dim]
    assert lengths == [0, *SHAPES[kind_of(name).examples.column]]


@every_case
def test_importance_has_a_number_for_each_feature(name: str, task: str) -> None:
    importance = learnt(name, task)[0].importance()
    if importance is not None:
        assert importance.shape == SHAPES[None]
        assert (importance >= 0).all()
        assert set(numpy.argsort(importance)[-3:]) == {0, 1, 2}


@every_case
def test_what_learns_in_steps_tells_each_and_stops_when_told(name: str, task: str) -> None:
    watched = Watched(limit=2)
    train(name, task, watched=watched, patience=0)
    if kind_of(name).learns_in_epochs or watched.steps:
        assert watched.steps == [1, 2]
        assert all({"train_loss", "validation_loss"} <= set(losses) for losses in watched.losses)


@every_small_kind
def test_every_loss_that_is_declared_can_be_minimised(name: str) -> None:
    for task in ("binary", "regression"):
        if not kind_of(name).reads_target:
            continue
        x = examples(name, task, 30, 1).x
        for loss in kind_of(name).losses.get(TASKS[task].kind, ()):
            trained = train(name, task, loss=loss, epochs=1)
            found = trained.predict(x)
            if not kind_of(name).learns_in_epochs:  # whose graph takes seconds, and knows of no loss
                numpy.testing.assert_allclose(served(trained.to_onnx(), x), found, rtol=1e-5, atol=1e-5)


@every_kind
def test_every_parameter_is_described(name: str) -> None:
    kind = kind_of(name)
    told = descriptions(kind)
    assert [parameter for parameter in kind.model_fields if not told.get(parameter)] == []


@every_small_kind
def test_it_is_written_and_read_again(name: str) -> None:
    model = small(name)
    assert type(model).model_validate(model.model_dump(mode="json")) == model


@every_small_kind
@pytest.mark.parametrize("more", ["regularization", "capacity"])
def test_an_adjusted_model_has_more_until_its_bounds(name: str, more: Any) -> None:
    model: Model = small(name)
    for parameter in getattr(model, more):
        assert parameter in type(model).model_fields
    adjusted = model
    for _ in range(40):
        adjusted = adjusted.adjusted(more)  # a value out of bounds would raise
    limitless = {name for name in getattr(model, more) if getattr(model, name) is None}
    changed = {name for name in type(model).model_fields if getattr(model, name) != getattr(adjusted, name)}
    assert changed == set(getattr(model, more)) - limitless


def test_many_trees_together_are_not_more_than_certain() -> None:
    model = kind_of("random_forest")(n_estimators=40)
    x = examples("random_forest", "binary", 400, 1).x
    scores = served(train("random_forest", "binary", model=model).to_onnx(), x)
    assert (scores.min(), scores.max()) == (0, 1)


@every_case
def test_a_row_counts_as_much_as_it_weighs(name: str, task: str) -> None:
    """Each row is there twice, with what is true and with another target: the heavier one is learnt."""
    rows = examples(name, task, 400, 1)
    wrong = 100_000 - rows.y if task == "regression" else (rows.y + 1) % TASKS[task].outputs
    x, y = numpy.concatenate([rows.x, rows.x]), numpy.concatenate([rows.y, wrong])
    scores = []
    for share in (0.9, 0.1):
        weights = numpy.repeat([2 * share, 2 - 2 * share], len(rows.y))
        both = Examples(x, y, weights)
        trained = small(name).train(TASKS[task], both, both, budget(), Watched())
        scores.append(trained.predict(rows.x))
    if task == "regression":
        errors = [numpy.abs(found - rows.y).mean() for found in scores]
    else:
        errors = [1 - found[numpy.arange(len(rows.y)), rows.y].mean() for found in scores]
    assert errors[0] < errors[1]
