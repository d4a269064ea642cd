"""Serving computes what a batch computes: every operator, over any rows."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, cast

import numpy
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass_compiler.expression import algebra, polars_lowering
from aimass_compiler.expression.algebra import (
    Arithmetic,
    AtCode,
    Column,
    Constant,
    Expression,
    Lookup,
    Pack,
)
from aimass_compiler.expression.column_types import Image, NumberSeries
from tests.expression.both import NUMBERS, STRINGS, assert_agree, by_onnx, by_polars, frames
from tests.expression.expressions import BY_OPERATOR, make

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

OPERATORS = [
    kind
    for kind in vars(algebra).values()
    if inspect.isclass(kind) and issubclass(kind, Expression) and kind is not Expression
]
#: Words are no result by themselves, and a series is in no table here.
ELSEWHERE = (algebra.Words, algebra.Rescaled)
deliberate = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def test_every_operator_can_be_made() -> None:
    lacking = [kind.__name__ for kind in OPERATORS if kind not in BY_OPERATOR]
    assert not lacking, f"say in tests/expression/expressions.py how to make {lacking}"


@pytest.mark.parametrize(
    "kind", [kind for kind in OPERATORS if kind not in ELSEWHERE], ids=lambda kind: kind.__name__
)
@deliberate
@given(st.data())
def test_both_engines_give_the_same_values(kind: type[Expression], data: DataObject) -> None:
    expression = data.draw(make(kind))
    is_rounded = isinstance(expression, algebra.Function) and expression.name == "log"
    assert_agree(expression, data.draw(frames()), rtol=1e-14 if is_rounded else 0.0)


@pytest.mark.parametrize(
    "kind", [kind for kind in OPERATORS if kind not in ELSEWHERE], ids=lambda kind: kind.__name__
)
@settings(deliberate, max_examples=3)
@given(st.data())
def test_a_batch_may_have_no_rows(kind: type[Expression], data: DataObject) -> None:
    expression = data.draw(make(kind))
    assert len(by_polars(expression, data.draw(frames(least=0, most=0)))) == 0


@settings(deliberate, max_examples=15)
@given(make(algebra.Pack), frames(least=2))
def test_a_row_is_computed_alone_as_among_others(expression: Expression, rows: polars.DataFrame) -> None:
    together = by_onnx(expression, rows)
    alone = [by_onnx(expression, rows[place : place + 1]) for place in range(len(rows))]
    numpy.testing.assert_array_equal(numpy.concatenate(alone), together)


@pytest.mark.parametrize("operator", ["add", "subtract", "multiply"])
@pytest.mark.parametrize("name", ["photo", "n0", "c0", "features'"])
def test_pictures_meet_constants(operator: str, name: str) -> None:
    shape = (3, 2, 2)
    pixels = numpy.random.default_rng(0).normal(size=(4, 12)).astype(numpy.float32)
    rows = polars.DataFrame({name: polars.Series(pixels, dtype=polars.Array(polars.Float32, 12))})
    rows = rows.with_columns(
        polars.when(polars.int_range(polars.len()) != 2).then(polars.col(name)).alias(name)
    )
    shifted = Arithmetic("subtract", Column(name, Image(shape)), Constant(0.1))
    expression = Arithmetic(cast("object", operator), shifted, Constant(1 / 3))  # type: ignore[arg-type]  # one of its words
    batch = by_polars(expression, rows)
    numpy.testing.assert_array_equal(by_onnx(expression, rows), batch)
    assert numpy.isnan(batch[2]).all()


def test_a_series_is_scaled_channel_by_channel_up_to_its_end() -> None:
    series = [[1.0, 2.0, 4.0, 8.0], [0.1, 0.2, None, None], None]
    rows = polars.DataFrame({"load": polars.Series(series, dtype=polars.Array(polars.Float32, 4))})
    expression = algebra.Rescaled(Column("load", NumberSeries((2, 2))), (1.0, 0.0), (2.0, 1 / 3))
    batch = by_polars(expression, rows)
    numpy.testing.assert_array_equal(by_onnx(expression, rows), batch)
    numpy.testing.assert_allclose(batch[0], [[0, 2 / 3], [6, 8 / 3]], rtol=1e-6)
    assert numpy.isnan(batch).sum(axis=(1, 2)).tolist() == [0, 2, 4]


def test_a_quotient_by_zero_is_missing() -> None:
    rows = polars.DataFrame({"a": [1.0, 0.0, -1.0, 6.0], "b b": [0.0, 0.0, -0.0, 3.0]})
    quotient = Arithmetic("divide", *NUMBERS[:2])
    numpy.testing.assert_array_equal(by_onnx(quotient, rows), [numpy.nan, numpy.nan, numpy.nan, 2.0])
    assert rows.select(polars_lowering.lower(quotient)).to_series().to_list() == [None, None, None, 2.0]


@pytest.mark.parametrize("operator", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("number", [1 + 1e-9, 1 - 1e-12, 1 - 5e-8, 1 + 2**-52, 7e-46, -1e-60])
def test_a_number_that_float32_would_lose_is_kept(operator: str, number: float) -> None:
    rows = polars.DataFrame({"a": [1e8, 1.0, -3e-200, 1.4e-45, 0.0], "b b": [1.0, 2.0, None, 0.0, 0.0]})
    for sides in ((NUMBERS[0], Constant(number)), (Constant(number), NUMBERS[0])):
        # A lone node stays; between others it would go.
        halved = Arithmetic("multiply", Arithmetic(operator, *sides), Constant(0.5))
        # polars divides by a number as it multiplies by its reciprocal, which rounds once more.
        numpy.testing.assert_allclose(by_onnx(halved, rows), by_polars(halved, rows), rtol=3e-16)


def test_an_expression_may_stand_beside_itself() -> None:
    code = Lookup(STRINGS[0], ("a", "b"))
    shared = (AtCode(code, (1.5, 2.5)), NUMBERS[0], Constant(2.0))
    rows = polars.DataFrame({"numbers": ["a", "b", None, "c"], "a": [1.0, 2.0, None, 4.0]})
    for value in shared:
        products = tuple(Arithmetic("multiply", value, Constant(factor)) for factor in (1.0, 2.0, 3.0))
        pack = Pack(products, ("one", "two", "three"))
        numpy.testing.assert_array_equal(by_onnx(pack, rows), by_polars(pack, rows))
