"""Whatever a document holds, decoding, lowering and checking it returns; what they take survives as JSON."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler import checks
from aimass_compiler.catalog import load, names
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import SHOWN, base, changed, checked
from tests.examples import at_most

#: The words that the language gives a meaning, so that most examples get far.
WORDS = sorted(
    {"plan", "tenure", "charges", "churned", "since", "type", "number", "category", "text", "by", "columns"}
    | {"column", "choice", "uniform", "min", "max", "metric", "value", "", "1", "yes"}
    | {name for family in ("transforms", "models", "splits", "sources", "cleaning") for name in names(family)}
)
KEYS = sorted(
    {key for name in names("transforms") for key in load("transforms", name).model_fields}
    | {key for name in names("models") for key in load("models", name).model_fields}
    | set(WORDS)
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from(WORDS)
    | st.text(max_size=3)
)
DATA: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths_of(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in the data."""
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(found for step, value in below for found in paths_of(value, (*path, step)))]


def put(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The data with another value at a place."""
    if not path:
        return value
    if isinstance(data, dict):
        return {key: put(below, path[1:], value) if key == path[0] else below for key, below in data.items()}
    return [put(below, path[1:], value) if place == path[0] else below for place, below in enumerate(data)]


SOUND = base(
    "model: {xgboost: {max_depth: {choice: [4, 6]}}}\n"
    "data: {split: {by: random, stratify: plan}, clean: [keep: tenure > 0]}\n"
    "evaluation: {gates: [{metric: roc_auc, min: 0.5}], slices: [plan]}\n"
    "training: {optimizer: {sgd: {momentum: 0.5}}, early_stopping: 3}\n"
    "environments: {prod: {serving: {replicas: {min: 3, max: 5}}}}\n"
    "features: [cross: [plan, plan], select: 3, one_hot: {type: category},\n"
    "  compute: {name: double, formula: 2 * tenure}]"
)
PLACES = [path for path in paths_of(SOUND) if path]


@at_most(150)
@given(st.dictionaries(st.sampled_from([*SOUND, "extra"]), DATA, max_size=6))
def test_any_data_is_judged(data: dict[str, Any]) -> None:
    assert checked(data)[1]


@at_most(400)
@given(st.lists(st.tuples(st.sampled_from(PLACES), DATA), min_size=1, max_size=2))
def test_a_sound_spec_with_anything_anywhere_is_judged_and_survives(changes: list[tuple[Any, Any]]) -> None:
    data = SOUND
    for path, value in changes:
        data = put(data, path, value) if path in paths_of(data) else data
    pipeline, findings = checked(data)
    document: Document = parse(json.dumps(data), SHOWN)[0]
    for finding in findings:
        assert finding.message
        assert document.place_of_finding(finding)
    if pipeline is not None:
        written = json.loads(pipeline.model_dump_json())
        again = Pipeline.model_validate({**written, "settings": pipeline.settings})
        assert again == pipeline
        assert again.model_dump_json() == pipeline.model_dump_json()


@at_most(100)
@given(st.sampled_from(checks.EXAMPLES), st.randoms())
def test_the_order_of_keys_changes_no_finding(example: checks.Example, random: Any) -> None:
    data = changed(example, example.fails)
    keys = list(data)
    random.shuffle(keys)
    assert checked({key: data[key] for key in keys})[1] == checked(data)[1]
