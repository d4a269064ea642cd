"""Transforms learnt on a table and applied by both engines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy
import polars
from hypothesis import strategies as st

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.fit import fit
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transform import EXAMPLE_COLUMNS, Transform
from aimass_compiler.engines.local import Local
from aimass_compiler.expression.algebra import Bucket, Column, CountHashed, Expression, Lower, Words
from aimass_compiler.expression.column_types import CATEGORY, NUMBER, ColumnType
from aimass_compiler.expression.folds import in_folds
from aimass_compiler.expression.statistics import learn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

TASK = Task(kind="classification", target="churned", classes=("no", "yes"))
#: What the examples are written over, as expressions of raw columns.
TABLE: dict[str, Expression] = {
    name: Column(name, kind) for name, kind in EXAMPLE_COLUMNS.items() if kind.name not in ("index", "vector")
} | {
    "age_group": Bucket(Column("age", NUMBER), (18.0, 40.0, 65.0)),
    "words": CountHashed(Words(Lower(Column("note", EXAMPLE_COLUMNS["note"]))), 8, "words"),
}
assert {name: expression.type for name, expression in TABLE.items()} == dict(EXAMPLE_COLUMNS)
PIXELS = 48
#: Where code of users' own is.
PROJECT = Path(__file__).parent / "project"
STEPS = 4
HISTORY = 8


def kind_of(name: str) -> type[Transform]:
    return cast("type[Transform]", load("transforms", name))


#: Every kind with each of its examples.
CASES = [
    (name, number)
    for name in names("transforms")
    for number in range(len(getattr(kind_of(name), "examples", ())))
]


def example(name: str, number: int) -> Transform:
    """An example of a kind, decoded, with its selectors resolved."""
    kind = kind_of(name)
    decoded = kind.model_validate(kind.expand(kind.examples[number]))
    return decoded.resolved(EXAMPLE_COLUMNS)


_finite = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, 1.0, 18.0, 65.0, -1e30]),
    st.floats(-1e6, 1e6, width=32),
    st.integers(0, 100).map(float),
)
_names = st.one_of(st.none(), st.sampled_from(["basic", "plus", "pro", "Zoë", "", "a b", "\x1f"]))
_texts = st.one_of(
    st.none(), st.lists(st.sampled_from(["good", "Bad", "ÄÖ", "", "\t", "😀"]), max_size=6).map(" ".join)
)
_moments = st.one_of(
    st.none(),
    st.sampled_from(
        ["0001-01-01", "9999-12-31T23:59:59.999999", "1969-12-31 23:59:59.5", "20260131",
         "2024-02-29T23:30:00-01:00", "2026-01-31T12:00:00 UTC"]
    ),
    st.datetimes().map(str),
    st.dates().map(str),
)  # fmt: skip
_pictures = st.one_of(
    st.none(), st.floats(-2, 300, width=32).map(lambda start: [start + step for step in range(PIXELS)])
)


_series = st.one_of(
    st.none(),
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=STEPS).map(
        lambda steps: (
            [value for step in steps for value in (step, 2 * step)] + [math.nan] * (2 * (STEPS - len(steps)))
        )
    ),
)


_histories = st.lists(st.floats(-1e3, 1e3, width=32), min_size=HISTORY, max_size=HISTORY)
_ahead = st.one_of(st.none(), st.integers(-2, 20).map(float), st.floats(-1e6, 1e6))


def frames(least: int = 1, most: int = 10) -> SearchStrategy[polars.DataFrame]:
    """Rows of EXAMPLE_COLUMNS as the contract lets them through, and the target."""
    columns: dict[str, Any] = {"tenure": _finite, "charges": _finite, "age": _finite}
    columns |= {"plan": _names, "region": _names, "note": _texts, "photo": _pictures, "load": _series}
    columns |= {"sales": _histories, "step": _ahead}
    columns |= {"since": _moments, "last_order": _moments}
    columns |= {"churned": st.sampled_from(TASK.classes)}
    schema: dict[str, Any] = dict.fromkeys(("tenure", "charges", "age", "step"), polars.Float64)
    schema |= dict.fromkeys(("plan", "region", "note", "since", "last_order", "churned"), polars.String)
    schema |= {"sales": polars.Array(polars.Float32, HISTORY)}
    schema |= {"photo": polars.Array(polars.Float32, PIXELS), "load": polars.Array(polars.Float32, 2 * STEPS)}
    rows = st.lists(st.fixed_dictionaries(columns), min_size=least, max_size=most)
    return rows.map(lambda found: polars.DataFrame(found, schema=schema))


def sample(rows: int = 60, seed: int = 0) -> polars.DataFrame:
    """Rows that look like customers."""
    chance = numpy.random.default_rng(seed)
    photo = polars.Series(chance.normal(size=(rows, PIXELS)), dtype=polars.Array(polars.Float32, PIXELS))
    steps = chance.normal(size=(rows, STEPS, 2))
    steps[chance.integers(1, STEPS + 1, rows)[:, None] <= numpy.arange(STEPS)] = numpy.nan
    load = polars.Series(steps.reshape(rows, -1), dtype=polars.Array(polars.Float32, 2 * STEPS))
    table = polars.DataFrame(
        {
            "tenure": chance.integers(0, 60, rows).astype(float),
            "charges": chance.gamma(2.0, 30.0, rows),
            "age": chance.normal(45, 15, rows).round(),
            "plan": chance.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1]),
            "region": chance.choice(["north", "south"], rows),
            "note": [" ".join(chance.choice(["good", "bad", "Fine", "late"], 4)) for _ in range(rows)],
            "since": [
                f"20{number % 30:02}-{number % 12 + 1:02}-{number % 28 + 1:02}" for number in range(rows)
            ],
            "last_order": [f"2031-05-{number % 31 + 1:02}T{number % 24:02}:30:00Z" for number in range(rows)],
            "photo": photo,
            "load": load,
            "sales": polars.Series(
                chance.gamma(2.0, 30.0, (rows, HISTORY)), dtype=polars.Array(polars.Float32, HISTORY)
            ),
            "step": (numpy.arange(rows) % 14 + 1).astype(float),
            "churned": chance.choice(["no", "yes"], rows),
        }
    )
    gaps = chance.random(rows) < 0.1
    lacking = ("charges", "plan", "note")
    return table.with_columns(
        polars.when(~polars.Series(gaps)).then(polars.col(name)).alias(name) for name in lacking
    )


def fitted(
    transforms: Sequence[Transform], rows: polars.DataFrame, table: Mapping[str, Expression] = TABLE
) -> Mapping[str, Expression]:
    """The columns after the transforms, learnt on these rows."""
    transforms = [transform.bound(PROJECT) for transform in transforms]
    return fit(transforms, table, lambda statistics: learn(in_folds(Local().table([rows])), statistics, TASK))


def alone(name: str, parameters: Any, column: str, values: Sequence[Any]) -> Expression:
    """One transform learnt on one column of numbers or strings."""
    is_string = any(isinstance(value, str) for value in values)
    kind: ColumnType = CATEGORY if is_string else NUMBER
    rows = frame(column, values)
    transform = kind_of(name).model_validate(kind_of(name).expand(parameters)).resolved({column: kind})
    result = fitted([transform], rows, {column: Column(column, kind)})
    return next(reversed(result.values()))


def frame(column: str, values: Sequence[Any]) -> polars.DataFrame:
    """A table of one column, with a target."""
    kind = polars.String if any(isinstance(value, str) for value in values) else polars.Float64
    target = [TASK.classes[number % 2] for number in range(len(values))]
    return polars.DataFrame({column: polars.Series(values, dtype=kind), "churned": target})
