"""POST /predict: rows in, predictions out, and a sentence for every row that breaks the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from server.packages import CHURN_EXAMPLE, churn_probabilities

if TYPE_CHECKING:
    from server.serving import Server


def row(**changes: Any) -> dict[str, Any]:
    return {**CHURN_EXAMPLE, **changes}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CHURN_EXAMPLE.items() if key != name}


def yes(reply: Any) -> list[float]:
    assert reply.status == 200, reply.body
    return [found["probabilities"]["yes"] for found in reply.json["predictions"]]


def test_a_row_gets_its_label_and_all_probabilities(churn: Server) -> None:
    reply = churn.predict(row(tenure=1, age=20, plan="pro"))
    no_share, yes_share = churn_probabilities(1, 20, "pro").tolist()
    (found,) = reply.json["predictions"]
    assert found["label"] == ("yes" if yes_share > no_share else "no")
    assert found["probabilities"] == {"no": pytest.approx(no_share), "yes": pytest.approx(yes_share)}
    assert reply.json["model"] == "churn"
    assert reply.headers["content-type"] == "application/json"


def test_a_regression_answers_numbers(price: Server) -> None:
    reply = price.predict({"x0": 1, "x1": 2.5, "x2": -0.5}, {"x0": 0, "x1": 0, "x2": 0})
    assert reply.json["predictions"] == [{"prediction": 3.0}, {"prediction": 0.0}]


def test_a_picture_is_nested_lists(digits: Server) -> None:
    reply = digits.predict({"picture": [[[0, 0.5], [1, 0]]]})
    assert reply.status == 200
    assert sum(reply.json["predictions"][0]["probabilities"].values()) == pytest.approx(1)


def test_one_row_may_stand_alone(churn: Server) -> None:
    assert yes(churn.ask("POST", "/predict", row())) == yes(churn.predict(row()))


def test_thousands_of_rows_are_answered_in_their_order(churn: Server) -> None:
    ages = [16 + number % 100 for number in range(5_000)]
    expected = [churn_probabilities(3, age, "basic")[1] for age in ages]
    assert yes(churn.predict(*(row(age=age) for age in ages))) == pytest.approx(expected, abs=1e-6)


def test_null_and_absent_are_the_same_for_a_field_that_may_lack(churn: Server) -> None:
    told = yes(churn.predict(row(tenure=None, note=None), without("tenure") | {"note": ""}))
    assert told == pytest.approx([churn_probabilities(0, 40, "basic")[1]] * 2)


def test_a_column_of_the_data_that_the_model_does_not_read_is_ignored(churn: Server) -> None:
    assert yes(churn.predict(row(customer_id="c-17"))) == yes(churn.predict(row()))


@pytest.mark.parametrize(
    "note", ["", "naïve Größe", "日本語", "🦊\u200d", "a\nb\t\u0000c", "\\ \" ' {}", "x" * 20_000]
)
def test_any_text_is_a_note(churn: Server, note: str) -> None:
    assert yes(churn.predict(row(note=note))) == yes(churn.predict(row()))


@pytest.mark.parametrize(
    ("broken", "field", "told"),
    [
        (row(tenur=3), "tenur", 'there is no field "tenur"; did you mean `tenure`?'),
        (without("age"), "age", "`age` is missing, and the model needs it"),
        (row(age=None), "age", "`age` must have a value: this model was not trained to do without it"),
        (row(age="40"), "age", '`age` must be a number, not "40"; write it without quotes'),
        (row(age=True), "age", "`age` must be a number, not true"),
        (row(age=[40]), "age", "`age` must be a number, not [40]"),
        (row(age=15.5), "age", "`age` must be at least 16, not 15.5"),
        (row(age=121), "age", "`age` must be at most 120, not 121"),
        (row(tenure=-1), "tenure", "`tenure` must be at least 0, not -1"),
        (row(plan="Pro"), "plan", 'the names that were declared, not "Pro"; did you mean `pro`?'),
        (row(plan=""), "plan", "`plan` must have a value"),
        (row(plan=None), "plan", "`plan` must have a value"),
        (row(plan=5), "plan", "`plan` must be a string, not 5; write it in quotes"),
        (row(note=["a"]), "note", '`note` must be a string, not ["a"]'),
    ],
)  # fmt: skip
def test_a_row_that_breaks_the_contract_is_refused_by_name(
    churn: Server, broken: dict[str, Any], field: str, told: str
) -> None:
    reply = churn.predict(row(), broken)
    assert reply.status == 422
    assert reply.json["field"] == field
    assert reply.json["row"] == 1
    assert reply.json["error"].startswith("row 1: ")
    assert told in reply.json["error"]


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (None, "must have a value"),
        ("0 0.5 1 0", "must be numbers nested as [1, 2, 2]"),
        ([[[0, 1], [1]]], "its lists differ in length"),
        ([[0, 1], [1, 0]], "must have the shape [1, 2, 2], not [2, 2]"),
        ([[[0, None], [1, 0]]], "it holds something else"),
        ([[[0, 1e300], [1, 0]]], "holds numbers that are not finite"),
    ],
)
def test_a_picture_of_another_form_is_refused(digits: Server, picture: Any, told: str) -> None:
    reply = digits.predict({"picture": picture})
    assert (reply.status, reply.json["field"]) == (422, "picture")
    assert told in reply.json["error"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is not JSON"),
        (b'{"rows": [', "the body is not JSON"),
        (b'{"rows": [{"age": NaN}]}', "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[1]", "the body must be one row"),
        (b'{"rows": []}', "`rows` must be a list of at least one row, not []"),
        (b'{"rows": {"age": 1}}', "`rows` must be a list"),
        (b'{"rows": [1]}', "row 0 must be an object of fields, not 1"),
        (b'{"rows": [{}], "age": 3}', '"age" is not allowed beside `rows`'),
    ],
)
def test_a_body_that_holds_no_rows_is_a_bad_request(churn: Server, body: bytes, told: str) -> None:
    reply = churn.ask("POST", "/predict", body)
    assert reply.status == 400
    assert told in reply.json["error"]


def test_paths_and_methods_that_are_not_there_say_so(churn: Server) -> None:
    lost = churn.ask("POST", "/predicted", {})
    assert (lost.status, lost.json["error"]) == (
        404,
        "there is nothing at /predicted; did you mean `/predict`?",
    )
    mistaken = churn.ask("PUT", "/predict", {})
    assert (mistaken.status, mistaken.headers["allow"]) == (405, "POST")
    assert churn.ask("POST", "/metrics", {}).headers["allow"] == "GET"
