"""What every transform must do: a new file in catalog/transforms is tested without a line here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from aimass_compiler.catalog import OneOf, names
from aimass_compiler.catalog.descriptions import descriptions
from aimass_compiler.catalog.fit import features, fit
from aimass_compiler.catalog.transform import EXAMPLE_COLUMNS, EachColumn, Transform
from aimass_compiler.engines.local import Local
from aimass_compiler.expression.algebra import columns_of
from aimass_compiler.expression.folds import in_folds
from aimass_compiler.expression.statistics import learn
from tests.expression.both import assert_agree
from tests.transforms.fitted import CASES, PROJECT, TABLE, TASK, example, fitted, frames, kind_of, sample

if TYPE_CHECKING:
    from collections.abc import Mapping

ADAPTER: TypeAdapter[Transform] = TypeAdapter(Annotated[Transform, OneOf("transforms")])
every_kind = pytest.mark.parametrize("name", names("transforms"))
every_example = pytest.mark.parametrize(("name", "number"), CASES)
#: Logarithms, exponentials and sines differ in their last bits; a feature is a float32.
ROUNDED = {"rtol": 1e-12, "atol": 1e-15}
deliberate = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@every_kind
def test_it_has_examples_over_the_columns_that_there_are(name: str) -> None:
    kind = kind_of(name)
    file = f"aimass_compiler/catalog/transforms/{name}.py"
    assert getattr(kind, "examples", ()), (
        f"{file} has no examples, so nothing tests it: give the class `examples: ClassVar[tuple[Any, ...]]`, "
        f"parameters as a spec writes them, over the columns {', '.join(EXAMPLE_COLUMNS)}"
    )
    for number in range(len(kind.examples)):
        unknown = set(example(name, number).columns_read) - set(EXAMPLE_COLUMNS)
        assert not unknown, f"{file}: example {number} reads {unknown}, which EXAMPLE_COLUMNS does not have"


@every_kind
def test_every_parameter_is_described(name: str) -> None:
    kind = kind_of(name)
    assert kind.__doc__
    assert set(descriptions(kind)) == set(kind.model_fields)
    schema = kind.model_json_schema(by_alias=True)
    assert set(schema["properties"]) == {field.alias or key for key, field in kind.model_fields.items()}


@every_kind
def test_the_examples_show_every_parameter(name: str) -> None:
    kind = kind_of(name)
    shown = {key for number in range(len(kind.examples)) for key in example(name, number).model_fields_set}
    assert shown == set(kind.model_fields)


@every_kind
def test_the_examples_show_every_type_that_it_accepts(name: str) -> None:
    kind = kind_of(name)
    types = {
        type(EXAMPLE_COLUMNS[column])
        for number in range(len(kind.examples))
        for column in example(name, number).columns_read
    }
    shown = {type(accepted) for accepted in EXAMPLE_COLUMNS.values()}
    if issubclass(kind, EachColumn):
        assert types == shown.intersection(kind.accepts)
    assert types <= set(kind.accepts)


@every_example
def test_it_is_decoded_from_a_spec_and_written_back(name: str, number: int) -> None:
    written = {name: kind_of(name).examples[number]}
    decoded = ADAPTER.validate_python(written)
    document = json.loads(json.dumps(ADAPTER.dump_python(decoded, mode="json"), allow_nan=False))
    assert ADAPTER.validate_python(document) == decoded
    assert decoded.resolved(EXAMPLE_COLUMNS) == example(name, number)


@every_example
def test_it_produces_the_types_that_it_says(name: str, number: int) -> None:
    transform = example(name, number).bound(PROJECT)
    assert transform.problem(EXAMPLE_COLUMNS) is None
    said = transform.produces(EXAMPLE_COLUMNS)
    made = transform.apply(TABLE, _learnt(transform, sample()))
    assert list(said) == list(made) == list(transform.columns_written)
    for column, kind in said.items():
        expression = made[column]
        assert (kind is None) == (expression is None)
        if kind is not None and expression is not None:
            assert type(expression.type) is type(kind)
            assert kind.components in (None, expression.type.components)
            assert kind.codes in (None, expression.type.codes)


@every_example
def test_it_reads_only_the_columns_that_it_says(name: str, number: int) -> None:
    transform = example(name, number).bound(PROJECT)
    seen = {column: TABLE[column] for column in transform.columns_read}
    raw = {column.name for expression in seen.values() for column in columns_of(expression)}
    statistics = transform.learn(seen)
    made = transform.apply(seen, _learnt(transform, sample()))
    expressions = [statistic.of for statistic in statistics.values()] + [
        value for value in made.values() if value
    ]
    assert {column.name for expression in expressions for column in columns_of(expression)} <= raw


@every_example
@deliberate
@given(data=st.data())
def test_serving_computes_what_training_saw(name: str, number: int, data: st.DataObject) -> None:
    train, served = data.draw(frames()), data.draw(frames())
    for column, expression in fitted([example(name, number)], train).items():
        if column in example(name, number).columns_written:
            is_rounded = name in ("log", "compute", "cycle", "power_transform")
            rows = polars.concat([train, served])
            assert_agree(expression, rows, **(ROUNDED if is_rounded else {}))


@every_example
def test_the_same_rows_teach_the_same(name: str, number: int) -> None:
    transform = example(name, number)
    shuffled = sample(60).sample(fraction=1.0, shuffle=True, seed=1)
    assert repr(fitted([transform], sample(60))) == repr(fitted([transform], sample(60)))
    assert features(fitted([transform], shuffled)).labels == features(fitted([transform], sample(60))).labels


@every_example
def test_one_row_and_no_value_at_all_are_learnt_from(name: str, number: int) -> None:
    transform = example(name, number)
    rows = sample(2).head(1)
    empty = rows.with_columns(
        polars.lit(None, dtype=kind).alias(column)
        for column, kind in rows.schema.items()
        if column != TASK.target
    )
    for train in (rows, empty, polars.concat([empty] * 5)):
        for column, expression in fitted([transform], train).items():
            if column in transform.columns_written:
                assert_agree(expression, polars.concat([rows, empty, sample(5)]), **ROUNDED)


def _learnt(transform: Transform, rows: polars.DataFrame) -> Mapping[str, Any]:
    found: dict[str, Any] = {}

    def remember(statistics: Mapping[str, Any]) -> Mapping[str, Any]:
        values = learn(in_folds(Local().table([rows])), statistics, TASK)
        found.update({key.partition(".")[2]: value for key, value in values.items()})
        return values

    fit([transform], TABLE, remember)
    return found
