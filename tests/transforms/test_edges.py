"""What transforms do with columns that teach nothing, and with names that are odd."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from pydantic import ValidationError

from aimass_compiler.catalog.fit import features
from aimass_compiler.expression.algebra import Column, Pack
from aimass_compiler.expression.column_types import CATEGORY, NUMBER, Image
from tests.expression.both import assert_agree, by_polars
from tests.transforms.fitted import alone, fitted, frame, kind_of, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

NAN = math.nan


@pytest.mark.parametrize(
    ("name", "parameters", "train", "served", "values"),
    [
        # Nothing was there to learn from: what is missing stays missing, what comes stays as it is.
        ("impute", "a", [None, None], [None, 1.0], [NAN, 1]),
        ("impute", {"columns": "a", "with": "mean"}, [None, None], [None, 1.0], [NAN, 1]),
        ("impute", {"columns": "a", "with": "mode"}, [None, None], [None, 1.0], [NAN, 1]),
        ("standardize", "a", [None, None], [None, 1.0], [NAN, NAN]),
        ("min_max", "a", [None, None], [None, 1.0], [NAN, NAN]),
        ("bucket", "a", [None, None], [None, 1.0], [-1, 0]),
        ("robust", "a", [None, None], [None, 1.0], [NAN, NAN]),
        ("max_abs", "a", [None, None], [None, 1.0], [NAN, 1]),
        ("quantile_transform", "a", [None, None], [None, 1.0], [NAN, NAN]),
        ("power_transform", "a", [None, None], [None, 1.0], [NAN, 1]),
        ("clip", {"columns": "a", "quantiles": [0, 1]}, [None, None], [None, 1.0], [NAN, 1]),
        # A column of one value has no width to divide by, also when rounding finds a tiny one.
        ("standardize", "a", [0.1] * 7, [0.1, 1.1], [0, 1.1 - 0.1]),
        ("standardize", "a", [5.0], [5.0, 6.0], [0, 1]),
        ("min_max", "a", [3.0, 3.0], [3.0, 5.0], [0, 2]),
        ("min_max", "a", [0.0, 1e-310], [0.0, 1.0], [0, 1]),
        ("bucket", {"column": "a", "count": 4}, [3.0] * 9, [2.9, 3.0, None], [0, 1, -1]),
        ("bucket", {"column": "a", "count": 10}, [1.0, 2.0], [0.0, 1.5, 9.0], [0, 5, 9]),
        ("bucket", {"column": "a", "bounds": [1, 2]}, [None], [0.5, 1.0, 2.0], [0, 1, 2]),
        ("bucket", {"column": "a", "count": 4, "by": "width"}, [0.0, 1, 8], [-1.0, 2, 5, 9], [0, 1, 2, 3]),
        ("bucket", {"column": "a", "count": 4, "by": "width"}, [3.0, None], [2.0, 3.0, None], [0, 0, -1]),
        ("bucket", {"column": "a", "by": "target"}, [None, None], [2.0, None], [0, -1]),
        ("log", "a", [1.0], [-3.0, -1.0, 0.0, None], [NAN, NAN, 0, NAN]),
        ("log", {"columns": "a", "offset": 0}, [1.0], [-1.0, 0.0, 1.0], [NAN, NAN, 0]),
        ("clip", {"columns": "a", "min": 0}, [1.0], [-1.0, 0.5, None], [0, 0.5, NAN]),
        ("impute", {"columns": "a", "with": "mode"}, [2.0, 1.0, 1.0, 2.0, 3.0], [None], [1]),
        ("impute", "a", [1.0, 2.0, None, 10.0], [None], [2]),
        ("impute", {"columns": "a", "with": "constant", "value": -1}, [1.0], [None], [-1]),
        ("impute", {"columns": "a", "indicator": True}, [1.0], [None, 2.0], [1, 0]),
        ("robust", "a", [5.0, 5.0, 5.0, 9.0], [5.0, 7.0], [0, 2]),
        ("max_abs", "a", [0.0, 0.0], [0.0, 2.0], [0, 2]),
        ("max_abs", "a", [-4.0, 2.0], [-4.0, 2.0, 8.0], [-1, 0.5, 2]),
        ("quantile_transform", "a", [3.0] * 5, [2.0, 3.0, 4.0, None], [0.5, 0.5, 0.5, NAN]),
        (
            "quantile_transform",
            {"columns": "a", "count": 2},
            [0.0, 1.0, 4.0],
            [-9.0, 0.5, 2.5, 9],
            [0, 0.25, 0.75, 1],
        ),
        ("power_transform", "a", [3.0, 3.0], [-2.0, 0.0, 3.0], [-2, 0, 3]),
        ("frequency_encode", "a", ["x", "y", "y", "y", ""], ["y", "x", "new", None], [0.75, 0.25, 0, 0]),
        ("missing_as", {"columns": "a", "values": [0, -9]}, [1.0], [0.0, -0.0, -9, 1.0], [NAN, NAN, NAN, 1]),
        ("ordinal", "a", ["x", "y", "y", ""], ["y", "x", "z", "", None], [0, 1, -1, -1, -1]),
        ("ordinal", {"columns": "a", "values": ["x", "y"]}, ["q"], ["y", "x", "Y"], [1, 0, -1]),
    ],
)  # fmt: skip
def test_a_column_becomes(
    name: str, parameters: Any, train: Sequence[Any], served: Sequence[Any], values: Sequence[float]
) -> None:
    expression = alone(name, parameters, "a", train)
    rows = frame("a", served)
    assert_agree(expression, rows, rtol=1e-15)
    # The mean of equal numbers may be one rounding away from them.
    numpy.testing.assert_allclose(by_polars(expression, rows), values, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("one_hot", "a"), ("bag_of_words", "a"), ("bag_of_words", {"column": "a", "ngrams": 3})],
)
def test_a_column_without_names_gives_no_features(name: str, parameters: Any) -> None:
    for nothing in (["", ""], ["", None], ["  ", " "] if name == "bag_of_words" else [None, ""]):
        expression = alone(name, parameters, "a", nothing)
        assert expression.labels == ()
        packed = Pack((Column("n", NUMBER), expression), ("n", "a"))
        rows = frame("a", ["x y", "", None]).with_columns(n=polars.Series([1.0, None, 2.0]))
        assert_agree(packed, rows)
        assert packed.labels == ("n",)


def test_buckets_are_cut_where_the_target_changes() -> None:
    values = [float(number) for number in range(40)]
    target = ["yes" if 10 <= value < 30 else "no" for value in values]
    rows = polars.DataFrame({"a": values, "churned": target})
    bucket = kind_of("bucket").model_validate({"column": "a", "count": 5, "by": "target"})
    expression = fitted([bucket], rows, {"a": Column("a", NUMBER)})["a"]
    assert_agree(expression, rows)
    assert by_polars(expression, rows).tolist() == [0] * 10 + [1] * 20 + [2] * 10


def test_rare_names_and_unseen_ones_are_put_together() -> None:
    expression = alone("rare", {"columns": "a", "below": 0.3}, "a", ["x", "x", "x", "y", "", None])
    rows = frame("a", ["x", "y", "new", "", None])
    assert_agree(expression, rows)
    assert by_polars(expression, rows).tolist() == ["x", "other", "other", "", ""]


def test_markers_among_names_are_missing() -> None:
    expression = alone("missing_as", {"columns": "a", "values": ["?", "none"]}, "a", ["x"])
    rows = frame("a", ["x", "?", "none", "", None, "None"])
    assert_agree(expression, rows)
    assert by_polars(expression, rows).tolist() == ["x", "", "", "", "", "None"]


def test_one_hot_keeps_the_most_frequent_names() -> None:
    rows = ["c", "c", "c", "b", "b", "a", "a", None]
    expression = alone("one_hot", {"columns": "a", "limit": 2}, "a", rows)
    assert expression.labels == ("a=a", "a=c")
    found = by_polars(expression, frame("a", ["c", "a", "b", "new", None, ""]))
    numpy.testing.assert_array_equal(found, [[0, 1], [1, 0], [0, 0], [0, 0], [0, 0], [0, 0]])


def test_unseen_names_are_crossed_like_any_other() -> None:
    table = {"p": Column("p", CATEGORY), "q": Column("q", CATEGORY)}
    train = polars.DataFrame({"p": ["a"], "q": ["b"], "churned": ["no"]})
    expression = fitted([kind_of("cross")(columns=("p", "q"), size=50)], train, table)["p_x_q"]  # type: ignore[call-arg]  # its own parameters
    rows = polars.DataFrame({"p": ["a", "new", None, "", "ab"], "q": ["b", "b", "b", "b", ""]})
    assert_agree(expression, rows)
    found = by_polars(expression, rows)
    assert (found.sum(axis=1) == 1).all()
    numpy.testing.assert_array_equal(found[2], found[3])
    assert (found[0] != found[4]).any()


def test_pictures_are_scaled_by_all_their_pixels() -> None:
    pixels = numpy.array([[0, 10, 20, 30], [40, 50, 60, 70]], dtype=numpy.float32)
    rows = polars.DataFrame(
        {"photo": polars.Series(pixels, dtype=polars.Array(polars.Float32, 4)), "churned": ["no", "yes"]}
    )
    rows = polars.concat([rows, rows.with_columns(photo=polars.lit(None, dtype=rows.schema["photo"]))])
    table = {"photo": Column("photo", Image((1, 2, 2)))}
    for name, expected in (("standardize", (pixels - 35) / pixels.std()), ("min_max", pixels / 70)):
        expression = fitted([kind_of(name).model_validate({"columns": "photo"})], rows, table)["photo"]
        assert_agree(expression, rows)
        numpy.testing.assert_allclose(by_polars(expression, rows)[:2].reshape(2, 4), expected, rtol=1e-6)
        assert numpy.isnan(by_polars(expression, rows)[2:]).all()


@pytest.mark.parametrize("top", [1, 2, 1000])
@pytest.mark.parametrize("by", ["variance", "mutual_information"])
def test_select_keeps_at_most_what_there_is(top: int, by: str) -> None:
    select = kind_of("select").model_validate({"top": top, "by": by, "columns": ["tenure", "age", "words"]})
    table = fitted([select], sample(40))
    assert len(table["selected"].labels) == min(top, 10)
    assert "tenure" not in table
    assert_agree(table["selected"], sample(10, seed=2))


def test_select_may_keep_nothing() -> None:
    select = kind_of("select").model_validate({"variance": 1e9, "columns": ["tenure", "age"]})
    selected = fitted([select], sample(40))["selected"]
    assert selected.labels == ()
    assert_agree(selected, sample(3))


ODD = [
    "a",
    "a.b",
    "a.b.mean",
    "numbers",
    "strings",
    "features",
    "*",
    "^a.*$",
    "0.mean",
    "with space",
    "'\"`",
    "äöü 😀",
    "n0",
    "",
]


def test_columns_are_told_apart_whatever_their_names() -> None:
    values = numpy.random.default_rng(0).normal(range(len(ODD)), 1 + numpy.arange(len(ODD)), (30, len(ODD)))
    rows = polars.DataFrame(dict(zip(ODD, values.T, strict=True))).with_columns(
        churned=polars.Series(["no", "yes"] * 15)
    )
    table = {name: Column(name, NUMBER) for name in ODD}
    steps = [
        kind_of("impute").model_validate({"columns": ODD, "indicator": True}),
        kind_of("clip").model_validate({"columns": ODD, "quantiles": [0, 1]}),
        kind_of("standardize").model_validate({"columns": ODD}),
    ]
    result = features(fitted(steps, rows, table))
    expected = (values - values.mean(axis=0)) / values.std(axis=0)
    found = by_polars(result, rows)[:, : len(ODD)]
    numpy.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert_agree(result, rows.drop("churned"))


@pytest.mark.parametrize("steps", [25])
def test_long_chains_stay_small(steps: int) -> None:
    chain = []
    for _ in range(steps):
        chain += [
            {"impute": {"columns": "a"}},
            {"clip": {"columns": "a", "min": -5, "max": 5}},
            {"log": {"columns": "a", "offset": 6}},
        ]
    transforms = [
        kind_of(name).model_validate(parameters) for step in chain for name, parameters in step.items()
    ]
    rows = frame("a", [1.0, None, 3.0])
    result = fitted(transforms, rows, {"a": Column("a", NUMBER)})["a"]
    assert_agree(result, rows, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("impute", {"columns": "a", "with": "constant"}, "needs the `value`"),
        ("impute", {"columns": "a", "value": 1}, "`value` goes with"),
        ("bucket", {"column": "a", "bounds": [2, 1]}, "must ascend"),
        ("bucket", {"column": "a", "count": 1}, "greater than or equal to 2"),
        ("clip", {"columns": "a"}, "clip needs `quantiles`, or"),
        ("clip", {"columns": "a", "min": 2, "max": 1}, "must be below the upper"),
        ("select", {}, "either `top` or `variance`"),
        ("ordinal", {"columns": "a", "values": ["x", "x"]}, "`x` is a duplicate in `values`"),
        ("ordinal", {"columns": "a", "values": [""]}, "at least 1 character"),
        ("compute", {"name": "b", "formula": "a +"}, "is not a formula"),
        ("polynomial", {"columns": "a", "squares": False}, "needs at least two columns"),
        ("date_parts", {"column": "a", "parts": ["year"], "give": "category"}, "`year` is no category"),
        ("date_parts", {"column": "a", "parts": []}, "at least 1 item"),
        ("date_parts", {"column": "a", "timezone": "Europe/Berlim"}, "no time zone `Europe/Berlim`"),
        ("cycle", {"columns": "a", "period": 0}, "greater than 0"),
        ("quantile_transform", {"columns": "a", "count": 1}, "greater than or equal to 2"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name: str, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        kind_of(name).model_validate(parameters)


def test_a_filling_must_be_of_the_column_s_type() -> None:
    impute = kind_of("impute").model_validate({"columns": ["a"], "with": "constant", "value": "none"})
    assert impute.problem({"a": NUMBER}) == "`none` cannot fill `a`, which is a number"
    assert impute.problem({"a": CATEGORY}) is None
