"""Formulas: what they mean, and why some are none."""

from __future__ import annotations

import numpy
import polars
import pytest
from pydantic import TypeAdapter, ValidationError

from aimass_compiler.expression.algebra import AsNumber, Bucket, Column, Expression
from aimass_compiler.expression.column_types import BOOLEAN, CATEGORY, NUMBER, TEXT, ColumnType, Index
from aimass_compiler.expression.formula import Formula
from tests.expression.both import assert_agree, by_polars

TYPES: dict[str, ColumnType] = dict.fromkeys(("a", "b", "a b", "if", "_quoted_0"), NUMBER) | {
    "plan": CATEGORY,
    "note": TEXT,
    "group": Index(3),
}
ROWS = polars.DataFrame(
    {
        "a": [4.0, None, -2.0, 0.0],
        "b": [2.0, 3.0, None, 0.0],
        "a b": [1.0, 2.0, 3.0, 4.0],
        "if": [9.0, 8.0, 7.0, 6.0],
        "_quoted_0": [5.0, 5.0, 5.0, 5.0],
        "plan": ["basic", "pro", None, ""],
        "note": ["basic", "x", "y", None],
    }
)
TABLE: dict[str, Expression] = {
    name: Column(name, kind) for name, kind in TYPES.items() if name != "group"
} | {"group": Bucket(Column("a", NUMBER), (0.0, 3.0))}
MISSING = float("nan")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a / b", [2, MISSING, MISSING, MISSING]),
        ("a / 4 - -b * 2", [5, MISSING, MISSING, 0]),
        ("(a + 1) * (b - 1)", [5, MISSING, MISSING, -1]),
        ("log(a)", [numpy.log(4), MISSING, MISSING, MISSING]),
        ("sqrt(abs(a))", [2, MISSING, numpy.sqrt(2), 0]),
        ("floor(a / 3)", [1, MISSING, -1, 0]),
        ("`a b` + `if` + _quoted_0", [15, 15, 15, 15]),
        ("a > 0", [1, 0, 0, 0]),
        ("not a > 0", [0, 1, 1, 1]),
        ("a != 4", [0, 0, 1, 1]),
        ("0 <= a < 4", [0, 0, 0, 1]),
        ("missing(a) or missing(plan)", [0, 1, 1, 1]),
        ("plan == 'basic'", [1, 0, 0, 0]),
        ("plan != 'basic'", [0, 1, 0, 0]),
        ("plan == note", [1, 0, 0, 0]),
        ("(a > 0) + (b > 0) * 2", [3, 2, 0, 0]),
        ("(a > 0) == (b > 2)", [0, 0, 1, 1]),
        ("group + 0", [2, MISSING, 0, 1]),
        ("group >= 1", [1, 0, 0, 1]),
        ("+".join(["a"] * 90), [360, MISSING, -180, 0]),
    ],
)
def test_it_means_what_it_says_in_both_engines(text: str, values: list[float]) -> None:
    formula = Formula.read(text)
    assert formula.problem(TYPES) is None
    found = formula.over(TABLE)
    expression = AsNumber(found) if found.type == BOOLEAN else found
    numpy.testing.assert_allclose(by_polars(expression, ROWS), values, rtol=1e-15)
    assert_agree(expression, ROWS, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "invalid syntax"),
        ("a +", "invalid syntax"),
        ("a / 0", "it divides by 0"),
        ("a / 1e-320", "it divides by 0"),
        ("a * 1e999", "a number that is too large"),
        ("9" * 400, "a number that is too large"),
        ("a ** 2", "more than a formula may hold"),
        ("a if a else b", "more than a formula may hold"),
        ("a.b", "more than a formula may hold"),
        ("[x for x in a]", "more than a formula may hold"),
        ("__import__('os')", "is none of log\\(\\), abs\\(\\)"),
        ("log(a, b)", "of one value"),
        ("a in b", "compares by more than"),
        ("plan < 'x'", "has no order"),
        ("plan == ''", "write missing\\(column\\)"),
        ("missing(a > 1)", "true or false, never missing"),
        ("-" * 300 + "1", "nested more than 100 deep"),
        ("(" * 300 + "1" + ")" * 300, "too many nested parentheses|too deep"),
        ("+".join(["a"] * 200), "nested more than 100 deep"),
        ("a + " * 300 + "a", "1201 characters"),
        ("a\x00", "null bytes"),
        (5, "`5` is not a formula"),
        (["a"], "is not a formula"),
    ],
)
def test_what_is_none_is_told(text: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(Formula).validate_python(text)


@pytest.mark.parametrize(
    ("text", "result", "said"),
    [
        ("plan + 1", "", "`plan` is a category where a number is needed"),
        ("plan == 3", "", "`plan` is a category where a number is needed"),
        ("a and b > 1", "", "`a` is a number where something true or false is needed"),
        ("not note", "", "`note` is text where something true or false is needed"),
        ("log(plan)", "", "`plan` is a category"),
        ("plan", "number", "it gives a category, not a number"),
        ("a + 1", "claim", "it gives a number, not something that is true or false"),
    ],
)
def test_operands_that_do_not_go_together_are_told(text: str, result: str, said: str) -> None:
    assert said in str(Formula.read(text).problem(TYPES, result))


@pytest.mark.parametrize("name", ["a=b", "a!b", "is null", "‘a’"])
def test_a_name_in_backticks_is_no_slip(name: str) -> None:
    assert Formula(f"`{name}` +").problem({name: NUMBER}) == "invalid syntax"


def test_it_knows_its_columns_in_their_order() -> None:
    assert Formula.read("`if` + log(b) * a + `a b` - b").columns == ("if", "b", "a", "a b")
