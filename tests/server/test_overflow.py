"""Finite inputs whose prediction is not finite: refused by name, never answered with a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from server.packages import CHURN_EXAMPLE

if TYPE_CHECKING:
    from server.serving import Server

PRICE = {"x0": 1.0, "x1": 1.0, "x2": 1.0}


@pytest.mark.parametrize("column", PRICE)
@pytest.mark.parametrize("value", [1e39, -1e300, 1.7e308])
def test_a_regression_names_the_number_that_is_too_large(price: Server, column: str, value: float) -> None:
    reply = price.predict(PRICE, {**PRICE, column: value})
    assert (reply.status, reply.json["field"], reply.json["row"]) == (422, column, 1)
    assert reply.json["error"] == (
        f"row 1: `{column}` is {value:.12g}, for which the prediction is not finite; "
        "send a number in the range of the training data, such as 1.5"
    )


def test_of_two_the_larger_is_named_and_no_row_is_answered(price: Server) -> None:
    reply = price.predict({**PRICE, "x0": 1e200, "x1": -1e300})
    assert (reply.status, reply.json["field"]) == (422, "x1")


def test_a_classification_answers_no_label_beside_nothing(churn: Server) -> None:
    reply = churn.predict({**CHURN_EXAMPLE, "tenure": 1e300})
    assert (reply.status, reply.json["field"]) == (422, "tenure")
    inputs = [
        {
            "name": name,
            "shape": [1],
            "datatype": "BYTES" if isinstance(value, str) else "FP64",
            "data": [value],
        }
        for name, value in {**CHURN_EXAMPLE, "tenure": 1e300}.items()
    ]
    assert churn.infer("churn", inputs=inputs).status == 422


def test_one_callers_overflow_is_not_anothers(price: Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def ask(value: float) -> Any:
        return price.predict({**PRICE, "x0": value})

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(ask, [1.0, 1e300] * 40))
    assert [reply.status for reply in replies] == [200, 422] * 40


def test_many_rows_are_run_part_by_part_and_answered_in_order(price: Server) -> None:
    rows: list[dict[str, Any]] = [{**PRICE, "x0": float(number)} for number in range(9_000)]
    found = price.predict(*rows).json["predictions"]
    assert [answer["prediction"] for answer in found] == [number + 2.0 for number in range(9_000)]
    refused = price.predict(*rows, {**PRICE, "x2": 1e300})
    assert (refused.status, refused.json["field"], refused.json["row"]) == (422, "x2", 9_000)
