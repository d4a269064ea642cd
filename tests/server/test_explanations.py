"""Explanations: Shapley values that add up, equal their definition, and are off unless they are wanted."""

from __future__ import annotations

import copy
import math
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy
import pytest
from harness.issuer import key_of, mounted
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_compiler import conventions
from aimass_compiler.runtime.server.explanations.column_shapley import ColumnShapley
from aimass_compiler.runtime.server.explanations.score_scale import ScoreScale
from aimass_compiler.runtime.server.model import OnnxModel
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.rows import RowReader
from server import packages
from server.packages import CHURN_EXAMPLE, PLANS, churn_probabilities
from server.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from server.serving import Server

BACKGROUND = [
    {"tenure": float(number), "age": 20.0 + 7 * number, "plan": PLANS[number % 3], "note": f"{number}"}
    for number in range(8)
]
ROW = {**CHURN_EXAMPLE, "age": 31.0, "plan": "pro"}


@pytest.fixture(scope="module")
def explaining(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves the churn model, which explains the probability of `yes`."""
    folder = packages.churn(tmp_path_factory.mktemp("served") / "churn")
    with serving(packages.explaining(folder, BACKGROUND, "yes")) as server:
        yield server


def chance_of_yes(row: dict[str, Any]) -> float:
    return float(churn_probabilities(row["tenure"], row["age"], row["plan"])[1])


def by_definition(row: dict[str, Any], model: Callable[[dict[str, Any]], float]) -> dict[str, float]:
    """What each column adds, in the mean over all orders of the columns and all background rows."""
    found = dict.fromkeys(row, 0.0)
    for order in permutations(row):
        for other in BACKGROUND:
            mixed = dict(other)
            for column in order:
                before = model(mixed)
                mixed[column] = row[column]
                found[column] += model(mixed) - before
    return {name: value / math.factorial(len(row)) / len(BACKGROUND) for name, value in found.items()}


def test_contributions_of_few_columns_are_those_of_the_definition(explaining: Server) -> None:
    (found,) = explaining.ask("POST", "/explain", {"rows": [ROW]}).json["predictions"]
    explanation = found["explanation"]
    assert (explanation["of"], explanation["scale"], explanation["exact"]) == ("yes", "probability", True)
    assert explanation["base"] == pytest.approx(numpy.mean([chance_of_yes(row) for row in BACKGROUND]))
    expected = by_definition(ROW, chance_of_yes)
    assert explanation["contributions"] == pytest.approx(expected, abs=1e-6)
    assert explanation["contributions"]["note"] == 0, "the model does not look at it"
    sizes = [abs(value) for value in explanation["contributions"].values()]
    assert sizes == sorted(sizes, reverse=True), "the largest comes first"


def test_base_and_contributions_add_up_to_the_answer(explaining: Server) -> None:
    rows = [{**ROW, "tenure": tenure, "plan": plan} for tenure in (0.0, None, 9.5) for plan in PLANS]
    answers = explaining.ask("POST", "/explain", {"rows": rows}).json["predictions"]
    plain = explaining.predict(*rows).json["predictions"]
    for answer, alone in zip(answers, plain, strict=True):
        explanation = answer.pop("explanation")
        assert answer == alone
        total = explanation["base"] + sum(explanation["contributions"].values())
        assert total == pytest.approx(alone["probabilities"]["yes"], abs=1e-6)


def test_the_same_row_is_always_explained_alike(explaining: Server) -> None:
    first, again = (explaining.ask("POST", "/explain", ROW).json for _ in range(2))
    assert first == again


def test_more_rows_than_are_explained_at_once_are_refused(explaining: Server) -> None:
    reply = explaining.ask("POST", "/explain", {"rows": [ROW] * 11})
    assert reply.status == 413
    assert "11 rows are more than the 10 that are explained at once" in reply.json["error"]


def test_a_row_that_breaks_the_contract_is_refused_as_ever(explaining: Server) -> None:
    reply = explaining.ask("POST", "/explain", {"rows": [{**ROW, "age": 200}]})
    assert (reply.status, reply.json["field"], reply.json["row"]) == (422, "age", 0)


def test_openapi_says_how_to_ask(explaining: Server) -> None:
    document = explaining.get("/openapi.json").json
    asked = document["paths"]["/explain"]["post"]["requestBody"]["content"]["application/json"]
    assert asked["schema"]["anyOf"][0]["properties"]["rows"]["maxItems"] == 10
    assert explaining.ask("POST", "/explain", asked["example"]).status == 200
    assert explaining.get("/").json["endpoints"]["explain"] == "POST /explain"


def test_explanations_are_not_counted_as_predictions(explaining: Server) -> None:
    before = explaining.metric("aimass_predicted_rows_total")
    explaining.ask("POST", "/explain", ROW)
    assert explaining.metric("aimass_predicted_rows_total") == before


def test_a_caller_pays_for_the_rows_that_are_explained(tmp_path: Path) -> None:
    package = packages.explaining(packages.churn(tmp_path / "churn"), BACKGROUND, "yes")
    limits = [{"unit": "rows", "count": 1, "seconds": 60}]
    folder = mounted(tmp_path / "access", {"shop": {"limits": limits}})
    with serving(package, **{conventions.VARIABLE_ACCESS: str(folder)}) as server:
        asked, headers = {"rows": [ROW] * 3}, {"x-api-key": key_of("shop")}
        replies = [server.ask("POST", "/explain", asked, headers) for _ in range(2)]
        logged = [line["rows"] for line in server.events() if line["event"] == "request"]
    assert [reply.status for reply in replies] == [200, 429]
    assert logged == [3, 0], "the log says what was charged"


def test_a_package_without_background_rows_explains_nothing(churn: Server) -> None:
    reply = churn.ask("POST", "/explain", ROW)
    assert reply.status == 404
    assert "`serving.explanations`" in reply.json["error"]
    assert "/explain" not in churn.get("/openapi.json").json["paths"]


def test_an_operator_may_turn_them_off(tmp_path: Path) -> None:
    package = packages.explaining(packages.churn(tmp_path / "churn"), BACKGROUND, "yes")
    with serving(package, "--explained-rows=0") as server:
        assert server.ask("POST", "/explain", ROW).status == 404


@given(st.lists(st.floats(-100, 100, width=32), min_size=9, max_size=9))
@settings(deadline=None)
def test_many_columns_are_sampled_and_still_add_up(sums: ColumnShapley, values: list[float]) -> None:
    row = {"numbers": numpy.array([values])}
    found = sums.contributions(row, numpy.array([sum(values)]))[:, 0]
    assert found == pytest.approx([value - 1.5 * place for place, value in enumerate(values)], abs=1e-3), (
        "of a sum each column adds how far it is from the background's mean"
    )
    assert found.sum() + sums.base[0] == pytest.approx(sum(values), abs=1e-3)


class Pairs:
    """A model whose columns matter by themselves and two by two, as in trees of two levels."""

    def run(self, tensors: dict[str, Any], limit: Any = None) -> dict[str, Any]:
        del limit
        numbers = tensors["numbers"]
        ahead = numpy.roll(numbers, -1, axis=1)
        return {"prediction": (numbers**2 + numpy.where(numbers > 1, ahead, 0.0)).sum(axis=1)}


@given(st.lists(st.floats(-10, 10, width=32), min_size=9, max_size=9))
@settings(deadline=None, max_examples=20)
def test_columns_that_matter_two_by_two_are_explained_exactly(
    sums: ColumnShapley, values: list[float]
) -> None:
    """An order and its reverse have each of two columns once before the other, which is all that matters."""
    explainer = copy.copy(sums)
    model: Any = Pairs()
    explainer._model = model
    explainer._scores = explainer._asked(explainer._background, None)
    row = numpy.array([values])
    others = explainer._background["numbers"]
    found = explainer.contributions({"numbers": row}, model.run({"numbers": row})["prediction"])[:, 0]
    assert found == pytest.approx(two_by_two(row[0], others), abs=1e-6)


def two_by_two(row: Any, others: Any) -> Any:
    """The Shapley values of `Pairs`, pair by pair: the mean over who of the two comes first."""
    found = (row**2 - others**2).mean(axis=0)
    for first in range(len(row)):
        second = (first + 1) % len(row)
        a, b = row[first] > 1, others[:, first] > 1
        x, y = row[second], others[:, second]
        found[first] += ((1.0 * a - b) * (x + y) / 2).mean()
        found[second] += ((x - y) * (1.0 * a + b) / 2).mean()
    return found


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> ColumnShapley:
    """Explains the sum of nine numbers, whose background has the means 0, 1.5, 3 and so on."""
    package = read_package(packages.price(tmp_path_factory.mktemp("sums") / "price", columns=9))
    rows = [{f"x{place}": 1.5 * place + shift for place in range(9)} for shift in (-2.0, 0.0, 2.0)]
    tensors = RowReader(package.signature, 1000).tensors(rows)
    scale = ScoreScale.of(package.signature, in_log_odds=False)
    return ColumnShapley(package.signature, OnnxModel(package, 1), tensors, scale)
