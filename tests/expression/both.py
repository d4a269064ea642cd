"""One expression computed by both engines, over the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import polars
from hypothesis import strategies as st

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.expression import onnx_lowering, polars_lowering
from aimass_compiler.expression.algebra import Column, Expression, columns_of
from aimass_compiler.expression.column_types import CATEGORY, NUMBER, TEXT
from aimass_compiler.expression.onnx_graph import Inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx
    from hypothesis.strategies import SearchStrategy

NUMBERS = (Column("a", NUMBER), Column("b b", NUMBER), Column("*", NUMBER))
STRINGS = (Column("numbers", CATEGORY), Column("^s.'\"$", CATEGORY), Column("текст", TEXT))

numbers = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e-320, 1e300, -1e300, float("inf"), float("-inf")]),
    st.floats(allow_nan=False),
)
words = st.sampled_from(
    ["a", "A", "b", "Zoë", "ÄÖ", "ﬁ", "K", "1", "\t", "a\nb", "\u00a0", "\x1f", "😀", "ß"]
)
strings = st.one_of(
    st.none(),
    st.just(""),
    words,
    st.lists(st.one_of(words, st.just("")), max_size=6).map(" ".join),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
)


def frames(least: int = 1, most: int = 8) -> SearchStrategy[polars.DataFrame]:
    """Tables with every column of NUMBERS and STRINGS."""

    def table(rows: list[tuple[Any, ...]]) -> polars.DataFrame:
        schema = {column.name: polars.Float64 for column in NUMBERS}
        schema |= {column.name: polars.String for column in STRINGS}
        return polars.DataFrame(rows, schema=schema, orient="row")

    cells = [numbers] * len(NUMBERS) + [strings] * len(STRINGS)
    return st.lists(st.tuples(*cells), min_size=least, max_size=most).map(table)


def inputs_of(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """What features.json says about these columns."""
    packed = Inputs.of(columns)
    found: list[dict[str, Any]] = []
    for column in columns:
        tensor = column.type.tensor
        if tensor:
            index = packed.packed(tensor).index(column.name)
            found.append({"name": column.name, "tensor": tensor, "index": index})
        else:
            found.append({"name": column.name, "tensor": column.name, "shape": column.type.shape})
    return found


def by_polars(expression: Expression, rows: polars.DataFrame) -> numpy.ndarray:
    """What a batch computes, with missing numbers as NaN and missing strings empty."""
    lazy, (flat,) = polars_lowering.flattened(rows.lazy(), [expression])
    values = lazy.with_columns(polars_lowering.lower(flat).alias("value")).collect()["value"]
    if expression.type.is_string:
        return values.fill_null("").to_numpy()
    if expression.type.is_single and expression.type.dtype.is_float():
        values = values.fill_null(float("nan"))
    return values.to_numpy().reshape(len(values), *(expression.type.shape or values.to_numpy().shape[1:]))


def by_onnx(expression: Expression, rows: polars.DataFrame) -> numpy.ndarray:
    """What serving computes; one column comes back flat."""
    pictures = [column for column in columns_of(expression) if not column.type.tensor]
    types = {polars.Float64: NUMBER, polars.String: CATEGORY}
    read = {column.name: column for column in columns_of(expression)}
    others = [
        read.get(name, Column(name, types[kind.base_type()]))
        for name, kind in rows.schema.items()
        if kind.base_type() in types and (not pictures or name in read)
    ]
    columns = [*pictures[:1], *others]
    model = onnx_lowering.lower(expression, Inputs.of(columns))
    values = served(model, pack(rows, inputs_of(columns)))
    return values.reshape(len(values)) if expression.type.is_single else values


def served(model: onnx.ModelProto, tensors: dict[str, numpy.ndarray]) -> numpy.ndarray:
    """What onnxruntime answers."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    answered: numpy.ndarray = session.run(None, tensors)[0]
    return answered


def assert_agree(
    expression: Expression, rows: polars.DataFrame, rtol: float = 0.0, atol: float = 1e-300
) -> None:
    """Both engines give the same values; a relative difference only where it is allowed."""
    batch, serving = by_polars(expression, rows), by_onnx(expression, rows)
    if expression.type.is_string:
        assert list(batch) == list(serving)
        return
    assert batch.shape == serving.shape
    # Below 1e-300 engines may take a number for 0; a feature is a float32, which ends at 1e-45.
    numpy.testing.assert_allclose(serving, batch, rtol=rtol, atol=atol, equal_nan=True)
